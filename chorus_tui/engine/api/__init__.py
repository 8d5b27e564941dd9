"""The engine's doors: HTTP and WebSocket on a Unix socket, on TCP with tokens, and probes. No rules live here.

Everything is made from the contract's list of operations. The server is asyncio in a thread of its own
(:mod:`chorus_tui.engine.api.bridge`); handlers run in trio.
"""
