"""Tasks and their records on a simulated mesh: real role keys, content under addresses, blobs that linked members give."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from chorus_tui.contract import ucxl
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.records import of_tasks, record
from chorus_tui.engine.records.keeper import Keeper
from chorus_tui.engine.records.record import Record
from chorus_tui.engine.records.service import RecordService
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.ucxl.parts import Parts as ContentParts
from chorus_tui.engine.ucxl.service import UcxlService
from chorus_tui.engine.vault.files import AgeVault
from chorus_tui.engine.vault.key_file import InMemory, KeyFile
from chorus_tui.engine.vault.parts import Parts as VaultParts
from chorus_tui.engine.vault.service import KeyService
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.library import Shelf, Shelves
from tests.simulation.shop import Service, Shop
from tests.simulation.test_meeting import one_mesh


class Archive(Shop):
    """A shop whose peers keep records."""

    def __init__(self, at: World, folder: Path) -> None:
        super().__init__(at)
        self.shelves = Shelves(folder)
        self.contents: dict[str, UcxlService] = {}
        self._files: dict[str, KeyFile] = {}

    def beside(self, name: str, peer: Peer, tasks: TaskService, kind: str) -> list[Service]:
        file = self._files.setdefault(peer.peer_id, KeyFile(InMemory()))

        def recipient_of(peer_id: str) -> str:
            return self._files[peer_id].own.recipient if peer_id in self._files else ""

        keys = KeyService(
            VaultParts(peer.peer_id, file, peer.journal, peer.control, peer.mesh, SystemClock(), recipient_of)  # type: ignore[arg-type]
        )
        vault, shelf = AgeVault(file, keys.keyrings, peer.control, recipient_of), Shelf(self.shelves, peer)
        contents = UcxlService(
            ContentParts(
                peer.peer_id, "agent", peer.journal, peer.control, shelf, vault, SystemClock(), EventBus(), str, shelf.holders,
                shelf.pin,
            )
        )  # fmt: skip
        keeper = Keeper(peer.identity, contents, vault, None, peer.journal)
        records = RecordService(peer.peer_id, peer.journal, peer.control, tasks.board, keeper, SystemClock())
        self.contents[name] = contents
        return [keys.run, contents.run, records.run]

    def kill(self, name: str) -> tuple[bytes, bytes]:
        self.contents.pop(name)
        return super().kill(name)

    def announced(self, name: str, task_id: str) -> list[str]:
        """Addresses of the records of a task, one for each time that somebody announced one, as this peer holds them."""
        said = self.at.peers[name].journal.store.of_types({"decision_announcement"})
        return [entry.data["address"] for entry, _ in said if of_tasks.task_of(entry.data["address"]) == task_id]

    async def recorded(self, task_id: str) -> str:
        """Until all know of a record; its address."""
        await until(
            "a record is known to all", lambda: all(self.announced(name, task_id) for name in self.contents), 90
        )
        return self.announced(next(iter(self.contents)), task_id)[0]

    async def read(self, name: str, address: str) -> Record:
        """What a peer finds under an address, checked."""
        _, raw = await self.contents[name].get(ucxl.parse(address))
        return record.read(raw, address)


@asynccontextmanager
async def archive(seed: int, *names: str) -> AsyncIterator[Archive]:
    """A mesh of these peers; the first founds it."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(seed) as at:
            made = Archive(at, Path(folder))
            peers = []
            for name in names:
                peers.append(await made.start(name))
                if len(peers) == 1:
                    await until("founded", lambda: peers[0].control.is_admin)
            await until("one mesh", lambda: one_mesh(peers))
            await trio.sleep(3)
            yield made
