"""Reading the feeds back: for screens, for the export, for verification."""

from __future__ import annotations

from typing import Any

import trio

from chorus_tui.contract.models.journal import Delivery, JournalEntry, Verification
from chorus_tui.engine import paging
from chorus_tui.engine.journal.store import FeedStore
from chorus_tui.engine.protocol import canonical, messages
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header

_PAGE = 500
GIVE_WAY = 16
"""Entries that are checked between two moments in which others may run."""
StoredRow = tuple[bytes, str, bytes | None]


def view(entry: Entry, problem: str, delivery: Delivery | None) -> JournalEntry:
    """An entry as a reader sees it."""
    h = entry.header
    return JournalEntry(
        author=h.author, epoch=h.epoch, seq=h.seq, hlc=h.hlc, at=int(h.hlc.partition(":")[0]) / 1000, topic=h.topic,
        type=h.type, log_type=messages.log_type(h.type), hash=entry.hash, body=entry.envelope, problem=problem,
        delivery=delivery,
    )  # fmt: skip


def export_line(header: bytes, sig: str, body: bytes | None) -> dict[str, Any]:
    """One line of the export: topic and envelope as gossiped, or the signed header alone when there is no readable body."""
    entry = entry_from_header(header, sig, body, verified=True)
    about = {"kind": "feed", "topic": entry.header.topic, "log_type": messages.log_type(entry.type)}
    if entry.envelope is None:
        return {**about, "header": header.decode(), "sig": sig}
    return {**about, "envelope": entry.wire().decode()}


def cursor(row: StoredRow) -> str:
    """Where the next page begins."""
    h = entry_from_header(*row, verified=True).header
    return f"f:{h.author}:{h.epoch}:{h.seq}"


def parse_cursor(text: str | None) -> tuple[str, str, int] | None:
    """Read :func:`cursor`. Raises ValueError."""
    if not text:
        return None
    kind, author, epoch, seq = text.split(":")
    if kind != "f":
        raise ValueError("not a cursor of the feeds")
    return author, epoch, int(seq)


async def verify(store: FeedStore) -> Verification:
    """Check every signature, body and link held here; gives way to others all the while."""
    problems: list[str] = []
    entries, feeds = 0, set()
    last: Entry | None = None
    key: tuple[str, str, int] | None = None
    while True:
        page = store.page_after(key, _PAGE)
        for header, sig, body in page:
            entry, problem = _check(header, sig, body, last)
            if problem:
                problems.append(problem)
            h = entry.header
            key, last = (h.author, h.epoch, h.seq), entry
            feeds.add(h.author)
            entries += 1
            if entries % GIVE_WAY == 0:  # often: an answer to a ping takes many turns of the others
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        if len(page) < _PAGE:
            break
    forks = []
    for author, epoch, seq, _ in store.forks():
        forks.append(f"{author} said two different things from {epoch[:8]}:{seq} on; the evidence is kept")
    for header, sig in store.evidence():
        try:
            entry_from_header(header, sig, None)
        except WireError as error:
            problems.append(f"evidence {canonical.sha256_hex(header)[:12]}: {error}")
    return Verification(
        ok=not problems, feeds=len(feeds), entries=entries, control_entries=0, problems=problems, forks=forks
    )


def _check(header: bytes, sig: str, body: bytes | None, last: Entry | None) -> tuple[Entry, str]:
    where = canonical.sha256_hex(header)[:12]
    try:
        entry = entry_from_header(header, sig, body)
    except WireError as error:
        return entry_from_header(header, sig, None, verified=True), f"entry {where}: {error}"
    h = entry.header
    same_epoch = last is not None and (last.header.author, last.header.epoch) == (h.author, h.epoch)
    if h.seq == 0:
        return entry, ""
    if not same_epoch or last is None or last.header.seq != h.seq - 1 or h.prev != last.hash:
        return entry, f"entry {where}: it does not follow the one before it ({h.author} {h.epoch[:8]}:{h.seq})"
    return entry, ""


def place(found: paging.Place) -> tuple[int, int]:
    """That of an entry. Raises 422 for one of another kind of list."""
    match found:
        case (int(ms), int(arrived)):
            return ms, arrived
        case _:
            raise paging.no_cursor()
