"""Role keys on a simulated mesh: control logs, feeds, real age keys; what each peer's ``age.key`` holds outlives its crash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from chorus_tui.engine.control import entries
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.vault.files import AgeVault
from chorus_tui.engine.vault.interface import CannotOpen
from chorus_tui.engine.vault.key_file import InMemory, KeyFile
from chorus_tui.engine.vault.parts import Parts
from chorus_tui.engine.vault.service import KeyService
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh

ALL = ("master", "decision", "coordination", "suggestion", "read_only")


class Holders:
    """A world whose peers carry the vault."""

    def __init__(self, at: World) -> None:
        self.at = at
        at.clock = SimulatedClock
        self.disks: dict[str, InMemory] = {}
        self.services: dict[str, KeyService] = {}
        self.vaults: dict[str, AgeVault] = {}
        self._recipients: dict[str, str] = {}

    async def start(self, name: str, **options: Any) -> Peer:
        """Start a peer; an old name with ``images`` comes back with its keys."""

        def extend(peer: Peer) -> None:
            file = KeyFile(self.disks.setdefault(name, InMemory()))
            self._recipients[peer.peer_id] = file.own.recipient

            def recipient_of(peer_id: str) -> str:
                return self._recipients.get(peer_id, "") if peer_id in peer.control.members else ""

            parts = Parts(peer.peer_id, file, peer.journal, peer.control, peer.mesh, self.at.clock(), recipient_of)  # type: ignore[arg-type]
            self.services[name] = KeyService(parts)
            self.vaults[name] = AgeVault(file, self.services[name].keyrings, peer.control, recipient_of)
            peer.besides.append(self.services[name].run)

        return await self.at.start(name, extend=extend, **options)

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash."""
        return self.at.kill(name)

    @property
    def admin(self) -> str:
        """The name of the peer that leads."""
        return next(name for name, peer in self.at.peers.items() if peer.control.is_admin)

    def held(self, name: str) -> dict[str, list[int]]:
        """What a peer's ``age.key`` holds of its mesh."""
        return self.services[name].holding(self.at.peers[name].control.mesh_id)

    async def holds(self, name: str, *keyrings: str, version: int = 1, seconds: float = 120.0) -> None:
        """Until a peer has these."""
        await until(
            f"{name} holds {keyrings}: {self.held(name)}",
            lambda: all(version in self.held(name).get(keyring, ()) for keyring in keyrings), seconds,
        )  # fmt: skip

    async def grant(self, by: str, to: str, **what: Any) -> None:
        """As a master's command does."""
        data = {"peer_id": self.at.peers[to].peer_id, **what}
        await self.at.peers[by].control.request(entries.MEMBER_CHANGED, data)

    def opens(self, name: str, sealed: bytes) -> bytes | None:
        """What a file says to a peer; None when it does not open."""
        try:
            return self.vaults[name].open_file(sealed)
        except CannotOpen:
            return None

    def cut(self, *names: str) -> None:
        """These from all the others; each other they still hear."""
        inside = {self.at.peers[name].peer_id for name in names}
        for peer in self.at.peers.values():
            for other in inside:
                if peer.peer_id not in inside:
                    self.at.network.cut(peer.peer_id, other)


@asynccontextmanager
async def holders(seed: int, *names: str) -> AsyncIterator[Holders]:
    """A mesh of these peers with vaults; the first one founds it and is its master."""
    async with world(seed) as at:
        made = Holders(at)
        peers = []
        for name in names:
            peers.append(await made.start(name))
            if len(peers) == 1:
                await until("founded", lambda: peers[0].control.is_admin)
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(3)
        yield made
