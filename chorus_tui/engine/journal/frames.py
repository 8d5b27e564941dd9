"""Frames of ``/chorus/journal/1.0.0``: written, and read strictly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import trio

from chorus_tui.engine.journal import bulk
from chorus_tui.engine.journal.chain import Frontier
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.mesh.interface import MAX_FRAME, Stream, StreamClosed
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header

FRAME_BYTES: Final = 512 * 1024
PATIENCE_S: Final = 30.0
"""How long the other side may be silent."""
GIVE_WAY: Final = 32
"""Entries that are read between two moments in which others may run."""


async def send(stream: Stream, frame: dict[str, Any]) -> None:
    """Raises ``MeshError``."""
    await stream.send(canonical.encode_frame(frame))


async def send_entries(stream: Stream, rows: list[tuple[bytes, str, bytes | None]]) -> None:
    """Rows in frames well below the limit, however large their bodies are."""
    items: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        item_size = len(row[0]) + len(row[2] or b"")
        if items and size + item_size > FRAME_BYTES:
            await send(stream, {"kind": "entries", "entries": items})
            items, size = [], 0
        items.append(item(*row))
        size += item_size
    if items:
        await send(stream, {"kind": "entries", "entries": items})


async def receive(stream: Stream) -> dict[str, Any]:
    """The next frame. Raises ``MeshError``, ``trio.TooSlowError``, and :class:`WireError` for what is none."""
    with trio.fail_after(PATIENCE_S):
        raw = await stream.receive(MAX_FRAME)
    if raw is None:
        raise StreamClosed("the other side ended the stream early")
    frame = canonical.decode_frame(raw)
    if not isinstance(frame, dict) or not isinstance(frame.get("kind"), str):
        raise WireError("bad_frame", "A frame is an object with a kind")
    return frame


async def expect(stream: Stream, kind: str) -> dict[str, Any]:
    """The next frame, of this kind; raises as :func:`receive` does."""
    frame = await receive(stream)
    if frame["kind"] != kind:
        raise WireError("bad_frame", f"{kind} was expected")
    return frame


def item(header: bytes, sig: str, body: bytes | None) -> dict[str, Any]:
    """An entry in a frame."""
    return {"header": header.decode(), "sig": sig, "body": None if body is None else body.decode()}


async def heard_range(items: list[object]) -> list[Heard]:
    """A frame of entries, checked as :mod:`bulk` says; gives way to others now and then."""
    entries: list[Entry] = []
    for at, item in enumerate(items):
        entries.append(entry_from_header(*_parts(item), verified=True))
        if at % GIVE_WAY == GIVE_WAY - 1:
            await trio.lowlevel.checkpoint()
    range_: list[Heard] = []
    for entry, alone in zip(entries, bulk.check(entries), strict=True):
        range_.append(replace(readable(entry), lazy=not alone))
        if len(range_) % GIVE_WAY == 0:
            await trio.lowlevel.checkpoint()
    return range_


def heard(item: object) -> Heard:
    """An entry that stands by its own signature. Raises :class:`WireError`."""
    return readable(entry_from_header(*_parts(item)))


def _parts(item: object) -> tuple[bytes, str, bytes | None]:
    """Header, signature and body as they came; nothing of it is checked yet."""
    if not isinstance(item, dict) or not isinstance(item.get("header"), str) or not isinstance(item.get("sig"), str):
        raise WireError("bad_frame", "An entry has header, sig and body")
    body = item.get("body")
    if body is not None and not isinstance(body, str):
        raise WireError("bad_frame", "A body is text")
    try:
        header, raw = item["header"].encode(), None if body is None else body.encode()
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        raise WireError("bad_frame", "An entry is not UTF-8 text") from None
    return header, item["sig"], raw


def plain(frontier: Frontier) -> dict[str, dict[str, list[Any]]]:
    """A frontier in a frame."""
    return {author: {epoch: list(head) for epoch, head in epochs.items()} for author, epochs in frontier.items()}


def frontier(value: object) -> Frontier:
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
