"""Frames of ``/chorus/journal/1.0.0``: sent, received, and read strictly.

Whatever a frame says is checked before it is used; one that is not as documented ends its stream. A large frame is read
in small portions, so that whoever waits for an answer of this engine does not wait for a frame.
"""

from __future__ import annotations

from typing import Any

import trio
from pydantic import ValidationError

from chorus_tui.engine.journal.chain import Frontier
from chorus_tui.engine.mesh.interface import MAX_FRAME, Stream, StreamClosed
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry, entry_from_header
from chorus_tui.engine.protocol.messages import Watermarks

FRAME_BYTES = 512 * 1024
BRANCH = 64
"""Headers of a branch shown at once."""
PATIENCE_S = 30.0
"""For one frame, in either direction."""
AT_ONCE = 16
"""Entries read before others get their turn."""


async def send(stream: Stream, frame: dict[str, Any]) -> None:
    """Raises trio.TooSlowError when the other side does not take it."""
    with trio.fail_after(PATIENCE_S):
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
    """The next frame, which must be of this kind."""
    frame = await receive(stream)
    if frame["kind"] != kind:
        raise WireError("bad_frame", f"{kind} was expected")
    return frame


def item(header: bytes, sig: str, body: bytes | None) -> dict[str, Any]:
    """An entry as it stands in a frame."""
    return {"header": header.decode(), "sig": sig, "body": None if body is None else body.decode()}


def entry(value: object, *, verified: bool = False) -> Entry:
    """Read :func:`item`. ``verified`` leaves the signature, and it alone, to the caller."""
    if not isinstance(value, dict) or not isinstance(value.get("header"), str) or not isinstance(value.get("sig"), str):
        raise WireError("bad_frame", "An entry has header, sig and body")
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        raise WireError("bad_frame", "A body is text")
    try:
        header, raw = value["header"].encode(), None if body is None else body.encode()
    except UnicodeEncodeError:  # JSON can spell half a surrogate pair
        raise WireError("bad_frame", "An entry is not UTF-8 text") from None
    return entry_from_header(header, value["sig"], raw, verified=verified)


def items(frame: dict[str, Any]) -> list[object]:
    """What an ``entries`` frame holds."""
    found = frame.get("entries")
    if frame["kind"] != "entries" or not isinstance(found, list):
        raise WireError("bad_frame", "Entries were expected")
    return found


def plain(frontier: Frontier) -> dict[str, dict[str, list[Any]]]:
    """A frontier as it stands in a frame."""
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


def known(frame: dict[str, Any]) -> tuple[str, int] | None:
    """Up to which telling the other side has heard ours: an epoch and a number. None: it does not count them."""
    found = frame.get("marks")
    if found is None:
        return None
    if not (isinstance(found, list) and [type(part) for part in found] == [str, int]):
        raise WireError("bad_frame", "marks is [epoch, number]")
    return found[0], found[1]


def marks(frame: dict[str, Any]) -> Watermarks | None:
    """What the other side told before, where it tells it again."""
    if (found := frame.get("marks")) is None:
        return None
    try:
        return Watermarks.model_validate(found)
    except ValidationError:
        raise WireError("bad_frame", "marks are data of watermarks") from None
