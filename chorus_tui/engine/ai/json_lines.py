"""JSON lines whose only line ends are line ends.

The ``ollama`` client splits a stream with httpx' line decoder, which also splits at U+0085, U+2028 and U+2029. JSON allows all
three raw inside a string, and a model may well say them: the answer would break in two halves that are no JSON. Outside of
strings JSON has no place for them, so here their bytes become the escapes that mean the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

_ESCAPES = {
    "\u0085".encode(): rb"\u0085",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}
_BEGINNINGS = tuple({raw[:length] for raw in _ESCAPES for length in range(1, len(raw))})


class Escaped(httpx.AsyncByteStream):
    """A body with these three escaped, however it is cut."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        held = b""
        async for part in self._inner:
            data = held + part
            held = max((begin for begin in _BEGINNINGS if data.endswith(begin)), key=len, default=b"")
            yield _escaped(data.removesuffix(held))
        yield held

    async def aclose(self) -> None:
        await self._inner.aclose()


def _escaped(data: bytes) -> bytes:
    for raw, escape in _ESCAPES.items():
        data = data.replace(raw, escape)
    return data
