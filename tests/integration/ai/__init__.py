"""Models over real sockets."""
