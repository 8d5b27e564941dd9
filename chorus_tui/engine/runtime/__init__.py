"""Builds the engine in order, supervises it, stops it in reverse."""
