"""WHOOSH: what this peer is to be, told by an assignment over HTTP, at the start and again on SIGHUP."""
