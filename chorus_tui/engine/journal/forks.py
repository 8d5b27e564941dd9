"""Forks: what an author said twice under one number, and what counts of it.

Two signed entries with one (author, epoch, seq) are evidence that anybody can check. It is kept, told to all in a feed entry
of whoever saw it, and from then on nothing of that epoch from the forked number on counts: no feature gets it, here or
anywhere. What the mesh has decided does not change by it. A ``fork_resolved`` entry of the control log says which branch
counts after all; peers that hold the other one give it up and fetch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.contract.models.journal import Branch, Fork
from chorus_tui.engine.bell import Bell
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.decisions import AGAIN_S
from chorus_tui.engine.journal.frames import BRANCH
from chorus_tui.engine.journal.intake import readable
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.journal.vouching import signed
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from chorus_tui.engine.protocol.messages import ForkEvidence, Message

if TYPE_CHECKING:
    from chorus_tui.engine.journal.journal import FeedJournal

log = structlog.get_logger("chorus.journal.forks")

RESOLVED = "fork_resolved"
SEARCH_S = 60.0
"""So long at most it is looked for where two branches part."""
MOST_SEARCHED = 8
"""Forks at once whose beginning one member is asked for; of what it shows beyond only the place that was seen counts."""
Feed = tuple[str, str]
"""(author, epoch)."""
DoubtHandler = Callable[[str, str, int | None], None]
"""(author, epoch, first number that does not count any more, or None: all counts again). Must not block."""


class Forks:
    """Of all feeds held here. A fold over feeds (evidence of others) and over control logs (resolutions)."""

    types = frozenset({"fork_evidence"})

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal
        self._from: dict[Feed, int] = {}
        self._kept: dict[tuple[str, str, int], str] = {}
        self._folded: dict[Feed, int] = {}
        self._rejected: set[str] = set()
        """Hashes of entries on branches that the mesh decided against."""
        self._told: set[tuple[str, str, int]] = set()
        self._citations: set[str] | None = None
        self._doubted: set[Feed] = set()
        """Whose features may have been given more than counts."""
        self._handlers: list[DoubtHandler] = []
        self._unsearched: list[tuple[str, str, str, int]] = []
        self._searched_soon, self._told_soon = Bell(), Bell()
        self.untold: list[tuple[Entry, Entry]] = []
        """Evidence that nobody has told yet."""
        self.heard: list[tuple[Entry, Entry]] = []
        """Evidence by others that is not stored yet."""
        self.resolved: list[tuple[str, str, int, str]] = []
        """Resolutions that the store does not follow yet."""

    def on_doubt(self, handler: DoubtHandler) -> None:
        """Register before the journal is opened."""
        self._handlers.append(handler)

    # ── what counts ────────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self, entry: Entry) -> bool:
        """Whether features may get the entry. What the control log decided on counts, whatever its author said besides."""
        h = entry.header
        start = self._from.get((h.author, h.epoch))
        return start is None or h.seq < start or entry.hash in self._cited()

    def _cited(self) -> set[str]:
        """Hashes that decided entries name; gathered when the first fork is met."""
        if self._citations is None:
            self._citations = set(self._journal.citations())
        return self._citations

    def decided_on(self, hashes: set[str]) -> None:
        """A decided entry names these. What of them was withheld counts from now on."""
        if self._citations is None:
            return
        fresh = hashes - self._citations
        self._citations |= fresh
        for hash_ in sorted(fresh):
            for entry in self._journal.store.find(hash_):
                h = entry.header
                withheld = h.seq >= self._from.get((h.author, h.epoch), h.seq + 1)
                if withheld and self._journal.store.hash_of(*entry.key) == hash_:
                    self._journal.give(readable(entry))

    def refused(self, entry: Entry) -> bool:
        """Whether the entry stands on a branch that the mesh decided against: another one under a decided number, or one that
        comes after it and does not follow what is held."""
        if entry.hash in self._rejected:
            return True
        h = entry.header
        for (author, epoch, seq), keep in self._kept.items():
            if (author, epoch) != (h.author, h.epoch) or h.seq < seq:
                continue
            before = keep if h.seq == seq + 1 else self._journal.store.hash_of(author, epoch, h.seq - 1)
            other = entry.hash != keep if h.seq == seq else h.prev in self._rejected or before not in (None, h.prev)
            if other:
                self._rejected.add(entry.hash)
                return True
        return False

    def forked(self, author: str, epoch: str) -> bool:
        """Whether that epoch waits for a decision: a longer branch of it is evidence, no gap."""
        return (author, epoch) in self._from

    def open(self) -> None:
        """What is on disk; resolutions were replayed before."""
        pieces: dict[tuple[str, str, int], int] = {}
        for entry in self._evidence():
            if not self.refused(entry) and entry.hash != self._journal.store.hash_of(*entry.key):
                pieces[entry.key] = pieces.get(entry.key, 0) + 1
                held = self._journal.store.get(*entry.key)
                if held is not None and signed(held):
                    self.untold.append(
                        (held, entry)
                    )  # perhaps this peer went before it had told: nobody else may have seen it
        for (author, epoch, seq), count in pieces.items():
            # One piece alone follows another entry than the one held before it: that one is what was said twice.
            alone = count == 1 and self._journal.store.hash_of(author, epoch, seq) is None
            start = seq - 1 if alone else seq
            if (author, epoch, start) not in self._kept:
                self._doubt(author, epoch, start)

    def _evidence(self) -> list[Entry]:
        pieces = self._journal.store.evidence(held_too=False)
        return sorted(
            (entry_from_header(header, sig, None, verified=True) for header, sig in pieces), key=lambda e: e.key
        )

    def places(self) -> list[tuple[str, str, int]]:
        """(author, epoch, first number that does not count) of every fork that is not decided."""
        return sorted((author, epoch, seq) for (author, epoch), seq in self._from.items())

    def _doubt(self, author: str, epoch: str, seq: int) -> None:
        before = self._from.get((author, epoch))
        if before is None or seq < before:
            self._from[author, epoch] = seq
            self._cited()  # from here on what is decided on is told as it comes
            self._doubted.add((author, epoch))
            self._journal.decided()
            for handler in self._handlers:
                handler(author, epoch, seq)

    def withdraw(self) -> set[str]:
        """Types of entries that features were given before it was known that they do not count. Who learns of a fork late and
        who knew it at once end with the same."""
        types = set[str]()
        for author, epoch in self._doubted:
            start = self._from.get((author, epoch))
            given = self._folded.get((author, epoch))
            if start is None or given is None or given <= start:
                continue
            types |= {
                entry.type
                for entry in self._journal.store.entries_from(author, epoch, start)
                if entry.header.seq < given and not self.counts(entry)
            }
            self._folded[author, epoch] = start
        self._doubted.clear()
        return types

    # ── evidence ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def seen(self, held: Entry, other: Entry, source: str) -> bool:
        """Two entries under one number came from ``source``, or one that follows another than ``held``; True when that is
        new."""
        if held.key in self._kept or not await self._keep(held, other):
            return False
        if sum(by == source for by, *_ in self._unsearched) < MOST_SEARCHED:
            self._unsearched.append((source, held.author, held.header.epoch, held.header.seq))
            self._searched_soon.ring()
        return True

    async def _keep(self, held: Entry, other: Entry) -> bool:
        """Store evidence, and note it, if it is new."""
        if not await self._journal.store.add_evidence(other):
            return False
        self._note(held, other)
        if signed(held):
            # Else it convinces nobody; whoever meets the other branch sees it by itself.
            self.untold.append((held, other))
            self._told_soon.ring()
        return True

    async def run(self) -> None:
        """Until cancelled: tell what was seen, and look where branches part. Apart from each other, and from what follows decisions:
        whoever is asked for a branch may take its time, or answer nonsense."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._again, self.tell, self._told_soon)
            nursery.start_soon(self._again, self.search, self._searched_soon)

    async def _again(self, work: Callable[[], Awaitable[None]], bell: Bell) -> None:
        """Whenever it rings; a disk that refuses is tried again."""
        while True:
            try:
                await work()
            except (StoreError, Refused) as error:
                log.warning("Evidence of a fork waits; it is tried again", reason=str(error))
                await trio.sleep(AGAIN_S)
            else:
                await bell.rung()

    async def search(self) -> None:
        """Find where branches part: what was seen first need not be the first difference, and all must count alike."""
        while self._unsearched:
            wanted = self._unsearched[0]
            with trio.move_on_after(SEARCH_S):
                await self._search(*wanted)
            self._unsearched.remove(wanted)

    async def _search(self, source: str, author: str, epoch: str, seq: int) -> None:
        """Backwards from ``seq``, a page at a time, whatever the pages hold: no answer makes it begin again."""
        while seq > 0 and (found := await self._journal.replication.branch(source, author, epoch, seq)):
            differing = [entry for entry in found if self._journal.store.hash_of(*entry.key) not in (None, entry.hash)]
            if differing:
                first = min(differing, key=lambda entry: entry.header.seq)
                held = self._journal.store.get(*first.key)
                if held is not None:
                    with trio.CancelScope(shield=True):  # what is stored is noted
                        await self._keep(held, first)
            if len(differing) < len(found):
                break
            seq -= BRANCH

    def _note(self, one: Entry, _other: Entry) -> None:
        h = one.header
        if not self.forked(h.author, h.epoch):
            head = self._journal.chains.heads.get((h.author, h.epoch), (0, ""))[0]
            self._folded[h.author, h.epoch] = head
            number = f"{h.epoch[:8]}, {h.seq}"
            self._journal.say_line(
                "error",
                f"Peer {identity.short(h.author)} said two different things under one number ({number}); both are kept, and what it "
                "said from there on does not count until a master decides",
                h.author,
            )
        self._doubt(h.author, h.epoch, h.seq)

    async def tell(self) -> None:
        """Say what was seen, unless somebody else has."""
        while self.untold:
            held, other = seen = self.untold[-1]
            if held.key not in self._told and held.key not in self._kept:
                await self._journal.say("fork_evidence", evidence(held, other))
                self._told.add(held.key)
            self.untold.remove(seen)  # only now: a disk that refuses is tried again

    def apply(self, entry: Entry, message: Message) -> None:
        """Evidence that a member tells; checked like our own."""
        assert isinstance(message, ForkEvidence)
        try:
            one, other = read(message)
        except WireError as error:
            log.warning("Evidence of a fork was refused", reason=str(error), peer=entry.author)
            return
        self._told.add(one.key)
        if one.key not in self._kept and not self.refused(one) and not self.refused(other):
            self._note(one, other)
            self.heard.append((one, other))

    def reset(self) -> None:
        """Evidence stays: it proves itself, whatever became of the entry that brought it."""

    # ── resolution ─────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, author: str, epoch: str, seq: int, keep: str) -> None:
        """The mesh decided which entry stands under this number."""
        if (author, epoch, seq) in self._kept:
            return
        self._kept[author, epoch, seq] = keep
        self.resolved.append((author, epoch, seq, keep))

    async def keep_heard(self) -> None:
        """Store what others told."""
        while self.heard:
            told = self.heard[-1]
            for entry in told:
                if self._journal.store.hash_of(*entry.key) != entry.hash:
                    await self._journal.store.add_evidence(entry)
            self.heard.remove(told)

    async def follow(self) -> None:
        """Make the store follow resolutions, under the journal's lock."""
        while self.resolved:
            await self._follow(*self.resolved[0])
            del self.resolved[0]  # only now: a disk that refuses is tried again

    async def _follow(self, author: str, epoch: str, seq: int, keep: str) -> None:
        held = self._journal.store.hash_of(author, epoch, seq)
        if held is not None and held != keep:
            await self._journal.store.give_up(author, epoch, seq)
            self._journal.chains.cut(author, epoch, seq, self._journal.store.hash_of(author, epoch, seq - 1) or "")
            self._folded[author, epoch] = seq
            # Judged while the other branch was still held; what follows the kept one must not stay refused for that.
            self._rejected.clear()
        if self._from.get((author, epoch)) != seq:
            return
        del self._from[author, epoch]
        for handler in self._handlers:
            handler(author, epoch, None)
        for late in self._journal.store.entries_from(author, epoch, self._folded.pop((author, epoch), seq)):
            if late.hash not in self._cited():  # else it was given when it was decided on
                self._journal.give(readable(late))
        self._journal.replication.ask_all()


