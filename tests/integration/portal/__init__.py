"""The doors of an engine, with real processes and sockets."""
