"""HMMM: rooms in which people and agents think together, and what they agree on there."""
