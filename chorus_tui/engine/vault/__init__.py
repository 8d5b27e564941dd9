"""Keys of this peer. The only importer of pyrage."""
