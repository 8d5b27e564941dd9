"""WHOOSH: what an assignment may say, and what it stands above."""
