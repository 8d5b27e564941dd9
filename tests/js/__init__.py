"""A js-libp2p peer, and the Python that starts it."""
