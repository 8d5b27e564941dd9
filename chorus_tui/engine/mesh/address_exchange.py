"""Passing the address book on: all of it to every new link, and again to all links when something new came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import structlog
import trio

from chorus_tui.engine.mesh.address_book import MAX_PEERS, MAX_RECORD, PROTOCOL, AddressBook
from chorus_tui.engine.mesh.interface import Link, MeshError, Stream

log = structlog.get_logger(__name__)

COALESCE_S: Final = 0.3
"""News wait this long for more of it."""
REST_S: Final = 2.0
"""Seconds between two rounds to all links."""
LIMIT_S: Final = 10.0


class Open(Protocol):
    """Opening a stream, as the mesh does."""

    def __call__(self, peer_id: str, protocol: str, *, timeout: float = 5.0) -> Awaitable[Stream]:
        """A new stream to a peer."""
        ...


class AddressExchange:
    """``changed``: called when the book has learned something."""

    protocol = PROTOCOL

    def __init__(self, book: AddressBook, links: Mapping[str, Link], open_: Open, changed: Callable[[], None]) -> None:
        self._book = book
        self._links = links
        self._open = open_
        self._changed = changed
        self._news = trio.Event()

    async def run(self) -> None:
        """Spread news and keep the book on disk, until cancelled."""
        while True:
            await self._news.wait()
            await trio.sleep(COALESCE_S)
            self._news = trio.Event()
            await trio.to_thread.run_sync(self._book.save)
            async with trio.open_nursery() as nursery:
                for peer_id in list(self._links):
                    nursery.start_soon(self.tell, peer_id)
            await trio.sleep(REST_S)

    def spread(self) -> None:
        """There is something new to tell."""
        self._news.set()

    async def tell(self, peer_id: str) -> None:
        """Send all statements to one linked peer; a failure is of no consequence, the next link brings them."""
        if peer_id not in self._links:
            return
        with trio.move_on_after(LIMIT_S):
            try:
                stream = await self._open(peer_id, PROTOCOL)
                try:
                    for frame in self._book.frames():
                        await stream.send(frame)
                finally:
                    await stream.close()
            except MeshError as error:
                log.debug("addresses not told", peer=peer_id, reason=str(error))

    async def answer(self, stream: Stream) -> None:
        """Take the statements another peer sends."""
        frames: list[bytes] = []
        with trio.move_on_after(LIMIT_S):
            while len(frames) < MAX_PEERS and (frame := await stream.receive(MAX_RECORD)) is not None:
                frames.append(frame)
        if self._book.merge(frames):
            self._changed()
            self.spread()
