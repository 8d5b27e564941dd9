"""The execution room with a real Docker Engine and the real git."""
