"""Keys, headers, files."""
