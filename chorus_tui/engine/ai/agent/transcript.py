"""What happened in a loop, step by step, as JSON lines: kept with the result, so that anybody can see how it came about.

Written line by line, so that what is there of a loop that was cut off can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 16 << 20
"""Then only the end is still written."""


class Transcript:
    """Appends to ``path``. ``redact`` sees every text before it reaches the disk; ``now`` is wall time in seconds."""

    def __init__(self, path: Path, redact: Callable[[str], str], now: Callable[[], float]) -> None:
        self.path = path
        self._redact = redact
        self._now = now
        self._file = path.open("w", encoding="utf-8")
        self._size = 0

    def redacted(self, text: str) -> str:
        """A text as it would be kept: whatever is cut is to be redacted whole before."""
        return self._redact(text)

    def add(self, kind: str, step: int, text: str, **facts: Any) -> None:
        """One line. ``facts`` are numbers and names of ours."""
        if self._size > MOST_BYTES and kind != "end":
            return
        line = {"at": round(self._now(), 3), "step": step, "kind": kind, "text": self._redact(text), **facts}
        raw = json.dumps(line, ensure_ascii=False) + "\n"
        self._size += len(raw)
        self._file.write(raw)

    def close(self) -> None:
        """Nothing is added any more. Idempotent."""
        self._file.close()
