"""Content by its hash, between peers: ``/chorus/blob/1.0.0``.

What comes from a peer is hashed before it gets its name. A download that was cut is resumed, from whichever member answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import trio

from chorus_tui.engine.journal import blob_rules
from chorus_tui.engine.journal.blob_store import CHUNK, MAX_BLOB, BlobStore
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing
from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.blobs")

PROTOCOL = "/chorus/blob/1.0.0"
ANSWER_S = 10.0
AT_ONCE = 3
"""Peers that are asked at the same time."""
MANY = 64
"""Blobs in one question."""


class FileBlobs:
    """Blobs of this peer; see :class:`chorus_tui.engine.journal.interface.Blobs`."""

    def __init__(self, folder: Path, mesh: Mesh) -> None:
        self.store = BlobStore(folder)
        self._mesh = mesh
        self._fetching: dict[str, trio.Lock] = {}
        self.is_member: Callable[[str], bool] = lambda _peer: False
        self.takes: Callable[[str], bool] = lambda _digest: True
        """Whether there is room for a blob that another member asks this one to keep."""
        self.promise: Callable[[str], None] = lambda _digest: None
        """Told when this peer says that it holds a blob and somebody relies on it."""
        mesh.serve(PROTOCOL, self._serve)

    # ── keeping ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def put_bytes(self, data: bytes) -> BlobInfo:
        return await trio.to_thread.run_sync(partial(self.store.keep, [data]))

    async def put_file(self, path: Path) -> BlobInfo:
        return await trio.to_thread.run_sync(partial(self.store.copy, path))

    def has(self, digest: str) -> bool:
        return self.store.has(digest)

    async def path(self, digest: str) -> Path:
        await self._get(digest, None)
        self.store.used(digest)
        return self.store.file(digest)

    async def _get(self, digest: str, sources: list[str] | None) -> None:
        if not self.has(digest):
            async with self._fetching.setdefault(digest, trio.Lock()):
                if not self.has(digest):
                    await self._fetch(digest, sources)
            self._fetching.pop(digest, None)

    def _members(self, digest: str) -> list[str]:
        """Members in reach, those that should keep the blob first."""
        linked = [peer for peer in self._mesh.links() if self.is_member(peer)]
        return blob_rules.keepers(digest, linked, len(linked))

    # ── fetching ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fetch(self, digest: str, sources: list[str] | None) -> None:
        peers = sources or self._members(digest)
        for peer in peers:
            try:
                if await self._fetch_from(peer, digest):
                    return
            except (MeshError, WireError, trio.TooSlowError) as error:
                log.debug("A peer did not give a blob", peer=peer, digest=digest, error=str(error))
        raise BlobMissing(
            f"No reachable peer holds {digest}; asked {len(peers)}. It may come when more peers are there."
        )

    async def _fetch_from(self, peer: str, digest: str) -> bool:
        partial_file = self.store.download(digest)
        stream = await self._mesh.open(peer, PROTOCOL)
        try:
            offset = partial_file.stat().st_size if partial_file.exists() else 0
            await stream.send(canonical.encode_frame({"kind": "get", "digest": digest, "offset": offset}))
            size = await _size(stream)
            if size is None:
                return False
            await self._receive(stream, partial_file, offset, size)
        finally:
            await stream.close()
        await trio.to_thread.run_sync(self.store.finish, digest)
        return True

    async def _receive(self, stream: Stream, target: Path, offset: int, size: int) -> None:
        async with await trio.open_file(target, "ab") as file:
            while offset < size:
                with trio.fail_after(ANSWER_S):
                    piece = await stream.receive(CHUNK)
                if not piece:
                    raise WireError("cut", "The blob ended early")
                await file.write(piece)
                offset += len(piece)
                if offset > size:
                    raise WireError("oversize", "More bytes than announced")

    # ── serving ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(ANSWER_S):
            frame = canonical.decode_frame(await stream.receive(16 * 1024) or b"")
        kind, digest = frame.get("kind"), str(frame.get("digest"))
        if kind == "get":
            await self._give(stream, digest, int(frame.get("offset", 0)))
        elif kind == "keep":
            await self._keep_for(digest, stream)
        elif kind == "has":
            await self._say_what_is_here(frame, stream)
        await stream.finish()

    async def _keep_for(self, digest: str, stream: Stream) -> None:
        try:
            if self.has(digest) or self.takes(digest):
                await self._get(digest, [stream.peer_id])
        except BlobMissing as error:
            log.debug("Could not keep a blob", error=str(error))
        await stream.send(canonical.encode_frame({"kind": "kept", "held": self.has(digest)}))

    async def _say_what_is_here(self, frame: dict[str, Any], stream: Stream) -> None:
        asked = frame.get("digests")
        if not isinstance(asked, list) or len(asked) > MANY:
            raise WireError("bad_frame", f"digests is a list of at most {MANY}")
        held = [self.has(str(digest)) for digest in asked]
        if frame.get("rely") is True:
            for digest, here in zip(asked, held, strict=True):
                if here:
                    self.promise(digest)
        await stream.send(canonical.encode_frame({"kind": "has", "held": held}))

    async def _give(self, stream: Stream, digest: str, offset: int) -> None:
        if not self.has(digest):
            await stream.send(canonical.encode_frame({"kind": "none"}))
            return
        file = self.store.file(digest)
        self.store.used(digest)
        await stream.send(canonical.encode_frame({"kind": "blob", "size": file.stat().st_size}))
        async with await trio.open_file(file, "rb") as source:
            await source.seek(max(offset, 0))
            while piece := await source.read(CHUNK):
                await stream.send(piece)

    # ── replicating ────────────────────────────────────────────────────────────────────────────────────────────────

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> int:
        holders: set[str] = set()
        if digests:
            waiting = iter(self._members(digests[0]))
            with trio.move_on_after(wait_s):
                async with trio.open_nursery() as nursery:
                    for _ in range(AT_ONCE):
                        nursery.start_soon(self._bring, waiting, digests, holders, copies, nursery.cancel_scope)
        return len(holders)

    async def _bring(
        self, peers: Iterator[str], digests: list[str], holders: set[str], copies: int, enough: trio.CancelScope
    ) -> None:
        for peer in peers:
            if await self._offer(peer, digests):
                holders.add(peer)
            if len(holders) >= copies:
                enough.cancel()

    async def _offer(self, peer: str, digests: list[str]) -> bool:
        try:
            for digest in digests:
                answer = await self._ask(peer, {"kind": "keep", "digest": digest}, None)
                if answer.get("held") is not True:
                    return False
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug("A peer did not take a blob", peer=peer, error=str(error))
            return False
        return True

    async def holders(self, digest: str, *, rely: bool = False) -> list[str]:
        """Other members in reach that hold a blob now. ``rely``: they promise to keep it for
        :data:`blob_rules.PROMISE_S`."""
        found: set[str] = set()
        waiting = iter(self._members(digest))

        async def ask() -> None:
            for peer in waiting:
                if await self._says_it_has(peer, digest, rely=rely):
                    found.add(peer)

        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(ask)
        return sorted(found)

    async def _says_it_has(self, peer: str, digest: str, *, rely: bool) -> bool:
        try:
            answer = await self._ask(peer, {"kind": "has", "digests": [digest], "rely": rely}, ANSWER_S)
        except (MeshError, WireError, trio.TooSlowError) as error:
            log.debug("A peer did not say what it holds", peer=peer, error=str(error))
            return False
        return answer.get("held") == [True]

    async def _ask(self, peer: str, frame: dict[str, Any], seconds: float | None) -> dict[str, Any]:
        with trio.fail_after(seconds if seconds is not None else math.inf):
            stream = await self._mesh.open(peer, PROTOCOL)
            try:
                await stream.send(canonical.encode_frame(frame))
                return await _answer(stream)
            finally:
                await stream.close()


async def _answer(stream: Stream) -> dict[str, Any]:
    answer = canonical.decode_frame(await stream.receive(16 * 1024) or b"")
    if not isinstance(answer, dict):
        raise WireError("bad_frame", "An answer is an object")
    return answer


async def _size(stream: Stream) -> int | None:
    with trio.fail_after(ANSWER_S):
        answer = await _answer(stream)
    size = answer.get("size")
    if answer.get("kind") != "blob":
        return None
    if type(size) is not int or not 0 <= size <= MAX_BLOB:
        raise WireError("oversize", "A size beyond the limit")
    return size