class Resolutions:
    """A fold over control logs: which branch of a fork counts."""

    def __init__(self, journal: FeedJournal) -> None:
        self._journal = journal

    def apply(self, entry: Any) -> None:
        """One decided entry; one whose data are not a resolution's is skipped, by every peer alike."""
        found = resolution(entry.data) if entry.type == RESOLVED else None
        if found is not None:
            self._journal.fork_resolved(*found)


def resolution(data: dict[str, Any]) -> tuple[str, str, int, str] | None:
    """Author, epoch, number and the hash that counts, as a decision names them; None when it names nothing."""
    author, epoch, seq, keep = (data.get(name) for name in ("author", "epoch", "seq", "keep"))
    if isinstance(author, str) and isinstance(epoch, str) and type(seq) is int and isinstance(keep, str):
        return (author, epoch, seq, keep)
    return None


def present(journal: FeedJournal) -> list[Fork]:
    """Open forks with their branches, for people."""
    pieces: dict[tuple[str, str, int], list[Branch]] = {}
    for header, sig in journal.store.evidence():
        entry = entry_from_header(header, sig, None, verified=True)
        h = entry.header
        held = journal.store.hash_of(*entry.key) == entry.hash
        branch = Branch(hash=entry.hash, at=int(h.hlc.partition(":")[0]) / 1000, type=h.type, held=held)
        pieces.setdefault((h.author, h.epoch, h.seq), []).append(branch)
    return [
        Fork(author=author, epoch=epoch, seq=seq, branches=pieces.get((author, epoch, seq), []))
        for author, epoch, seq in journal.forks()
    ]


def evidence(one: Entry, other: Entry) -> dict[str, Any]:
    """As it is told: the signed headers in a fixed order; bodies are not needed to prove it."""
    first, second = sorted((one, other), key=lambda entry: (entry.header.seq, entry.hash))
    return {"first": _signed(first), "second": _signed(second)}


def _signed(entry: Entry) -> dict[str, str]:
    return {"header": entry.header.encode().decode(), "sig": entry.sig}


def read(message: ForkEvidence) -> tuple[Entry, Entry]:
    """Check evidence: both signed by one author, and two contents under one number, or the second follows another entry than the
    first. Raises :class:`WireError`."""
    one, other = (entry_from_header(item.header.encode(), item.sig, None) for item in (message.first, message.second))
    same = one.key == other.key and one.hash != other.hash
    h, n = one.header, other.header
    next_ = (h.author, h.epoch, h.seq + 1) == (n.author, n.epoch, n.seq) and n.prev != one.hash
    if not (same or next_):
        raise WireError("no_fork", "These are not two entries under one number")
    return one, other
