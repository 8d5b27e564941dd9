"""The inbox alone."""
