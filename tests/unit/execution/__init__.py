"""The execution room's rules."""
