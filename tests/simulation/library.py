"""Content under addresses on a simulated mesh: journals, control logs and contents, as the engine joins them. Blobs are kept in
files, and come from linked members that hold them; seals are stood in for by a key everybody of a keyring has."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.models.blobs import BlobHolders
from chorus_tui.contract.ucxl import parse
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.forks import Resolutions
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing, Copies
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.ucxl.interface import Version
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.ucxl.service import UcxlService
from chorus_tui.engine.vault.interface import CannotSeal, NotForUs
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"


class Rings:
    """A vault whose files name their keyrings in the open; holders read them."""

    def __init__(self, holds: Sequence[str]) -> None:
        self.holds = set(holds)

    def readers_of(self, _author: str) -> tuple[str, ...]:
        return ("role:developer", "master")

    def seal_file(self, clear: bytes, readers: Sequence[str]) -> bytes:
        if "role:nobody" in readers:
            raise CannotSeal("nobody holds that keyring")
        return b"sealed " + ",".join(readers).encode() + b"\n" + clear

    def open_file(self, sealed: bytes) -> bytes:
        head, _, clear = sealed.partition(b"\n")
        if not self.holds.intersection(head.decode().removeprefix("sealed ").split(",")):
            raise NotForUs("this peer holds none of those keyrings")
        return clear


class Shelves:
    """Blobs of all peers, by peer id and digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: dict[str, set[str]] = {}


class Shelf:
    """Blobs of one peer: what a linked peer holds can be had."""

    def __init__(self, shelves: Shelves, peer: Peer) -> None:
        self._shelves = shelves
        self._peer = peer
        self.mine = shelves.held.setdefault(peer.peer_id, set())

    def _file(self, digest: str) -> Path:
        return self._shelves.folder / digest.removeprefix("sha256:")

    async def put_bytes(self, data: bytes) -> BlobInfo:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._file(digest).write_bytes(data)
        self.mine.add(digest)
        return BlobInfo(digest, len(data))

    async def put_file(self, path: Path) -> BlobInfo:
        return await self.put_bytes(await trio.Path(path).read_bytes())

    async def path(self, digest: str, size: int | None = None) -> Path:
        if digest not in self.mine:
            if not self._holders(digest):
                raise BlobMissing("No reachable peer holds it")
            self.mine.add(digest)
        return self._file(digest)

    async def shown(self, digest: str) -> Path:
        return await self.path(digest)

    def has(self, digest: str) -> bool:
        return digest in self.mine

    async def sound(self, digest: str) -> bool:
        return (
            self.has(digest) and self._file(digest).name == hashlib.sha256(self._file(digest).read_bytes()).hexdigest()
        )

    def _holders(self, digest: str) -> list[str]:
        return sorted(peer for peer in self._peer.mesh.links() if digest in self._shelves.held.get(peer, ()))  # type: ignore[attr-defined]

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:
        linked = sorted(self._peer.mesh.links())  # type: ignore[attr-defined]
        for peer in linked[:copies]:
            self._shelves.held[peer].update(digests)
        await trio.sleep(0.01)
        return Copies(len(linked[:copies]), len(linked))

    async def holders(self, digest: str) -> BlobHolders:
        links = self._peer.mesh.links()  # type: ignore[attr-defined]
        return BlobHolders(digest=digest, held_here=self.has(digest), holders=self._holders(digest), asked=len(links))

    async def pin(self, digest: str) -> None:
        await self.path(digest)


class Library:
    """A world whose peers also carry contents."""

    def __init__(self, at: World, folder: Path) -> None:
        self.at = at
        at.clock = SimulatedClock
        self.shelves = Shelves(folder)
        self.services: dict[str, UcxlService] = {}
        self.events: dict[str, EventBus] = {}

    async def start(self, name: str, holds: Sequence[str] = ("master", "role:developer"), **options: Any) -> Peer:
        """Start a peer; an old name with ``images`` comes back."""

        def extend(peer: Peer) -> None:
            shelf, events = Shelf(self.shelves, peer), EventBus()
            parts = Parts(
                peer.peer_id, "human", peer.journal, peer.control, shelf, Rings(holds), self.at.clock(), events,
                lambda text: text.replace("hunter2", "[REDACTED]"), shelf.holders, shelf.pin,
            )  # fmt: skip
            self.services[name], self.events[name] = UcxlService(parts), events
            peer.control.fold(peer.journal.erasures)
            peer.control.fold(Resolutions(peer.journal))
            peer.besides.append(self.services[name].run)

        return await self.at.start(name, extend=extend, **options)

    async def write(self, name: str, text: str, address: str = PLACE, **fields: Any) -> models.Put:
        """As a person does it."""
        request = models.PutContent(address=address, data=base64.b64encode(text.encode()).decode(), **fields)
        return await self.ask(name, "put", request)

    async def remove(self, name: str, address: str = PLACE) -> models.Put:
        return await self.ask(name, "remove", models.RemoveContent(address=address))

    async def ask(self, name: str, operation: str, request: Any) -> Any:
        """As a caller does it."""
        return await self.services[name].handlers()[f"ucxl.{operation}"](request, None)

    async def read(self, name: str, address: str = PLACE) -> str:
        _, content = await self.services[name].get(parse(address))
        return content.decode()

    def versions(self, name: str, address: str = PLACE) -> list[Version]:
        return self.services[name].versions(parse(address))

    def master(self) -> str:
        """The peer that is the mesh's master; the first by name of several."""
        return next(
            peer.peer_id for _, peer in sorted(self.at.peers.items())
            if peer.control.members[peer.peer_id].authority == "master"
        )  # fmt: skip

    async def all_know(self, count: int, address: str = PLACE) -> list[Version]:
        """Until all hold so many versions; what they all see of them, which must be the same."""
        for name in self.services:
            await until(f"{name} holds {count}", lambda name=name: len(self.versions(name, address)) == count)  # type: ignore[misc]
        seen = {name: [_shown(version) for version in self.versions(name, address)] for name in self.services}
        first, *others = seen.values()
        assert all(other == first for other in others), seen
        return self.versions(next(iter(self.services)), address)


def _shown(version: Version) -> tuple[object, ...]:
    """All of a version that peers agree on at once: whether it is settled they may learn one after the other."""
    return (
        version.n,
        version.entry,
        version.author,
        version.siblings,
        version.parents,
        version.digest,
        version.tombstone,
    )


@asynccontextmanager
async def library(seed: int, folder: Path, *names: str) -> AsyncIterator[Library]:
    """A mesh of these peers with contents."""
    async with world(seed) as at:
        made = Library(at, folder)
        peers = [await made.start(name) for name in names]
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(3)
        yield made
