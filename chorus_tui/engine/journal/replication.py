"""Anti-entropy: ``/chorus/journal/1.0.0``. What gossip lost, this brings.

On connect, on a gap, and regularly with one random member, feeds are made equal (:mod:`chorus_tui.engine.journal.exchange`).
Both sides end knowing what the other holds of their own feed: that is what "held by" counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.exchange import Exchange
from chorus_tui.engine.journal.fetching import Fetching
from chorus_tui.engine.journal.frames import PATIENCE_S
from chorus_tui.engine.journal.intake import readable
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, Watermarks

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.replication")

PROTOCOL = "/chorus/journal/1.0.0"
BRANCH = 64
"""Headers of a branch shown at once."""
BODIES = 8
"""Missing bodies of one answer: as large as they may be, they fit a frame."""
WATERMARK_S = 10.0
WATERMARKS = 300


@dataclass(frozen=True, slots=True)
class Knew:
    """A peer held ``count`` entries of some epoch when its own feed had ``own_count`` in ``own_epoch``: all that it said later it
    said knowing them."""

    count: int
    own_epoch: str
    own_count: int


class Replication:
    """Keeps this peer's feeds equal to those of the members it can talk to."""

    def __init__(self, journal: FeedJournal, *, interval_s: float, entropy: Entropy) -> None:
        self._journal = journal
        self._interval_s = interval_s
        self._entropy = entropy
        self._due: set[str] = set()
        self._fetching = Fetching()
        self._wake = Bell()
        self._held: dict[str, dict[str, int]] = {}
        self._told: list[dict[str, dict[str, int]]] = []
        self._knew: dict[str, dict[tuple[str, str], Knew]] = {}
        journal.mesh.serve(PROTOCOL, self._serve)
        journal.mesh.on_link(self._on_link)

    # ── when ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, peer_id: str) -> None:
        """Replicate with this peer soon."""
        self._due.add(peer_id)
        self._wake.ring()

    def ask_all(self) -> None:
        """Replicate with every linked member soon."""
        for peer_id in self._journal.mesh.links():
            self.ask(peer_id)

    def brings(self, author: str) -> bool:
        """Whether a long stretch of this author's feed is under way."""
        return self._fetching.bringing(author) is not None

    def _on_link(self, peer_id: str, connected: bool) -> None:
        if connected:
            self.ask(peer_id)
        else:
            self._due.discard(peer_id)

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._regularly)
            nursery.start_soon(self._whisper_watermarks)
            task_status.started()
            while True:
                await self._wake.rung()
                for peer_id in sorted(self._due):
                    self._due.discard(peer_id)
                    if self._journal.intake.is_member(peer_id):
                        nursery.start_soon(self._sync_with, peer_id)

    async def _regularly(self) -> None:
        while True:
            await trio.sleep(self._interval_s * self._entropy.uniform(0.8, 1.2))
            peers = sorted(p for p in self._journal.mesh.links() if self._journal.intake.is_member(p))
            if peers:
                self.ask(peers[int(self._entropy.uniform(0, len(peers) - 1e-9))])

    # ── syncing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _sync_with(self, peer_id: str) -> None:
        try:
            stream = await self._journal.mesh.open(peer_id, PROTOCOL)
            try:
                done = await self._exchange(stream, None)
            finally:
                await stream.close()
            if done:
                await self._journal.signatures.mend_from(peer_id)
            if done and self._journal.store.without_body(1):
                with trio.fail_after(PATIENCE_S * 4):
                    await self._fetch_bodies(peer_id)
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug(
                "Replication did not finish; it is tried again", peer=peer_id, error=str(error) or type(error).__name__
            )

    async def _exchange(self, stream: Stream, question: dict[str, Any] | None) -> bool:
        """Replicate over ``stream``, asked or asking; False when its time ran out. One that was cut goes on soon."""
        session = self._fetching.session(stream.peer_id)
        exchange = Exchange(self._journal, stream, session)
        try:
            with session.scope:
                await (exchange.begin() if question is None else exchange.answer(question))
                return True
            return False
        finally:
            self._confirm(stream.peer_id, exchange.confirmed)
            cut = exchange.came > 0 and exchange.confirmed is None and stream.peer_id in self._journal.mesh.links()
            for peer_id in session.end() or ([stream.peer_id] if cut else []):
                self.ask(peer_id)

    async def _serve(self, stream: Stream) -> None:
        frame = await frames.receive(stream)
        if frame["kind"] == "sync":
            await self._exchange(stream, frame)
            return
        with trio.move_on_after(PATIENCE_S * 4):
            if frame["kind"] == "deliver":
                await self._answer_deliver(stream, frame)
            elif frame["kind"] == "bodies":
                await self._answer_bodies(stream, frame)
            elif frame["kind"] == "branch":
                await self._answer_branch(stream, frame)
            else:
                raise WireError("bad_frame", "Unknown kind of frame")

    # ── delivering ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, entry: Entry, addressee: str) -> bool:
        """Bring one entry to one peer; True when it confirmed to hold it."""
        try:
            with trio.fail_after(PATIENCE_S):
                stream = await self._journal.mesh.open(addressee, PROTOCOL)
                try:
                    await frames.send(
                        stream, {"kind": "deliver", "entry": frames.item(entry.header.encode(), entry.sig, entry.body)}
                    )
                    answer = await frames.expect(stream, "receipt")
                finally:
                    await stream.close()
        except (MeshError, WireError, trio.TooSlowError):
            return False
        return answer.get("hash") == entry.hash

    async def _answer_deliver(self, stream: Stream, frame: dict[str, Any]) -> None:
        entry = frames.entry(frame.get("entry"))
        await self._journal.accept([readable(entry)], stream.peer_id)
        held = self._journal.store.hash_of(*entry.key)
        await frames.send(stream, {"kind": "receipt", "hash": held or ""})

    # ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fetch_bodies(self, peer_id: str) -> None:
        """Bodies that somebody withheld from us may be there; one that was erased comes from nobody."""
        wanted = self._journal.store.without_body(BODIES)
        stream = await self._journal.mesh.open(peer_id, PROTOCOL)
        try:
            await frames.send(stream, {"kind": "bodies", "wanted": [list(key) for key in wanted]})
            found = frames.items(await frames.receive(stream))
        finally:
            await stream.close()
        await self._journal.accept([readable(entry) for entry in _signed(found)], peer_id)

    async def _answer_bodies(self, stream: Stream, frame: dict[str, Any]) -> None:
        wanted = frame.get("wanted")
        if not isinstance(wanted, list):
            raise WireError("bad_frame", "wanted is a list of [author, epoch, number]")
        items: list[dict[str, Any]] = []
        for key in wanted[:BODIES]:
            if not (isinstance(key, list) and [type(part) for part in key] == [str, str, int]):
                raise WireError("bad_frame", "wanted is a list of [author, epoch, number]")
            entry = self._journal.get(*key)
            if entry is not None and entry.body is not None:
                items.append(frames.item(entry.header.encode(), entry.sig, entry.body))
        await frames.send(stream, {"kind": "entries", "entries": items})

    # ── forks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def branch(self, peer_id: str, author: str, epoch: str, before: int) -> list[Entry]:
        """What a peer holds of an epoch just before a number, oldest first, if well signed; empty when it cannot be asked."""
        try:
            with trio.fail_after(PATIENCE_S):
                stream = await self._journal.mesh.open(peer_id, PROTOCOL)
                try:
                    await frames.send(stream, {"kind": "branch", "author": author, "epoch": epoch, "before": before})
                    frame = await frames.receive(stream)
                finally:
                    await stream.close()
            found = _signed(frames.items(frame))
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug("The other branch cannot be seen now", peer=peer_id, error=str(error))
            return []
        return [entry for entry in found if (entry.author, entry.header.epoch) == (author, epoch)]

    async def _answer_branch(self, stream: Stream, frame: dict[str, Any]) -> None:
        author, epoch, before = frame.get("author"), frame.get("epoch"), frame.get("before")
        if not isinstance(author, str) or not isinstance(epoch, str) or type(before) is not int or before < 0:
            raise WireError("bad_frame", "A question for a branch names author, epoch and number")
        start = max(0, before - BRANCH)
        rows = self._journal.store.range(author, epoch, start, before - start)
        await frames.send(
            stream, {"kind": "entries", "entries": [frames.item(header, sig, None) for header, sig, _ in rows]}
        )

    # ── who holds what ─────────────────────────────────────────────────────────────────────────────────────────────

    def holders(self, entry: Entry) -> set[str]:
        """Peers that confirmed to hold this own entry."""
        return {peer for peer, epochs in self._held.items() if epochs.get(entry.header.epoch, 0) > entry.header.seq}

    def _confirm(self, peer_id: str, epochs: object) -> None:
        if not isinstance(epochs, dict):
            return
        held = self._held.setdefault(peer_id, {})
        own = self._journal.held_of(self._journal.me.peer_id)
        for epoch, count in epochs.items():
            if isinstance(count, int) and epoch in own:
                held[epoch] = max(held.get(epoch, 0), min(count, own[epoch]))

    async def hear_watermarks(self, author: str, message: Message, _topic: str) -> None:
        """A member says how much it holds; what it holds more than us is asked for."""
        assert isinstance(message, Watermarks)
        self._confirm(author, message.held.get(self._journal.me.peer_id))
        heads = self._journal.chains.heads
        if own := message.held.get(author):
            self._note_known(author, *next(iter(own.items())), message.held)
        for feed, epochs in message.held.items():
            if any(count > heads.get((feed, epoch), (0, ""))[0] for epoch, count in epochs.items()):
                self.ask(author)
                return

    def _note_known(self, author: str, own_epoch: str, own_count: int, held: dict[str, dict[str, int]]) -> None:
        """Of epochs that are held here too, so that nobody fills the memory with names."""
        knew, heads = self._knew.setdefault(author, {}), self._journal.chains.heads
        for feed, epochs in held.items():
            for epoch, count in epochs.items():
                if (feed, epoch) in heads:
                    knew[feed, epoch] = Knew(count, own_epoch, own_count)

    def knew(self, peer_id: str, author: str, epoch: str) -> Knew | None:
        """What a peer last said to hold of an epoch, since this peer was started."""
        return self._knew.get(peer_id, {}).get((author, epoch))

    async def _whisper_watermarks(self) -> None:
        while True:
            await trio.sleep(WATERMARK_S)
            parts = self.watermarks()
            if parts != self._told and self._journal.mesh.links():
                self._told = parts
                for part in parts:
                    await self._journal.whisper("watermarks", {"held": part})

    def watermarks(self) -> list[dict[str, dict[str, int]]]:
        """How much of each author's open epoch is held, in parts that keep the bounds of a message."""
        newest: dict[str, dict[str, int]] = {}
        for (author, epoch), (count, _) in self._journal.chains.heads.items():
            newest[author] = {epoch: count}
        items = list(newest.items())
        return [dict(items[start : start + WATERMARKS]) for start in range(0, len(items), WATERMARKS)]


def _signed(items: list[object]) -> list[Entry]:
    """What stands in a frame by its own signature; of the others there the sender may have no better one."""
    return [entry for entry in (frames.entry(item, verified=True) for item in items) if signed(entry)]
