"""The engine: one process a peer, holding the mesh, the journal and the sandboxes. Imports no front."""
