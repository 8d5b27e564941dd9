"""One call over HTTP: to an address that was checked and no other, without redirects, within a bound of time.

The name is looked up once, and the connection goes to what was found: a name that leads elsewhere a moment later leads nowhere.
"""

from __future__ import annotations

import ssl
from typing import Final, Protocol

import httpx
import trio

from chorus_tui import __version__
from chorus_tui.contract.hosts import Target
from chorus_tui.engine.callbacks.rules import Place
from chorus_tui.engine.execution.egress import Gate, Refused

TRY_S: Final = 10.0


class Failed(Exception):
    """The call got no answer. The text says why, and names nothing of what was sent."""


class Post(Protocol):
    """How a call is made."""

    async def __call__(self, place: Place, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer. Raises :class:`Failed`."""
        ...


class HttpPost:
    """Calls over the network, to ``listed`` hosts."""

    def __init__(self, listed: frozenset[Target]) -> None:
        self._listed = listed
        self._verify: ssl.SSLContext | None = None

    async def __call__(self, place: Place, headers: dict[str, str], body: bytes) -> int:
        try:
            with trio.fail_after(TRY_S):
                return await self._post(place, await self._address(place.where), headers, body)
        except trio.TooSlowError:
            raise Failed(f"no answer within {TRY_S:g} s") from None
        except httpx.HTTPError as error:
            raise Failed(f"it cannot be reached: {type(error).__name__}") from error

    async def _address(self, where: Target) -> str:
        try:
            found = await trio.socket.getaddrinfo(where.host.encode("ascii"), where.port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            raise Failed(f"its name is not known here ({error.strerror})") from None
        asked = Gate(frozenset({where}), self._listed)
        try:
            return str(asked.passing(where, [str(one[4][0]) for one in found])[0])
        except Refused as error:
            raise Failed(str(error)) from None

    async def _post(self, place: Place, address: str, headers: dict[str, str], body: bytes) -> int:
        if self._verify is None and place.secure:
            # Reading certificates takes 20 ms; SSL_CERT_FILE may name a company's own.
            self._verify = httpx.create_ssl_context()
        host, port = f"[{address}]" if ":" in address else address, place.where.port
        transport = httpx.AsyncHTTPTransport(verify=self._verify or False, trust_env=False)
        async with httpx.AsyncClient(
            transport=transport, follow_redirects=False, trust_env=False, timeout=TRY_S
        ) as client:
            sent = {"Host": _host_header(place), "User-Agent": f"chorus-tui/{__version__}", **headers}
            url = f"{'https' if place.secure else 'http'}://{host}:{port}{place.path}"
            # The certificate is checked for the name, although the connection goes to the address.
            named = {"sni_hostname": place.where.host}
            async with client.stream("POST", url, content=body, headers=sent, extensions=named) as answer:
                return answer.status_code


def _host_header(place: Place) -> str:
    usual = 443 if place.secure else 80
    host = f"[{place.where.host}]" if ":" in place.where.host else place.where.host
    return host if place.where.port == usual else f"{host}:{place.where.port}"
