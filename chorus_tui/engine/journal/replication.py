"""Anti-entropy: ``/chorus/journal/1.0.0``. What gossip lost, this brings.

On connect, on a gap, and regularly with one random member: digests of all feeds, details of those that differ, then the
missing entries, first one way, then the other, in frames of at most 1 MiB. Everything is accepted as it comes, so a cut
loses nothing. Both sides end knowing what the other holds of their own feed: that is what "held by" counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.journal.chain import Frontier, digest, missing
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.mesh.interface import MAX_FRAME, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from chorus_tui.engine.protocol.messages import Message, Watermarks

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.replication")

PROTOCOL = "/chorus/journal/1.0.0"
FRAME_BYTES = 512 * 1024
PAGE = 256
BRANCH = 64
"""Headers of a branch shown at once."""
BODIES = 8
"""Missing bodies of one answer: as large as they may be, they fit a frame."""
WATERMARK_S = 10.0
WATERMARKS = 300
PATIENCE_S = 30.0


class Replication:
    """Keeps this peer's feeds equal to those of the members it can talk to."""

    def __init__(self, journal: FeedJournal, *, interval_s: float, entropy: Entropy) -> None:
        self._journal = journal
        self._interval_s = interval_s
        self._entropy = entropy
        self._due: set[str] = set()
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
            with trio.fail_after(PATIENCE_S * 4):
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
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug(
                "Replication did not finish; it is tried again", peer=peer_id, error=str(error) or type(error).__name__
            )

    async def _initiate(self, stream: Stream) -> None:
        ours = self._journal.chains.frontier()
        await _send(stream, {"kind": "sync", "digests": {author: digest(epochs) for author, epochs in ours.items()}})
        theirs = _frontier((await _expect(stream, "differ")).get("feeds"))
        ours = {author: ours.get(author, {}) for author in theirs}
        await _send(stream, {"kind": "feeds", "feeds": _plain(ours)})
        await self._send_missing(stream, ours, theirs)
        await self._receive_entries(stream)

    async def _serve(self, stream: Stream) -> None:
        with trio.move_on_after(PATIENCE_S * 4):
            frame = await _receive(stream)
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
        await _send(stream, {"kind": "differ", "feeds": _plain(ours)})
        theirs = _frontier((await _expect(stream, "feeds")).get("feeds"))
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
                await _send_entries(stream, rows)
        await _send(stream, {"kind": "end", "yours": self._held_of(stream.peer_id)})

    async def _receive_entries(self, stream: Stream) -> None:
        while True:
            frame = await _receive(stream)
            if frame["kind"] == "end":
                self._confirm(stream.peer_id, frame.get("yours"))
                return
            if frame["kind"] != "entries" or not isinstance(frame.get("entries"), list):
                raise WireError("bad_frame", "Entries were expected")
            try:
                batch = [_heard(item) for item in frame["entries"]]
            except WireError as error:
                self._journal.intake.refuse(error.reason)
                raise
            await self._journal.accept(batch, stream.peer_id)

    # ── delivering ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, entry: Entry, addressee: str) -> bool:
        """Bring one entry to one peer; True when it confirmed to hold it."""
        try:
            with trio.fail_after(PATIENCE_S):
                stream = await self._journal.mesh.open(addressee, PROTOCOL)
                try:
                    await _send(
                        stream, {"kind": "deliver", "entry": _item(entry.header.encode(), entry.sig, entry.body)}
                    )
                    answer = await _expect(stream, "receipt")
                finally:
                    await stream.close()
        except (MeshError, WireError, trio.TooSlowError):
            return False
        return answer.get("hash") == entry.hash

    async def _answer_deliver(self, stream: Stream, frame: dict[str, Any]) -> None:
        heard = _heard(frame.get("entry"))
        entry = heard.entry
        assert entry is not None
        await self._journal.accept([heard], stream.peer_id)
        held = self._journal.store.hash_of(*entry.key)
        await _send(stream, {"kind": "receipt", "hash": held or ""})

    # ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fetch_bodies(self, stream: Stream) -> None:
        """Bodies that somebody withheld from us may be here; one that was erased comes from nobody."""
        wanted = self._journal.store.without_body(BODIES)
        await _send(stream, {"kind": "bodies", "wanted": [list(key) for key in wanted]})
        frame = await _expect(stream, "entries")
        if not isinstance(frame.get("entries"), list):
            raise WireError("bad_frame", "Entries were expected")
        await self._journal.accept([_heard(item) for item in frame["entries"]], stream.peer_id)

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
                items.append(_item(entry.header.encode(), entry.sig, entry.body))
        await _send(stream, {"kind": "entries", "entries": items})

    # ── forks ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def branch(self, peer_id: str, author: str, epoch: str, before: int) -> list[Entry]:
        """What a peer holds of an epoch just before a number, oldest first, signatures checked; empty when it cannot be asked."""
        try:
            with trio.fail_after(PATIENCE_S):
                stream = await self._journal.mesh.open(peer_id, PROTOCOL)
                try:
                    await _send(stream, {"kind": "branch", "author": author, "epoch": epoch, "before": before})
                    frame = await _expect(stream, "entries")
                finally:
                    await stream.close()
            items = frame.get("entries")
            heard = [_heard(item) for item in items] if isinstance(items, list) else []
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
        await _send(stream, {"kind": "entries", "entries": [_item(header, sig, None) for header, sig, _ in rows]})

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


