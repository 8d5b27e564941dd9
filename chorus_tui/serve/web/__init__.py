"""The portal in a browser: pages and WebSocket by aiohttp, the terminal by textual-serve's script, one process a tab.

Who comes needs a one-time URL; who is in has a cookie of this process. Every request passes ``rules``, no page asks another host for
anything, and what a guest may do is the engine's word: each app asks with a token of the portal's scope.
"""
