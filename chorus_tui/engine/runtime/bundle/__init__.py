"""``chorus-tui support-bundle``: what a helper needs to know of a peer, in one file, without secrets."""
