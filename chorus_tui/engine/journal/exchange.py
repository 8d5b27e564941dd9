"""One replication between two members: what differs, then the missing entries, first one way, then the other.

Everything is stored as it comes, frame by frame, so that a cut loses nothing, and memory holds one frame at a time. Of a
frame only the signatures that cover it are checked at once. What a third member brings already is not taken twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.chain import Frontier, digest, missing
from chorus_tui.engine.journal.fetching import Session
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.journal.vouching import judge, signed, stretches
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Watermarks

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

PAGE = 256


class Busy(MeshError):
    """Not now; this member is asked again later. The stream is reset, so that it sends no more."""


class Exchange:
    """One stream, on either side. ``confirmed`` is what the other side said it holds of our own feed, once it ended well."""

    def __init__(self, journal: FeedJournal, stream: Stream, session: Session) -> None:
        self._journal = journal
        self._stream = stream
        self._session = session
        self.confirmed: object = None
        self.marks: Watermarks | None = None
        """What the other side told of all that it holds, where we had missed some of that."""
        self._known: tuple[str, int] | None = None
        """What the other side has heard of ours."""
        self.came = 0
        """New entries."""

    async def begin(self) -> None:
        """As the one that opened the stream."""
        ours = self._journal.chains.frontier()
        digests = {author: digest(epochs) for author, epochs in ours.items()}
        await frames.send(self._stream, {"kind": "sync", "digests": digests, "marks": self._marks_known()})
        differ = await frames.expect(self._stream, "differ")
        self._known = frames.known(differ)
        theirs = frames.frontier(differ.get("feeds"))
        left = self._session.begin(ours, theirs)
        ours = {author: ours.get(author, {}) for author in theirs}
        # Who shows the other's own heads wants nothing.
        wanted = {author: theirs[author] if author in left else ours[author] for author in theirs}
        await frames.send(self._stream, {"kind": "feeds", "feeds": frames.plain(wanted)})
        await self._send_missing(ours, theirs)
        await self._take_entries()

    async def answer(self, frame: dict[str, Any]) -> None:
        """As the one that was asked; ``frame`` is the question."""
        digests = frame.get("digests")
        if not isinstance(digests, dict):
            raise WireError("bad_frame", "digests is an object")
        self._known = frames.known(frame)
        all_ours = self._journal.chains.frontier()
        differ = [
            author for author in sorted(set(all_ours) | set(digests))
            if (author not in all_ours or digests.get(author) != digest(all_ours[author])) and self._session.takes(author)
        ]  # fmt: skip
        ours = {author: all_ours.get(author, {}) for author in differ}
        await frames.send(self._stream, {"kind": "differ", "feeds": frames.plain(ours), "marks": self._marks_known()})
        told = frames.frontier((await frames.expect(self._stream, "feeds")).get("feeds"))
        theirs = {author: told.get(author, {}) for author in differ}
        if self._session.begin(ours, theirs):
            raise Busy("another member began to bring the same")  # after we had said that we lack it
        await self._take_entries()
        await self._send_missing(ours, theirs)

    async def _send_missing(self, ours: Frontier, theirs: Frontier) -> None:
        for author, epoch, start in missing(ours, theirs):
            seq, end = start, ours[author][epoch][0]
            while seq < end:
                rows = self._journal.store.range(author, epoch, seq, PAGE)
                if not rows:
                    break
                seq += len(rows)
                await frames.send_entries(self._stream, rows)
                self._session.headway(len(rows))
        last: dict[str, Any] = {"kind": "end", "yours": self._journal.held_of(self._stream.peer_id)}
        if told := self._journal.replication.told(self._known):
            last["marks"] = told
        await frames.send(self._stream, last)

    def _marks_known(self) -> list[object]:
        return list(self._journal.replication.known_of(self._stream.peer_id))

    async def _take_entries(self) -> None:
        while True:
            frame = await frames.receive(self._stream)
            if frame["kind"] == "end":
                self.confirmed, self.marks = frame.get("yours"), frames.marks(frame)
                return
            try:
                batch, bad = await self._covered(frames.items(frame))
            except WireError as error:
                self._journal.intake.refuse(error.reason)
                raise
            new = await self._journal.accept(batch, self._stream.peer_id)
            self.came += new
            self._session.headway(new)
            if bad:
                self._journal.intake.refuse("bad_signature")
                raise WireError(
                    "bad_signature", f"{bad} entries have no signature of their author, and none covers them"
                )

    async def _covered(self, items: list[object]) -> tuple[list[Heard], int]:
        """Entries that a good signature covers, in order, and how many none does. Gives way to others now and then."""
        entries: list[Entry] = []
        for number, value in enumerate(items, 1):
            entries.append(frames.entry(value, verified=True))
            if number % frames.AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        batch: list[Heard] = []
        bad = 0
        for stretch in stretches(entries):
            judged = judge(stretch, signed)
            bad += len(judged.refused)
            for number, entry in enumerate(judged.covered, 1):
                batch.append(readable(entry, vouched=number < len(judged.covered)))
                if len(batch) % frames.AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()
            if judged.refused:
                await trio.lowlevel.checkpoint()
        return batch, bad
