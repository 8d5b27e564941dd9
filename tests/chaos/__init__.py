"""Real engines in network namespaces, hurt on purpose, and a checker of what they showed meanwhile."""
