"""Shared texts on a simulated mesh: journals, control logs and the feature, as the engine joins them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio
from pycrdt import Doc, Text

from chorus_tui.contract.models import collab as models
from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.collab.parts import Parts
from chorus_tui.engine.collab.service import CollabService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing, Copies
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.ucxl.interface import NotFound, Version
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]
"""The material → the model's object."""


class ScriptedVoice:
    """A model that follows a function; every question takes a second."""

    available = True

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked = 0

    async def answer(
        self, _instructions: str, material: str, _schema: Mapping[str, Any], max_tokens: int = 600
    ) -> dict[str, Any] | None:  # fmt: skip
        del max_tokens
        self.asked += 1
        await trio.sleep(1)
        return self._answer(canonical.decode(material.encode()))


class Shelf:
    """Blobs that everybody in reach shares: one folder for the whole world."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put_bytes(self, data: bytes) -> BlobInfo:
        digest = canonical.sha256_hex(data)
        await trio.to_thread.run_sync((self._folder / digest).write_bytes, data)
        return BlobInfo(f"sha256:{digest}", len(data))

    async def shown(self, digest: str) -> Path:
        return await self.path(digest)

    async def path(self, digest: str) -> Path:
        found = self._folder / digest.removeprefix("sha256:")
        if not found.exists():
            raise BlobMissing(f"nobody has {digest}")
        return found

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:
        del digests, copies, wait_s
        return Copies(0, 0)


@dataclass
class Places:
    """Content under addresses, in memory."""

    content: dict[str, bytes] = field(default_factory=dict)
    parents: dict[str, Any] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)
    """Places whose newest version only some can read."""

    async def put(self, address: Address, content: bytes, *, parents: Any = None, **_more: Any) -> Version:
        self.content[address.place], self.parents[address.place] = content, parents
        return self._version(address.place)

    async def get(self, address: Address) -> tuple[Version, bytes]:
        if address.place not in self.content:
            raise NotFound(f"nothing is at {address}")
        return self._version(address.place), self.content[address.place]

    def versions(self, address: Address) -> list[Version]:
        return [self._version(address.place)] if address.place in self.content else []

    def _version(self, place: str) -> Version:
        entry, readers = canonical.sha256_hex(place.encode()), ("role:authors",) if place in self.sealed else ()
        return Version(place, 1, True, entry, "", 0, "", 0, "text/plain", readers, (), (), False, "", (), 0)


class Copy:
    """A portal's copy of a text: types at once, syncs when it is told to."""

    def __init__(self, service: CollabService, joined: models.Joined) -> None:
        self._service = service
        self.session = joined.view.row.session
        self.doc: Doc[Text] = Doc(client_id=joined.client_id)
        self.doc["text"] = self.text = Text()
        self._made: list[bytes] = []
        self.doc.apply_update(base64.b64decode(joined.update))
        self._listening = self.doc.observe(lambda event: self._made.append(event.update))

    def __str__(self) -> str:
        return str(self.text)

    def type(self, text: str, at: int | None = None) -> None:
        self.text.insert(len(str(self).encode()) if at is None else at, text)

    def delete(self, at: int, length: int) -> None:
        del self.text[at : at + length]

    async def sync(self) -> models.Synced:
        from pycrdt import merge_updates

        mine, self._made = self._made, []
        update = merge_updates(*mine) if mine else b""
        answer = await self._service.operations.sync(
            models.SyncCollab(
                session=self.session, state_vector=base64.b64encode(self.doc.get_state()).decode(),
                update=base64.b64encode(update).decode(),
            ),
            None,
        )  # fmt: skip
        self.doc.apply_update(base64.b64decode(answer.update))
        self._made = [] if answer.took else mine
        return answer


