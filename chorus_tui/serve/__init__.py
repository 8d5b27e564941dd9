"""The portal, served to others: over SSH and in a browser. A process of its own beside the engine, so that people's repaints and
the engine never share an interpreter. ``ssh`` is the only importer of asyncssh, ``web`` of textual-serve."""
