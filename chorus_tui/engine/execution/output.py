"""A task's combined output, bounded: the beginning in a file, the end in memory, the middle counted and left out.

The log keeps the bytes as they came, control sequences and all; only secrets are taken out first. What people see goes through
:func:`readable`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_MIB = 1 << 20
_TAIL = _MIB
TAIL_SHOWN = 6 * 1024
FLOOD_FACTOR = 32
"""Output beyond this multiple of the kept size ends the task: nobody reads it and it costs every peer."""

# Control sequences as terminals read them: CSI, then strings (OSC, DCS, SOS, PM, APC), then two-byte escapes.
_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_LINE_ENDS = re.compile(r"\r+\n?")
# C0 but tab and newline, DEL, C1, and marks that turn the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def readable(data: bytes) -> str:
    """Text that is safe on any terminal: bytes that are no UTF-8 become U+FFFD, control sequences and marks go."""
    text = data.decode("utf-8", "replace")
    text = _LINE_ENDS.sub("\n", _SEQUENCES.sub("", text))
    return _CONTROLS.sub("", text)


def first_bytes(text: str, most: int) -> str:
    """The beginning of ``text`` that takes at most ``most`` bytes in UTF-8."""
    return text.encode()[:most].decode("utf-8", "ignore")


class Clean(Protocol):
    """Takes the secrets out of a stream that is split anywhere; holds back what may become one."""

    def feed(self, data: bytes) -> bytes: ...
    def flush(self) -> bytes: ...
    def held(self) -> bytes: ...


class Window:
    """What one command printed, for whoever decides what comes next: its beginning and its end, the middle left out.

    What it takes is clean already (:meth:`OutputLog.into`): of a secret that is cut nobody could tell any more that it is one.
    """

    HEAD = 3 * 1024
    TAIL = 5 * 1024

    def __init__(self) -> None:
        self.total = 0
        self._head = b""
        self._tail = b""

    @property
    def cut(self) -> bool:
        """Whether something is left out."""
        return self.total > self.HEAD + self.TAIL

    def add(self, data: bytes) -> None:
        """Take a piece as it comes."""
        self.total += len(data)
        take = self.HEAD - len(self._head)
        self._head += data[:take]
        self._tail = (self._tail + data[take:])[-self.TAIL :]

    def text(self) -> str:
        """Safe text; says how much is missing."""
        left_out = self.total - len(self._head) - len(self._tail)
        gap = f"\n[… {left_out} bytes left out …]\n".encode() if left_out else b""
        return readable(self._head + gap + self._tail)


class OutputLog:
    """Takes output as it comes. ``keep_mb`` is what is kept of it in all, MiB. Nothing is kept that ``clean`` takes out."""

    def __init__(self, path: Path, keep_mb: int, clean: Clean | None = None) -> None:
        self.path = path
        self._clean = clean
        self.total = 0
        self._head_limit = keep_mb * _MIB - _TAIL // 2 if keep_mb == 1 else keep_mb * _MIB - _TAIL
        self._tail_limit = keep_mb * _MIB - self._head_limit
        self._flood = FLOOD_FACTOR * keep_mb * _MIB
        self._head_size = 0
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._file = path.open("wb")
        self._last = b""
        self._window: Window | None = None

    @property
    def flooded(self) -> bool:
        """Whether so much came that the task is to be ended."""
        return self.total > self._flood

    @property
    def cut(self) -> int:
        """Bytes left out in the middle."""
        return self.total - self._head_size - self._tail_size

    def add(self, data: bytes) -> bytes:
        """Keep ``data``; what of it belongs to the live stream, which ends where the beginning is full."""
        return self._keep(self._clean.feed(data) if self._clean else data)

    @contextmanager
    def into(self, window: Window) -> Iterator[None]:
        """What is added meanwhile goes into ``window`` too, as it is kept: it is looked through once for both. At the end the window gets
        what is held back, as it would be if nothing followed; the log goes on holding it, since the next command may end a secret."""
        self._window = window
        try:
            yield
        finally:
            self._window = None
            if self._clean is not None:
                window.add(self._clean.held())

    def finish(self) -> bytes:
        """No more comes: keep what was held back; what of it belongs to the live stream. Idempotent."""
        rest = self._clean.flush() if self._clean else b""
        self._clean = None
        return self._keep(rest) if rest else b""

    def _keep(self, data: bytes) -> bytes:
        if self._window is not None:
            self._window.add(data)
        self.total += len(data)
        self._last = (self._last + data)[-2 * TAIL_SHOWN :]
        head = data[: self._head_limit - self._head_size]
        if head:
            self._file.write(head)
            self._head_size += len(head)
        rest = data[len(head) :]
        if rest:
            self._keep_tail(rest)
        return head

    def _keep_tail(self, data: bytes) -> None:
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size > self._tail_limit:
            over = self._tail_size - self._tail_limit
            first = self._tail.popleft()
            if len(first) > over:
                self._tail.appendleft(first[over:])
            self._tail_size -= min(len(first), over)

    def close(self) -> None:
        """Write the end behind the beginning, with a line that says what is missing between them. Idempotent."""
        if self._file.closed:
            return
        self.finish()
        if self.cut:
            self._file.write(f"\n[… {self.cut} bytes of output left out here …]\n".encode())
        for piece in self._tail:
            self._file.write(piece)
        self._file.close()

    def tail(self) -> str:
        """The last lines for people, at most 6 KiB of UTF-8."""
        encoded = readable(self._last).encode()
        if len(encoded) <= TAIL_SHOWN:
            return encoded.decode()
        kept = encoded[-TAIL_SHOWN:].decode("utf-8", "ignore")
        # Begin at a line's start where there is one soon.
        line = kept.find("\n")
        return kept[line + 1 :] if 0 <= line < len(kept) // 2 else kept