class Atelier:
    """A world whose peers also carry shared texts."""

    def __init__(self, at: World, folder: Path) -> None:
        self.at = at
        at.clock = SimulatedClock
        self.folder = folder
        self.places = Places()
        self.patches: list[tuple[str, str, str]] = []
        """What texts became: address, text, title."""
        self.services: dict[str, CollabService] = {}
        self.events: dict[str, EventBus] = {}
        self.voices: dict[str, ScriptedVoice] = {}

    async def start(self, name: str, voice: Answer | None = None, *, kind: str = "agent", **options: Any) -> Peer:
        """One more peer; a ``voice`` makes it an agent that writes along."""
        holder: dict[str, CollabService] = {}

        def extend(peer: Peer) -> None:
            if voice:
                self.voices[name] = ScriptedVoice(voice)
            self.events[name] = EventBus()
            holder["service"] = CollabService(
                Parts(
                    peer.peer_id, name, kind, peer.journal, peer.control, peer.mesh, Shelf(self.folder), self.at.clock(),  # type: ignore[arg-type]
                    SeededEntropy(f"texts {name} {self.at.seed} {peer.control}"), self.events[name], Redactor(["hunter2hunter2"]).text,
                    self.voices.get(name), self.places, self._patch,  # type: ignore[arg-type]
                )
            )  # fmt: skip
            peer.besides.append(holder["service"].run)

        peer = await self.at.start(name, kind=kind, extend=extend, **options)
        self.services[name] = holder["service"]
        return peer

    async def _patch(self, address: str, text: str, title: str) -> str:
        self.patches.append((address, text, title))
        return f"patch {len(self.patches)}"

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash; what is left on the disks."""
        self.services.pop(name)
        return self.at.kill(name)

    # ── doing and seeing ───────────────────────────────────────────────────────────────────────────────────────────

    async def new(self, name: str, **fields: Any) -> str:
        view = await self.services[name].operations.new(models.NewCollab(**{"title": "A text", **fields}), None)
        return view.row.session

    async def known(self, session: str, *names: str) -> None:
        """Everybody has heard that it was begun."""

        def heard() -> bool:
            shown = [{row.session for row in self.services[name].views.rows("all", 99)} for name in names]
            return all(session in one for one in shown)

        await until("the session is known", heard)

    async def join(self, name: str, session: str) -> Copy:
        await self.known(session, name)
        service = self.services[name]
        return Copy(service, await service.operations.join(models.JoinCollab(session=session), None))

    async def edit(self, name: str, session: str, **edit: Any) -> models.Edited:
        request = models.EditCollab(session=session, edits=[models.TextEdit(**edit)])
        return await self.services[name].operations.edit(request, None)

    async def chat(self, name: str, session: str, text: str) -> None:
        await self.services[name].operations.chat(models.ChatInCollab(session=session, text=text), None)

    async def view(self, name: str, session: str) -> models.CollabView:
        return await self.services[name].operations.show(models.SessionRef(session=session), None)

    async def text(self, name: str, session: str) -> str:
        return (await self.view(name, session)).text

    async def end(self, name: str, session: str, outcome: str, **fields: Any) -> models.CollabView:
        request = models.EndCollab(session=session, outcome=outcome, **fields)  # type: ignore[arg-type]
        return await self.services[name].operations.end(request, None)

    async def all_equal(self, session: str, wanted: Callable[[str], bool] = bool, seconds: float = 120.0) -> str:
        """Every peer shows the same text, and it is one that is ``wanted``; that text."""
        with trio.move_on_after(seconds):
            while True:
                texts = {
                    await self.text(name, session)
                    for name in self.services
                    if session in self.services[name].book.sessions
                }
                if len(texts) == 1 and wanted(next(iter(texts))):
                    return texts.pop()
                await trio.sleep(0.5)
        raise AssertionError(f"not equal within {seconds} simulated seconds: {texts}")

    async def grant(self, name: str, authority: str) -> None:
        """A master grants it; all know when it is over."""
        peer_id, peers = self.at.peers[name].peer_id, self.at.peers.values()
        master = next(peer for peer in peers if peer.control.members[peer.peer_id].authority == "master")
        await master.control.request("member_changed", {"peer_id": peer_id, "authority": authority})
        await until("granted", lambda: all(
            peer.control.members[peer_id].authority == authority for peer in peers
        ))  # fmt: skip


@asynccontextmanager
async def atelier(
    seed: int, folder: Path, people: tuple[str, ...], agents: Mapping[str, Answer | None], **options: Any
) -> AsyncIterator[Atelier]:
    """One mesh of these; the first person founds it, so it is its master."""
    async with world(seed) as at:
        made = Atelier(at, folder)
        peers = [await made.start(name, kind="human", **options) for name in people]
        peers += [await made.start(name, voice, **options) for name, voice in agents.items()]
        await until("one mesh", lambda: one_mesh(peers), 300)
        await trio.sleep(2)
        yield made
