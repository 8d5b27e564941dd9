"""Vectors of others, that say what is right."""
