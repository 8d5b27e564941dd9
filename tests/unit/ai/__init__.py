"""Models: the pure rules, and prompts."""
