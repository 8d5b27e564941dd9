"""Anti-entropy: ``/chorus/journal/1.0.0``. What gossip lost, this brings.

On connect, on a gap, and regularly with one random member, feeds are made equal (:mod:`chorus_tui.engine.journal.exchange`).
Both sides end knowing what the other holds of their own feed: that is what "held by" counts.
"""

from __future__ import annotations

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
from chorus_tui.engine.journal.marks import Heard, Knew, Teller, Telling
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, Watermarks

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.replication")

PROTOCOL = "/chorus/journal/1.0.0"
BODIES = 8
"""Missing bodies of one answer: as large as they may be, they fit a frame."""
WATERMARK_S = 10.0


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
        self._teller = Teller(journal.me.peer_id)
        self._heard: dict[str, Heard] = {}
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
            if exchange.marks is not None:
                self._note(stream.peer_id, exchange.marks)
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
        asked = (author, epoch)
        return [entry for entry in found if (entry.author, entry.header.epoch) == asked and entry.header.seq < before]

    async def _answer_branch(self, stream: Stream, frame: dict[str, Any]) -> None:
        author, epoch, before = frame.get("author"), frame.get("epoch"), frame.get("before")
        if not isinstance(author, str) or not isinstance(epoch, str) or type(before) is not int or before < 0:
            raise WireError("bad_frame", "A question for a branch names author, epoch and number")
        start = max(0, before - frames.BRANCH)
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
        """A member says how much it holds; what it holds more than us is asked for, and what it told before and was not heard."""
        assert isinstance(message, Watermarks)
        self._confirm(author, message.held.get(self._journal.me.peer_id))
        missing = self._note(author, message)
        # Whoever is not linked is not dialled for it: its whole telling comes in time.
        if self._holds_more(author, message) or (missing and author in self._journal.mesh.links()):
            self.ask(author)

    def _note(self, author: str, message: Watermarks) -> bool:
        """Whether something is missing that was told before. Of a telling without the teller's own feed it is not known when it held."""
        if not (own := message.held.get(author)):
            return False
        telling = Telling(message.number, message.since, message.held)
        heard = self._heard.setdefault(author, Heard())
        return heard.hear(telling, *next(iter(own.items())), self._journal.chains.heads)

    def _holds_more(self, author: str, message: Watermarks) -> bool:
        """By what it told now and before. Names that there was no room for count while they are told."""
        heads = self._journal.chains.heads
        if author in self._heard and self._heard[author].more(heads):
            return True
        return any(
            count > heads.get((feed, epoch), (0, ""))[0]
            for feed, epochs in message.held.items()
            for epoch, count in epochs.items()
        )

    def knew(self, peer_id: str, author: str, epoch: str) -> Knew | None:
        """What a peer last said to hold of an epoch, since this peer was started."""
        heard = self._heard.get(peer_id)
        return heard.knew(author, epoch) if heard is not None else None

    def known_of(self, peer_id: str) -> tuple[str, int]:
        """Up to which of its tellings, in which of its epochs, nothing that a peer told is missing here."""
        heard = self._heard.get(peer_id)
        return heard.known if heard is not None else ("", 0)

    def told(self, known: tuple[str, int] | None) -> dict[str, Any] | None:
        """The data of a telling of all that this peer has told, for one that has heard it only up to ``known``; None if it needs none,
        or (without ``known``) would not understand it."""
        telling = self._teller.again(known) if known is not None else None
        return _data(telling) if telling is not None else None

    async def _whisper_watermarks(self) -> None:
        while True:
            await trio.sleep(WATERMARK_S)
            if self._journal.mesh.links():
                for data in self.tellings():
                    await self._journal.whisper("watermarks", data)

    def tellings(self) -> list[dict[str, Any]]:
        """The data of what is to be told now; nothing while an own epoch is being opened."""
        me, epoch, heads = self._journal.me.peer_id, self._journal.epoch, self._journal.chains.heads
        if (me, epoch) not in heads:
            return []
        newest = {author: (of, count) for (author, of), (count, _) in heads.items()}
        # An own epoch that ended may have come back from others since: by it nobody could tell what is said from now on.
        newest[me] = (epoch, heads[me, epoch][0])
        return [_data(one) for one in self._teller.tell(newest, self._journal.clock.monotonic())]


def _data(telling: Telling) -> dict[str, Any]:
    return {"held": telling.held, "number": telling.number, "since": telling.since}


def _signed(items: list[object]) -> list[Entry]:
    """What stands in a frame by its own signature; of the others there the sender may have no better one."""
    return [entry for entry in (frames.entry(item, verified=True) for item in items) if signed(entry)]
