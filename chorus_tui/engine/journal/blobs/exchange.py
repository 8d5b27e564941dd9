"""What two peers say to each other about blobs: ``/chorus/blob/1.0.0``, one question a stream.

``get`` asks for the bytes from an offset on, ``keep`` asks a peer to fetch a blob from the asker, ``vouch`` asks whether
it holds one. Who vouches has just read and hashed the file, and is not about to let it go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, Protocol

import structlog
import trio

from chorus_tui.engine.journal.blobs.files import CHUNK, MAX_BLOB, BlobFiles, Partial
from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.blobs")

PROTOCOL: Final = "/chorus/blob/1.0.0"
ANSWER_S: Final = 10.0
KEPT_S: Final = 60.0
"""Fetching a blob that somebody asks us to keep may take this long while the asker waits."""


class Keeper(Protocol):
    """What the server asks of this peer."""

    async def take(self, digest: str, size: int, source: str) -> bool:
        """Fetch a blob from ``source``, if there is room for it; whether it is held now."""
        ...

    async def vouch(self, digest: str) -> bool:
        """Whether it is held and stays."""
        ...

    @property
    def held(self) -> Callable[[str], bool]:
        """Whether a blob is held back for a person."""
        ...


class Exchange:
    """Asks others, and answers them."""

    def __init__(self, mesh: Mesh, files: BlobFiles, keeper: Keeper) -> None:
        self._mesh = mesh
        self._files = files
        self._keeper = keeper
        mesh.serve(PROTOCOL, self._serve)

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, peer: str, part: Partial, sizes: Collection[int] | None = None) -> bool:
        """Bring the rest of a blob from one peer; False when it does not hold it, or holds one of another size than ``sizes``.
        Raises ``MeshError`` and others after a cut; what came until then is kept."""

        async def receive(stream: Stream) -> bool:
            await _send(stream, {"kind": "get", "digest": part.digest, "offset": part.size})
            with trio.fail_after(ANSWER_S):
                answer = await _receive(stream)
            if answer.get("kind") != "blob":
                return False
            size = _size(answer)
            if sizes is not None and size not in sizes:
                log.info(
                    "A blob has another size than was said of it",
                    digest=part.digest,
                    size_bytes=size,
                    said=sorted(sizes),
                )
                return False
            await _bytes(stream, part, size)
            return True

        return await self._with(peer, receive)

    async def keep(self, peer: str, digest: str, size: int) -> bool:
        """Ask a peer to fetch a blob from here; whether it holds it now. False when it cannot be asked."""
        return await self._ask(peer, {"kind": "keep", "digest": digest, "size": size}, KEPT_S)

    async def vouched(self, peer: str, digest: str) -> bool:
        """Whether a peer holds a blob and is not about to let it go. False when it cannot be asked."""
        return await self._ask(peer, {"kind": "vouch", "digest": digest}, ANSWER_S)

    async def _ask(self, peer: str, frame: dict[str, Any], seconds: float) -> bool:
        async def ask(stream: Stream) -> bool:
            await _send(stream, frame)
            with trio.fail_after(seconds):
                return (await _receive(stream)).get("held") is True

        try:
            return await self._with(peer, ask)
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug("A peer did not answer about a blob", peer=peer, asked=frame["kind"], error=str(error))
            return False

    async def _with(self, peer: str, what: Callable[[Stream], Awaitable[bool]]) -> bool:
        stream = await self._mesh.open(peer, PROTOCOL)
        try:
            return await what(stream)
        finally:
            await stream.close()

    # ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(ANSWER_S):
            frame = await _receive(stream)
        kind, digest = frame.get("kind"), str(frame.get("digest"))
        try:
            if kind == "get":
                await self._give(stream, digest, _natural(frame, "offset"))
            elif kind == "keep":
                held = await self._keeper.take(digest, _natural(frame, "size"), stream.peer_id)
                await _send(stream, {"kind": "kept", "held": held})
            elif kind == "vouch":
                await _send(stream, {"kind": "vouched", "held": await self._keeper.vouch(digest)})
            else:
                raise WireError("bad_frame", "Unknown kind of frame")
        except BlobMissing as error:
            log.debug("A question about a blob that cannot be answered", peer=stream.peer_id, error=str(error))
            await _send(stream, {"kind": "none"})
        await stream.finish()

    async def _give(self, stream: Stream, digest: str, offset: int) -> None:
        if self._keeper.held(digest):
            await _send(stream, {"kind": "none"})
            return
        try:
            source = await trio.open_file(self._files.path(digest), "rb")
        except FileNotFoundError:
            await _send(stream, {"kind": "none"})
            return
        async with source:
            size = await source.seek(0, 2)
            await _send(stream, {"kind": "blob", "size": size})
            await source.seek(min(offset, size))  # a file system refuses places beyond what it can hold
            while piece := await source.read(CHUNK):
                await stream.send(piece)


async def _bytes(stream: Stream, part: Partial, size: int) -> None:
    while part.size < size:
        with trio.fail_after(ANSWER_S):
            piece = await stream.receive(CHUNK)
        if not piece:
            raise WireError("cut", "The blob ended early")
        if part.size + len(piece) > size:
            raise WireError("oversize", "More bytes than announced")
        await trio.to_thread.run_sync(part.write, piece)


async def _send(stream: Stream, frame: dict[str, Any]) -> None:
    await stream.send(canonical.encode_frame(frame))


async def _receive(stream: Stream) -> dict[str, Any]:
    frame = canonical.decode_frame(await stream.receive(4096) or b"")
    if not isinstance(frame, dict):
        raise WireError("bad_frame", "A frame is an object")
    return frame


def _size(answer: dict[str, Any]) -> int:
    size = _natural(answer, "size")
    if size > MAX_BLOB:
        raise WireError("oversize", "A size beyond the limit")
    return size


def _natural(frame: dict[str, Any], field: str) -> int:
    value = frame.get(field, 0)
    if type(value) is not int or value < 0:
        raise WireError("bad_frame", f"{field} is a number of bytes")
    return value
