"""BACKBEAT: one beat for the mesh, what each peer claims on it, and a report for every bar."""
