"""Texts that several edit at once."""
