"""Coordination: the pure rules, sessions from feed entries, plans."""
