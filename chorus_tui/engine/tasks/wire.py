"""``/chorus/tasks/1.0.0``: what workers and the admin say to each other, one question and one answer a stream.

``offer``: what the worker can and how much room it has. ``renew``: the grants it still works on; the answer names those
that are not its own any more. ``release``: it gives a grant back.
"""

from __future__ import annotations

from typing import Any

import trio

from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

PROTOCOL = "/chorus/tasks/1.0.0"
FRAME = 64 * 1024
PATIENCE_S = 5.0


async def ask(mesh: Mesh, admin: str, frame: dict[str, Any]) -> dict[str, Any] | None:
    """One question to the admin; None when it does not answer."""
    try:
        with trio.fail_after(PATIENCE_S):
            stream = await mesh.open(admin, PROTOCOL)
            try:
                await stream.send(canonical.encode(frame))
                return _object(await stream.receive(FRAME))
            finally:
                await stream.close()
    except (MeshError, WireError, trio.TooSlowError):
        return None


async def question(stream: Stream) -> dict[str, Any]:
    """The question on an incoming stream. Raises :class:`WireError`."""
    with trio.fail_after(PATIENCE_S):
        return _object(await stream.receive(FRAME))


async def answer(stream: Stream, frame: dict[str, Any]) -> None:
    """Answer it and finish."""
    await stream.send(canonical.encode(frame))
    await stream.finish()


def held(value: Any) -> list[tuple[str, int]]:
    """A list of (task id, attempt). Raises :class:`WireError`."""
    if not isinstance(value, list) or len(value) > 1000:
        raise WireError("bad_frame", "held is a list")
    result = []
    for item in value:
        if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and type(item[1]) is int):
            raise WireError("bad_frame", "held lists [task id, attempt]")
        result.append((item[0], item[1]))
    return result


def _object(raw: bytes | None) -> dict[str, Any]:
    value = canonical.decode(raw or b"null")
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise WireError("bad_frame", "A frame is an object with a kind")
    return value
