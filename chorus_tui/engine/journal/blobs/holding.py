"""Blobs that are held for a person: something in them looks like a secret. They are never rewritten.

One that is held goes to no other peer and is shown to nobody, until somebody who may releases it. A file in ``held`` says what was
found in which blob, without the secret, and whether it was released; so the folder is all the state there is. What cannot be looked
through is held too: nobody knows what is in it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import structlog
import trio

log = structlog.get_logger("chorus.shhh")

MOST_CLEAN: Final = 10_000
"""Blobs remembered to be clean; of more than these the scan is done again."""
THREADS: Final = 2
"""So many blobs are scanned at a time; others wait."""
UNSEEN: Final = "it could not be looked through"
UNREAD: Final = "what was found in it cannot be read"
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Trace:
    """One finding: its rule, its severity, where it is, and its keyed hash."""

    rule: str
    severity: str
    where: str
    hash: str


@dataclass(frozen=True, slots=True)
class HeldBlob:
    """``since`` in seconds of the wall clock; ``why`` in words."""

    digest: str
    since: float
    why: str
    traces: tuple[Trace, ...] = ()
    released: bool = False


Scan = Callable[[Path], tuple[str, tuple[Trace, ...]]]
"""(why it is to be held, or an empty text; what was found). Run in a thread."""


class Holding:
    """Of one peer's blobs. Without a ``scan`` nothing is held."""

    def __init__(self, folder: Path, wall: Callable[[], float]) -> None:
        self._folder = folder
        self._wall = wall
        self.scan: Scan | None = None
        self._threads = trio.CapacityLimiter(THREADS)
        self._clean: dict[str, None] = {}
        self._known = {one.digest: one for one in self._stored()}

    def _stored(self) -> Iterator[HeldBlob]:
        for file in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if _HEX.fullmatch(file.name):
                yield _read(file)

    def held(self, digest: str) -> bool:
        """Whether it may go nowhere."""
        known = self._known.get(digest)
        return known is not None and not known.released

    def waiting(self) -> list[HeldBlob]:
        """All that are held, the oldest first."""
        return sorted((one for one in self._known.values() if not one.released), key=lambda one: one.since)

    def released(self) -> list[HeldBlob]:
        """All that were held once and are not any more."""
        return sorted((one for one in self._known.values() if one.released), key=lambda one: one.since)

    async def look(self, digest: str, path: Path, *, anew: bool = False) -> bool:
        """Scan a blob that was not scanned yet, or ``anew``; whether it is held now."""
        if self.scan is None or ((digest in self._known or digest in self._clean) and not anew):
            return self.held(digest)
        why, traces = await self._scanned(self.scan, path)
        known = self._known.get(digest)
        if not why:
            self._clean[digest] = None
            while len(self._clean) > MOST_CLEAN:
                del self._clean[next(iter(self._clean))]
        elif known is None or (known.released and _new(traces, known.traces)):
            # From now on, also when there is no room to write it down.
            self._known[digest] = found = HeldBlob(digest, self._wall(), why, traces)
            await self._keep(found)
        return self.held(digest)

    async def _scanned(self, scan: Scan, path: Path) -> tuple[str, tuple[Trace, ...]]:
        """Raises ``FileNotFoundError`` for what has gone: there is nothing to hold."""
        try:
            return await trio.to_thread.run_sync(scan, path, limiter=self._threads)
        except FileNotFoundError:
            raise
        except Exception:
            log.exception("⚠️ A file could not be looked through for secrets and is held", file=path.name[:12])
            return UNSEEN, ()

    async def release(self, digest: str) -> HeldBlob | None:
        """A person's word: it may go. None when it is not held."""
        known = self._known.get(digest)
        if known is None or known.released:
            return None
        return await self._keep(replace(known, released=True))

    async def _keep(self, one: HeldBlob) -> HeldBlob:
        def write() -> None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = one.digest.removeprefix("sha256:")
            made = self._folder / f".{name}"
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(one), file)
                file.flush()
                os.fsync(file.fileno())
            made.replace(self._folder / name)

        await trio.to_thread.run_sync(write)
        self._known[one.digest] = one
        return one


def _read(file: Path) -> HeldBlob:
    """What a file says; one that is torn or unreadable says that its blob is held."""
    digest = f"sha256:{file.name}"
    try:
        said = json.loads(file.read_bytes())
        traces = tuple(Trace(**trace) for trace in said["traces"])
        return HeldBlob(digest, float(said["since"]), str(said["why"]), traces, said["released"] is True)
    except (OSError, ValueError, TypeError, LookupError):
        log.warning("⚠️ What was found in a file cannot be read; it stays held", file=file.name[:12])
        return HeldBlob(digest, file.lstat().st_mtime, UNREAD)


def _new(now: Iterable[Trace], then: Iterable[Trace]) -> bool:
    """Whether there is something that a person who released it had not seen."""
    return not {trace.hash for trace in now} <= {trace.hash for trace in then}
