"""SLURP: what the mesh has learned, kept by the admin, known to all, asked for by agents."""
