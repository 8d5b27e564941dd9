"""Content under addresses, as the features see it.

All versions of a *place* (an address without its version) are entries of the feeds, numbered alike on every peer that holds the
same entries: by hybrid logical clock, author, hash. A version may be sealed; then its bytes are an age file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chorus_tui.contract.ucxl import Address


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a place. ``n`` counts from 1; ``settled``: no earlier one can come any more. ``entry`` is the hash of the
    feed entry that tells of it, ``digest`` that of the stored bytes (``sha256:<hex>``, empty for a tombstone), ``size`` their
    number. ``siblings``: entries of versions that were written without knowing of this one, nor this of them: the first 16 of
    ``sibling_count``."""

    place: str
    n: int
    settled: bool
    entry: str
    author: str
    at_ms: int
    digest: str
    size: int
    media_type: str
    readers: tuple[str, ...]
    parents: tuple[str, ...]
    siblings: tuple[str, ...]
    tombstone: bool
    description: str
    tags: tuple[str, ...]
    sibling_count: int

    @property
    def sealed(self) -> bool:
        """Whether the stored bytes are an age file."""
        return bool(self.readers)


class ContentError(Exception):
    """An address whose content cannot be had. ``code`` is ``UCXL-<http>-<NAME>``; the text is for people."""

    code = "UCXL-500-INTERNAL"


class NotFound(ContentError):
    """There is no such content, or no such version of it."""

    code = "UCXL-404-NOT_FOUND"


class OutOfBounds(NotFound):
    """There are versions, and the one that is asked for is none of them; the text names the first and the last."""

    code = "UCXL-404-OUT_OF_BOUNDS"


class Several(ContentError):
    """A wildcard that may mean more than one thing. ``candidates`` are their addresses, the first ones of many."""

    code = "UCXL-300-MULTIPLE_CHOICES"

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class Conflict(ContentError):
    """It was written meanwhile, or there is something already; nothing was stored."""

    code = "UCXL-409-CONFLICT"


class Gone(ContentError):
    """It was removed; earlier versions are still there."""

    code = "UCXL-410-GONE"


class Forbidden(ContentError):
    """It is sealed, and this peer holds no key to it."""

    code = "UCXL-403-FORBIDDEN"


class Unavailable(ContentError):
    """It exists, and nobody in reach has its bytes now."""

    code = "UCXL-503-SERVICE_UNAVAILABLE"


class Unprocessable(ContentError):
    """It cannot be stored so: too large, a wildcard in the address, a version that the address does not let be written."""

    code = "UCXL-422-UNPROCESSABLE"


class Contents(Protocol):
    """Reads and writes content."""

    async def put(
        self, address: Address, content: bytes, *, media_type: str = "text/plain", readers: Sequence[str] = (),
        parents: Sequence[str] | None = None, description: str = "", tags: Sequence[str] = (),
    ) -> Version:  # fmt: skip
        """Write a new version of a concrete address. ``readers`` are keyrings (:mod:`chorus_tui.engine.vault.interface`);
        none: everybody in the mesh. ``parents`` are entries of the versions that it follows; None: all newest ones held here.
        Its bytes are brought to others before it is told of. Raises :class:`ContentError`."""
        ...

    async def get(self, address: Address) -> tuple[Version, bytes]:
        """The version that an address means, in clear. Raises :class:`ContentError`."""
        ...

    async def stored(self, address: Address) -> tuple[Version, bytes]:
        """As :meth:`get`, the bytes as they are stored: an age file when it is sealed."""
        ...

    def versions(self, address: Address) -> list[Version]:
        """All versions of a place, the first one first; none when nothing is known of it."""
        ...