async def _send(stream: Stream, frame: dict[str, Any]) -> None:
    await stream.send(canonical.encode_frame(frame))


async def _send_entries(stream: Stream, rows: list[tuple[bytes, str, bytes | None]]) -> None:
    """Rows in frames well below the limit, however large their bodies are."""
    items: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        item_size = len(row[0]) + len(row[2] or b"")
        if items and size + item_size > FRAME_BYTES:
            await _send(stream, {"kind": "entries", "entries": items})
            items, size = [], 0
        items.append(_item(*row))
        size += item_size
    if items:
        await _send(stream, {"kind": "entries", "entries": items})


async def _receive(stream: Stream) -> dict[str, Any]:
    with trio.fail_after(PATIENCE_S):
        raw = await stream.receive(MAX_FRAME)
    if raw is None:
        raise WireError("cut", "The other side ended the stream early")
    frame = canonical.decode_frame(raw)
    if not isinstance(frame, dict) or not isinstance(frame.get("kind"), str):
        raise WireError("bad_frame", "A frame is an object with a kind")
    return frame


async def _expect(stream: Stream, kind: str) -> dict[str, Any]:
    frame = await _receive(stream)
    if frame["kind"] != kind:
        raise WireError("bad_frame", f"{kind} was expected")
    return frame


def _item(header: bytes, sig: str, body: bytes | None) -> dict[str, Any]:
    return {"header": header.decode(), "sig": sig, "body": None if body is None else body.decode()}


def _heard(item: object) -> Heard:
    if not isinstance(item, dict) or not isinstance(item.get("header"), str) or not isinstance(item.get("sig"), str):
        raise WireError("bad_frame", "An entry has header, sig and body")
    body = item.get("body")
    if body is not None and not isinstance(body, str):
        raise WireError("bad_frame", "A body is text")
    try:
        header, raw = item["header"].encode(), None if body is None else body.encode()
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        raise WireError("bad_frame", "An entry is not UTF-8 text") from None
    return readable(entry_from_header(header, item["sig"], raw))


def _plain(frontier: Frontier) -> dict[str, dict[str, list[Any]]]:
    return {author: {epoch: list(head) for epoch, head in epochs.items()} for author, epochs in frontier.items()}


def _frontier(value: object) -> Frontier:
    """Read a frontier from the wire, strictly."""
    if not isinstance(value, dict):
        raise WireError("bad_frame", "feeds is an object")
    result: Frontier = {}
    for author, epochs in value.items():
        if not isinstance(epochs, dict):
            raise WireError("bad_frame", "epochs are an object")
        result[author] = {}
        for epoch, head in epochs.items():
            if not (isinstance(head, list) and len(head) == 2 and type(head[0]) is int and isinstance(head[1], str)):
                raise WireError("bad_frame", "a head is [next seq, hash]")
            result[author][epoch] = (head[0], head[1])
    return result
