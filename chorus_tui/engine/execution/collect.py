"""Bringing a task's files out. The archive comes from inside the sandbox, so nothing in it is believed.

No member is ever extracted to its own name: each accepted file is written under a number in a private folder, hashed,
and handed on; its name is only text, and is judged first. What is left out is said.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from chorus_tui.contract.git_names import member_path
from chorus_tui.contract.models.task_result import Artifact
from chorus_tui.engine.execution.globs import matches
from chorus_tui.engine.execution.interface import PutBlob
from chorus_tui.engine.execution.tar_reader import Data, HostileTar, Member, MemberEnd, TarReader

MOST_FILES = 128
MOST_MEMBERS = 100_000
_NAME_BYTES = 512
NAMES_BYTES = 6 * 1024
"""All names together: the list travels in one message."""
_MIB = 1 << 20


def artifact_path(name: str | None) -> str:
    """The path below /workspace/output; raises ``ValueError`` with the reason it is refused."""
    if name is None:
        raise ValueError("name is not UTF-8")
    if name.startswith("/"):
        raise ValueError("absolute name")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ValueError("name with '..'")
    path = "/".join(parts)
    if not path:
        raise ValueError("empty name")
    if not path.isprintable() or "\\" in path:
        raise ValueError("name with control characters")
    if len(path.encode()) > _NAME_BYTES or any(len(part.encode()) > 255 for part in parts):
        raise ValueError("name too long")
    member_path(path.encode())  # whoever fetches it would find a repository there, whose configuration git obeys
    return path


class Collector:
    """Takes the archive's bytes, keeps files that match ``patterns`` up to ``limit_mb`` MiB in all."""

    def __init__(self, folder: Path, patterns: list[str], limit_mb: int, put_blob: PutBlob) -> None:
        self.artifacts: list[Artifact] = []
        self._folder = folder
        self._patterns = patterns
        self._left = limit_mb * _MIB
        self._limit_mb = limit_mb
        self._put_blob = put_blob
        self._reader = TarReader()
        self._refused: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._members = 0
        self._names_left = NAMES_BYTES
        self._path = ""
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    @property
    def left_out(self) -> str:
        """In words what was not kept and why; empty when everything was."""
        return "; ".join(f"{count} left out: {why}" for why, count in sorted(self._refused.items()))

    @property
    def complete(self) -> bool:
        """Whether the archive's end was seen."""
        return self._reader.finished

    async def feed(self, data: bytes) -> None:
        """Take more of the archive; raises :class:`HostileTar`."""
        for event in self._reader.feed(data):
            if isinstance(event, Member):
                self._begin(event)
            elif isinstance(event, Data):
                self._write(event.piece)
            elif isinstance(event, MemberEnd):
                await self._end()

    def refuse(self, why: str) -> None:
        """Count one thing that was left out."""
        self._refused[why] += 1

    def close(self) -> None:
        """Drop a file that was begun and never completed. Idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, member: Member) -> None:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise HostileTar(f"more than {MOST_MEMBERS} files")
        if member.kind == "folder":
            return
        try:
            self._path = self._judge(member)
        except ValueError as error:
            self.refuse(str(error))
            return
        if not self._path:
            return
        self._seen.add(self._path)
        self._names_left -= len(self._path.encode())
        self._left -= member.size
        self._file = (self._folder / f"{self._members:06d}").open("wb")
        self._hash = hashlib.sha256()
        self._size = member.size

    def _judge(self, member: Member) -> str:
        """The path to keep it under, or "" when no pattern wants it."""
        if member.kind != "file":
            raise ValueError("no regular file (link, device or pipe)")
        path = artifact_path(member.name)
        if self._patterns and not any(matches(path, pattern) for pattern in self._patterns):
            return ""
        if path in self._seen:
            raise ValueError("a second file of the same name")
        if len(self._seen) >= MOST_FILES or len(path.encode()) > self._names_left:
            raise ValueError(f"more than {MOST_FILES} files, or names too long in sum (pack them into one)")
        if member.size > self._left:
            raise ValueError(f"more than {self._limit_mb} MiB in all (limits.output_mb)")
        return path

    def _write(self, piece: bytes) -> None:
        if self._file is not None:
            self._file.write(piece)
            self._hash.update(piece)

    async def _end(self) -> None:
        if self._file is None:
            return
        written = Path(self._file.name)
        self.close()
        digest, size = await self._put_blob(written)
        written.unlink(missing_ok=True)  # noqa: ASYNC240 - a private folder on a local disk
        sha256 = self._hash.hexdigest()
        if digest != f"sha256:{sha256}" or size != self._size:
            self.refuse("could not be kept as a blob")
            return
        self.artifacts.append(Artifact(path=self._path, size=size, sha256=sha256))


async def collect(stream: AsyncIterator[bytes], collector: Collector, stop_after: int) -> bool:
    """Feed ``stream`` to the collector; at most ``stop_after`` bytes of it are read. False when it ended before the archive did."""
    taken = 0
    try:
        async for piece in stream:
            taken += len(piece)
            await collector.feed(piece)
            if collector.complete:
                break
            if taken > stop_after:
                collector.refuse("the rest, since the archive is larger than /workspace/output can be")
                break
        else:
            return False
    except HostileTar as error:
        collector.refuse(f"the rest, since {error}")
    finally:
        collector.close()
    return True
