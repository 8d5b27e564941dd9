"""The portal over SSH: public keys only, each key a person and a scope, no shell, no commands, no files, no forwarding.

One process serves everybody, beside the engine. ``authorized`` and ``limits`` are pure; ``server`` decides who may come in and is the
only importer of asyncssh together with ``session`` and ``hostkey``; ``driver`` and ``app`` are the portal on a channel.
"""
