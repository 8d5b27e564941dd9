"""Reading: bytes by their digest, from here, from members, from elsewhere; verified, and opened when they are sealed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import trio

from chorus_tui.engine.journal.interface import BlobMissing
from chorus_tui.engine.ucxl.interface import Forbidden, Unavailable, Unprocessable, Version
from chorus_tui.engine.ucxl.parts import Parts
from chorus_tui.engine.ucxl.storing import SMALL
from chorus_tui.engine.vault.interface import CannotOpen, NotForUs


class Fetching:
    """Of one peer."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def stored(self, version: Version) -> bytes:
        """The bytes as stored; what is damaged here is fetched anew once. Raises :class:`Unavailable`, :class:`Unprocessable`."""
        blobs = self._parts.blobs
        for _ in range(2):
            try:
                data = await _read(await blobs.path(version.digest, version.size), version)
            except (BlobMissing, OSError) as error:
                return await self._elsewhere(version, str(error))
            if data is not None:
                return data
            if await blobs.sound(version.digest):
                raise Unprocessable(
                    f"Version {version.n} of {version.place} is said to have {version.size} bytes, and its digest is that of another "
                    "number of them: its author told what is not so"
                )
        raise Unavailable(f"What is held here of version {version.n} of {version.place} is damaged; try again later")

    async def held(self, version: Version) -> bytes | None:
        """The bytes as stored, as this peer holds them; None when it does not hold these very bytes. Nothing is fetched."""
        if not self._parts.blobs.has(version.digest):
            return None
        try:
            return await _read(await self._parts.blobs.path(version.digest, version.size), version)
        except (BlobMissing, OSError):
            return None

    async def _elsewhere(self, version: Version, why: str) -> bytes:
        found = await self._parts.fallback(version.digest) if self._parts.fallback is not None else None
        if found is None or len(found) != version.size or digest_of(found) != version.digest:
            author = self._parts.control.name(version.author)
            raise Unavailable(
                f"Nobody in reach has the bytes of version {version.n} of {version.place} now. {author} wrote it: they come when "
                f"{author}, or a member that keeps them, is in reach. {why}"
            )
        await self._parts.blobs.put_bytes(found)
        return found

    async def clear(self, version: Version) -> bytes:
        """What it says. Raises :class:`Unavailable`, :class:`Forbidden`, :class:`Unprocessable`."""
        return await self.opened(version, await self.stored(version))

    async def opened(self, version: Version, stored: bytes) -> bytes:
        """Stored bytes, opened when the version is sealed. Raises as :meth:`clear`."""
        if not version.sealed:
            return stored
        try:
            if len(stored) <= SMALL:
                return self._parts.vault.open_file(stored)
            return await trio.to_thread.run_sync(self._parts.vault.open_file, stored)
        except NotForUs as error:
            raise Forbidden(
                f"Version {version.n} of {version.place} is sealed to {', '.join(version.readers)}: {error}"
            ) from error
        except CannotOpen as error:
            raise Unprocessable(f"Version {version.n} of {version.place} cannot be opened: {error}") from error


async def _read(path: Path, version: Version) -> bytes | None:
    """A file, when it is what the version names; one of another size is not read. A big one is read in a thread."""
    size, data = _small(path)
    if size != version.size:
        return None
    data = data if size <= SMALL else await trio.Path(path).read_bytes()
    return data if digest_of(data) == version.digest else None


def _small(path: Path) -> tuple[int, bytes]:
    """A file's size, and all of it when it is read in a moment; a bigger one needs a thread."""
    size = path.stat().st_size
    return size, path.read_bytes() if size <= SMALL else b""


def digest_of(data: bytes) -> str:
    """As blobs are named."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
