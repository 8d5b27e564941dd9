"""One bounded question to a service outside the mesh: the licence server, WHOOSH, BACKBEAT.

The rule it keeps: such a service can fail in any way and costs one bounded wait. A question has one time limit for all of
it, an answer one bound in bytes; redirects are not followed, compression is not taken, and nothing of the environment
(proxies, .netrc) goes with it. What goes wrong is told in words without address or body, since both may hold secrets.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import httpx
import trio

LARGEST: Final = 64 * 1024
"""Bytes of an answer, unless the caller takes another bound."""


class NoAnswer(Exception):
    """The service gave no usable answer. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises :class:`NoAnswer`."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise NoAnswer("its answer is no JSON object")
        return value


async def ask(
    method: str, url: str, *, within_s: float, body: dict[str, Any] | None = None, bound: int = LARGEST
) -> Answer:
    """One question and its whole answer, whatever its status. Raises :class:`NoAnswer`."""
    verify: ssl.SSLContext | bool = _certificates() if url.startswith("https:") else False
    try:
        with trio.fail_after(within_s):
            async with (
                httpx.AsyncClient(verify=verify, trust_env=False, timeout=within_s) as client,
                client.stream(method, url, json=body, headers={"Accept-Encoding": "identity"}) as response,
            ):
                return Answer(response.status_code, await _read(response, bound))
    except trio.TooSlowError:
        raise NoAnswer(f"it did not answer within {within_s:g} s") from None
    except httpx.ConnectError:
        raise NoAnswer("nobody can be reached there") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(f"the exchange failed ({type(error).__name__})") from None


async def _read(response: httpx.Response, bound: int) -> bytes:
    """The body, never more than ``bound`` bytes of it in memory."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NoAnswer("its answer is compressed, although that was not offered")
    held = bytearray()
    async for part in response.aiter_raw(min(bound, 16 * 1024) + 1):
        held += part
        if len(held) > bound:
            raise NoAnswer(f"its answer is over {bound} bytes")
    return bytes(held)


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Once, because reading them takes 20 ms. SSL_CERT_FILE may name a company's own."""
    return httpx.create_ssl_context()
