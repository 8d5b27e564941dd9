"""Records alone."""
