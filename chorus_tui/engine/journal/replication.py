"""Anti-entropy: ``/chorus/journal/1.0.0``. What gossip lost, this brings.

On connect, on a gap, and regularly with one random member: digests of all feeds, details of those that differ, then the
missing entries, first one way, then the other, in frames of at most 1 MiB. Everything is accepted as it comes, so a cut
loses nothing. Both sides end knowing what the other holds of their own feed: that is what "held by" counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.chain import Frontier, digest, lacking, missing
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, Watermarks

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.replication")

PROTOCOL = "/chorus/journal/1.0.0"
PAGE = 256
BRANCH = 64
"""Headers of a branch shown at once."""
BODIES = 8
"""Missing bodies of one answer: as large as they may be, they fit a frame."""
WATERMARK_S = 10.0
WATERMARKS = 300
LONG_S = 600.0
"""How long one exchange may take; what did not fit comes with the next."""
MANY = 512
"""Missing entries from which on they are taken from one peer at a time."""


class Busy(MeshError):
    """Not now: asked again later, by this side. The stream is reset, so that the other side sends no more."""


class Replication:
    """Keeps this peer's feeds equal to those of the members it can talk to."""

    def __init__(self, journal: FeedJournal, *, interval_s: float, entropy: Entropy) -> None:
        self._journal = journal
        self._interval_s = interval_s
        self._entropy = entropy
        self._due: set[str] = set()
        self._running: dict[str, trio.CancelScope] = {}
        self._taken: dict[str, int] = {}
        """New entries that the last exchange with a peer brought."""
        self._bulk_from: str | None = None
        self._after_bulk: set[str] = set()
        self._wake = trio.Event()
        self._held: dict[str, dict[str, int]] = {}
        self._told: list[dict[str, dict[str, int]]] = []
        journal.mesh.serve(PROTOCOL, self._serve)
        journal.mesh.on_link(self._on_link)

    # ── when ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, peer_id: str) -> None:
        """Replicate with this peer soon."""
        self._due.add(peer_id)
        self._wake.set()

    def ask_all(self) -> None:
        """Replicate with every linked member soon."""
        for peer_id in self._journal.mesh.links():
            self.ask(peer_id)

    def _on_link(self, peer_id: str, connected: bool) -> None:
        if connected:
            if peer_id in self._running:  # over a link that is gone
                self._running[peer_id].cancel()
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
                await self._wake.wait()
                self._wake = trio.Event()
                for peer_id in sorted(self._due - self._running.keys()):
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
        """One exchange with a peer at a time; what is asked for meanwhile is done after it."""
        self._taken.pop(peer_id, None)
        try:
            with trio.CancelScope() as self._running[peer_id]:
                await self._sync(peer_id)
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug(
                "Replication did not finish; it is tried again", peer=peer_id, error=str(error) or type(error).__name__
            )
            if self._taken.get(peer_id):  # it was cut, but it brings something
                self.ask(peer_id)
        finally:
            del self._running[peer_id]
            if peer_id in self._due:
                self._wake.set()

    async def _sync(self, peer_id: str) -> None:
        with trio.fail_after(LONG_S):
            stream = await self._journal.mesh.open(peer_id, PROTOCOL)
            try:
                await self._initiate(stream)
            finally:
                await stream.close()
            if self._journal.store.without_body(1):
                stream = await self._journal.mesh.open(peer_id, PROTOCOL)
                try:
                    await self._fetch_bodies(stream)
                finally:
                    await stream.close()

    async def _initiate(self, stream: Stream) -> None:
        ours = self._journal.chains.frontier()
        await frames.send(
            stream, {"kind": "sync", "digests": {author: digest(epochs) for author, epochs in ours.items()}}
        )
        theirs = frames.frontier((await frames.expect(stream, "differ")).get("feeds"))
        ours = {author: ours.get(author, {}) for author in theirs}
        with self._turn(stream.peer_id, ours, theirs):
            await frames.send(stream, {"kind": "feeds", "feeds": frames.plain(ours)})
            await self._send_missing(stream, ours, theirs)
            await self._receive_entries(stream)

    @contextlib.contextmanager
    def _turn(self, peer_id: str, told: Frontier, theirs: Frontier) -> Iterator[None]:
        """Many entries are taken from one peer at a time: others hold the same ones, and would bring them once more.

        ``told`` is what the peer was told that is held here. Raises :class:`Busy` for all but the first, and when much of it
        has come from elsewhere since: they are asked again, and then have little to add.
        """
        coming = lacking(told, theirs)
        if coming < MANY:
            yield
        elif coming - lacking(self._journal.chains.frontier(), theirs) >= MANY:
            self.ask(peer_id)
            raise Busy("Much of it has come from elsewhere")
        elif self._bulk_from is not None:
            self._after_bulk.add(peer_id)
            raise Busy("Another peer is bringing many entries now")
        else:
            self._bulk_from = peer_id
            try:
                yield
            finally:
                self._bulk_from = None
                later, self._after_bulk = self._after_bulk, set()
                for other in sorted(later):
                    self.ask(other)

    async def _serve(self, stream: Stream) -> None:
        with trio.move_on_after(LONG_S):
            frame = await frames.receive(stream)
            if frame["kind"] == "sync":
                await self._answer_sync(stream, frame)
            elif frame["kind"] == "deliver":
                await self._answer_deliver(stream, frame)
            elif frame["kind"] == "bodies":
                await self._answer_bodies(stream, frame)
            elif frame["kind"] == "branch":
                await self._answer_branch(stream, frame)
            else:
                raise WireError("bad_frame", "Unknown kind of frame")

    async def _answer_sync(self, stream: Stream, frame: dict[str, Any]) -> None:
        digests = frame.get("digests")
        if not isinstance(digests, dict):
            raise WireError("bad_frame", "digests is an object")
        all_ours = self._journal.chains.frontier()
        differ = [
            author for author in sorted(set(all_ours) | set(digests))
            if author not in all_ours or digests.get(author) != digest(all_ours[author])
        ]  # fmt: skip
        ours = {author: all_ours.get(author, {}) for author in differ}
        await frames.send(stream, {"kind": "differ", "feeds": frames.plain(ours)})
        theirs = frames.frontier((await frames.expect(stream, "feeds")).get("feeds"))
        with self._turn(stream.peer_id, ours, theirs):
            await self._receive_entries(stream)
        await self._send_missing(stream, ours, {author: theirs.get(author, {}) for author in ours})

    async def _send_missing(self, stream: Stream, ours: Frontier, theirs: Frontier) -> None:
        for author, epoch, start in missing(ours, theirs):
            seq, end = start, ours[author][epoch][0]
            while seq < end:
                rows = self._journal.store.range(author, epoch, seq, PAGE)
                if not rows:
                    break
                seq += len(rows)
                await frames.send_entries(stream, rows)
        await frames.send(stream, {"kind": "end", "yours": self._held_of(stream.peer_id)})

    async def _receive_entries(self, stream: Stream) -> None:
        while True:
            frame = await frames.receive(stream)
            if frame["kind"] == "end":
                self._confirm(stream.peer_id, frame.get("yours"))
                return
            if frame["kind"] != "entries" or not isinstance(frame.get("entries"), list):
                raise WireError("bad_frame", "Entries were expected")
            try:
                batch = await frames.heard_range(frame["entries"])
            except WireError as error:
                self._journal.intake.refuse(error.reason)
                raise
            fresh = await self._journal.accept(batch, stream.peer_id)
            self._taken[stream.peer_id] = self._taken.get(stream.peer_id, 0) + fresh

    # ── delivering ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, entry: Entry, addressee: str) -> bool:
        """Bring one entry to one peer; True when it confirmed to hold it."""
        try:
            with trio.fail_after(frames.PATIENCE_S):
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
        heard = frames.heard(frame.get("entry"))
        entry = heard.entry
        assert entry is not None
        await self._journal.accept([heard], stream.peer_id)
        held = self._journal.store.hash_of(*entry.key)
        await frames.send(stream, {"kind": "receipt", "hash": held or ""})

    # ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fetch_bodies(self, stream: Stream) -> None:
        """Bodies that somebody withheld from us may be here; one that was erased comes from nobody."""
        wanted = self._journal.store.without_body(BODIES)
        await frames.send(stream, {"kind": "bodies", "wanted": [list(key) for key in wanted]})
        frame = await frames.expect(stream, "entries")
        if not isinstance(frame.get("entries"), list):
            raise WireError("bad_frame", "Entries were expected")
        await self._journal.accept([frames.heard(item) for item in frame["entries"]], stream.peer_id)

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
        """What a peer holds of an epoch just before a number, oldest first, signatures checked; empty when it cannot be asked."""
        try:
            with trio.fail_after(frames.PATIENCE_S):
                stream = await self._journal.mesh.open(peer_id, PROTOCOL)
                try:
                    await frames.send(stream, {"kind": "branch", "author": author, "epoch": epoch, "before": before})
                    frame = await frames.expect(stream, "entries")
                finally:
                    await stream.close()
            items = frame.get("entries")
            heard = [frames.heard(item) for item in items] if isinstance(items, list) else []
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug("The other branch cannot be seen now", peer=peer_id, error=str(error))
            return []
        found = [one.entry for one in heard if one.entry is not None]
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

    def _held_of(self, author: str) -> dict[str, int]:
        return {epoch: head[0] for epoch, head in self._journal.chains.frontier().get(author, {}).items()}

    def _confirm(self, peer_id: str, epochs: object) -> None:
        if not isinstance(epochs, dict):
            return
        held = self._held.setdefault(peer_id, {})
        own = self._held_of(self._journal.me.peer_id)
        for epoch, count in epochs.items():
            if isinstance(count, int) and epoch in own:
                held[epoch] = max(held.get(epoch, 0), min(count, own[epoch]))

    async def hear_watermarks(self, author: str, message: Message, _topic: str) -> None:
        """A member says how much it holds; what it holds more than us is asked for."""
        assert isinstance(message, Watermarks)
        self._confirm(author, message.held.get(self._journal.me.peer_id))
        heads = self._journal.chains.heads
        for feed, epochs in message.held.items():
            if any(count > heads.get((feed, epoch), (0, ""))[0] for epoch, count in epochs.items()):
                self.ask(author)
                return

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
