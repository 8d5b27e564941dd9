"""The one way out to a provider: to its own address only, with its own key only, and with bounds on what comes back.

Both clients sit on this transport, so that no default of a library can undo it. An ``Authorization`` header that somebody
else set is dropped (the ``ollama`` client takes one from the environment and sends it wherever it is pointed). A request to
another origin is refused, redirects are answers like any other, compression is neither offered nor accepted (a few bytes
may unpack to gigabytes), and a body or a line over the bound ends the connection.

A connection serves one request. Servers were seen to close a kept connection just after a streamed answer, so that the next
request on it died without an answer; a new connection costs far less than any answer of a model.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx

LARGEST_BODY = 16 << 20
LONGEST_LINE = 1 << 20
CONNECT_S = 10.0


class OverTheBound(httpx.ReadError):
    """More came than any answer has."""


class ElsewhereRefused(httpx.ConnectError):
    """Something tried to send a request to another origin than the provider's."""


class Way:
    """To one origin. ``key`` is sent there as a bearer token; empty: none is sent. Makes a transport for each question."""

    def __init__(self, origin: str, key: str = "") -> None:
        self.origin = httpx.URL(origin)
        self.key = key
        # Once, because reading certificates takes 20 ms; only TLS needs them. SSL_CERT_FILE may name a company's own.
        self.verify: ssl.SSLContext | bool = httpx.create_ssl_context() if self.origin.scheme == "https" else False

    def transport(self) -> ProviderTransport:
        """A new one; whoever holds it closes it."""
        return ProviderTransport(self)


class ProviderTransport(httpx.AsyncBaseTransport):
    """One question's connection."""

    def __init__(self, way: Way) -> None:
        self._way = way
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=way.verify, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if origin_of(request.url) != origin_of(self._way.origin):
            raise ElsewhereRefused("the request would leave the provider's own address", request=request)
        request.headers["Accept-Encoding"] = "identity"
        request.headers.pop("Authorization", None)
        if self._way.key:
            request.headers["Authorization"] = f"Bearer {self._way.key}"
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            await response.aclose()
            raise OverTheBound("the answer is compressed, although that was not offered", request=request)
        response.stream = _Bounded(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    """A body that ends in an error where it grows too long, as a whole or without a line end."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = line = 0
        async for part in self._inner:
            size += len(part)
            line = line + len(part) if b"\n" not in part else len(part) - part.rindex(b"\n")
            if size > LARGEST_BODY:
                raise OverTheBound(f"its body is over {LARGEST_BODY >> 20} MiB")
            if line > LONGEST_LINE:
                raise OverTheBound(f"one line is over {LONGEST_LINE >> 20} MiB")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def timeouts() -> httpx.Timeout:
    """Of the connection only: how long an answer may take is the chain's affair."""
    return httpx.Timeout(None, connect=CONNECT_S)
