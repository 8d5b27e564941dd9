"""Real engines in namespaces, hurt as the field does it."""
