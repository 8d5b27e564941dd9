"""Decisions: the rules of votes, without any I/O."""
