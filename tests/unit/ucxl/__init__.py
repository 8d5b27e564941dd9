"""Content under addresses: its rules."""
