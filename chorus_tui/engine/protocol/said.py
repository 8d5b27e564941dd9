"""What somebody said in a feed: a message, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from chorus_tui.engine.protocol.envelope import Entry

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Said(Generic[M]):
    """A feed entry and its message."""

    author: str
    epoch: str
    seq: int
    hash: str
    at_ms: int
    message: M

    @classmethod
    def of(cls, entry: Entry, message: M) -> Said[M]:
        """Of one feed entry."""
        h = entry.header
        return cls(h.author, h.epoch, h.seq, entry.hash, int(h.hlc.partition(":")[0]), message)

    @property
    def key(self) -> tuple[str, str, int]:
        """What one author must not say twice."""
        return (self.author, self.epoch, self.seq)
