"""Content by its hash, in files: ``/chorus/blob/1.0.0``.

A blob is there when its whole file is there, named by its hash and synced; anything else is a partial download that is
resumed. What comes from a peer is hashed before it gets its name.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import trio

from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing
from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger("chorus.blobs")

PROTOCOL = "/chorus/blob/1.0.0"
MAX_BLOB = 256 * 1024 * 1024
CHUNK = 256 * 1024
ANSWER_S = 10.0
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class FileBlobs:
    """Blobs of this peer; see :class:`chorus_tui.engine.journal.interface.Blobs`."""

    def __init__(self, folder: Path, mesh: Mesh) -> None:
        self._folder = folder
        self._mesh = mesh
        self._partial = folder / "partial"
        self._fetching: dict[str, trio.Lock] = {}
        self.is_member: Callable[[str], bool] = lambda _peer: False
        self._partial.mkdir(parents=True, exist_ok=True)
        mesh.serve(PROTOCOL, self._serve)

    # ── keeping ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def put_bytes(self, data: bytes) -> BlobInfo:
        return await trio.to_thread.run_sync(partial(self._keep, [data]))

    async def put_file(self, path: Path) -> BlobInfo:
        return await trio.to_thread.run_sync(partial(self._copy, path))

    def has(self, digest: str) -> bool:
        return self._file(digest).exists()

    def size(self, digest: str) -> int:
        """Size in bytes of a blob held here."""
        return self._file(digest).stat().st_size

    async def path(self, digest: str) -> Path:
        if not self.has(digest):
            async with self._fetching.setdefault(digest, trio.Lock()):
                if not self.has(digest):
                    await self._fetch(digest)
            self._fetching.pop(digest, None)
        return self._file(digest)

    def _file(self, digest: str) -> Path:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise BlobMissing(f"{digest!r} is no blob digest")
        return self._folder / match[1][:2] / match[1]

    def _copy(self, path: Path) -> BlobInfo:
        with path.open("rb") as source:
            return self._keep(iter(lambda: source.read(CHUNK), b""))

    def _keep(self, pieces: Iterable[bytes]) -> BlobInfo:
        digest, size = hashlib.sha256(), 0
        with tempfile.NamedTemporaryFile(dir=self._partial, delete=False) as target:
            try:
                for piece in pieces:
                    digest.update(piece)
                    size += len(piece)
                    if size > MAX_BLOB:
                        raise WireError("oversize", f"A blob holds at most {MAX_BLOB // 2**20} MiB")
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise
        info = BlobInfo(f"sha256:{digest.hexdigest()}", size)
        self._name(Path(target.name), info.digest)
        return info

    def _name(self, temporary: Path, digest: str) -> None:
        final = self._file(digest)
        final.parent.mkdir(exist_ok=True)
        temporary.chmod(0o600)
        temporary.replace(final)
        folder = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # ── fetching ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _fetch(self, digest: str, sources: list[str] | None = None) -> None:
        peers = sources or sorted(peer for peer in self._mesh.links() if self.is_member(peer))
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
        partial_file = self._partial / self._file(digest).name
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
        return await trio.to_thread.run_sync(self._finish, partial_file, digest)

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

    def _finish(self, partial_file: Path, digest: str) -> bool:
        with partial_file.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            os.fsync(file.fileno())
        if found != digest:
            partial_file.unlink()
            raise WireError("bad_blob", "The bytes do not have the hash that was asked for")
        self._name(partial_file, digest)
        return True

    # ── serving ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(ANSWER_S):
            frame = canonical.decode_frame(await stream.receive(4096) or b"")
        kind, digest = frame.get("kind"), str(frame.get("digest"))
        if kind == "get":
            await self._give(stream, digest, int(frame.get("offset", 0)))
        elif kind == "keep":
            try:
                await self._fetch_for(digest, stream.peer_id)
            except BlobMissing as error:
                log.debug("Could not keep a blob", error=str(error))
            await stream.send(canonical.encode_frame({"kind": "kept", "held": self.has(digest)}))
        await stream.finish()

    async def _fetch_for(self, digest: str, source: str) -> None:
        if not self.has(digest):
            async with self._fetching.setdefault(digest, trio.Lock()):
                if not self.has(digest):
                    await self._fetch(digest, [source])

    async def _give(self, stream: Stream, digest: str, offset: int) -> None:
        if not self.has(digest):
            await stream.send(canonical.encode_frame({"kind": "none"}))
            return
        file = self._file(digest)
        await stream.send(canonical.encode_frame({"kind": "blob", "size": file.stat().st_size}))
        async with await trio.open_file(file, "rb") as source:
            await source.seek(max(offset, 0))
            while piece := await source.read(CHUNK):
                await stream.send(piece)

    # ── replicating ────────────────────────────────────────────────────────────────────────────────────────────────

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> int:
        peers = sorted(peer for peer in self._mesh.links() if self.is_member(peer))
        holders: set[str] = set()
        if digests:
            with trio.move_on_after(wait_s):
                async with trio.open_nursery() as nursery:
                    for peer in peers[: copies + 1]:
                        nursery.start_soon(self._offer, peer, digests, holders)
        return len(holders)

    async def _offer(self, peer: str, digests: list[str], holders: set[str]) -> None:
        try:
            for digest in digests:
                stream = await self._mesh.open(peer, PROTOCOL)
                try:
                    await stream.send(canonical.encode_frame({"kind": "keep", "digest": digest}))
                    answer = await _answer(stream)
                finally:
                    await stream.close()
                if not answer.get("held"):
                    return
        except (MeshError, WireError) as error:
            log.debug("A peer did not take a blob", peer=peer, error=str(error))
        else:
            holders.add(peer)


async def _answer(stream: Stream) -> dict[str, Any]:
    answer = canonical.decode_frame(await stream.receive(4096) or b"")
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
