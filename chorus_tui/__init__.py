"""A mesh where people and AI agents share the work."""

__version__ = "0.1.0"
