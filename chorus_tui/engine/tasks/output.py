"""Output of tasks as it reaches this peer: bounded, with its holes known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from chorus_tui.contract.models.tasks import OutputChunk

KEPT_BYTES = 1 << 20


@dataclass(slots=True)
class OutputBuffer:
    """The newest output of one attempt. Offsets count bytes of the attempt's whole output, heard or not."""

    task_id: str
    attempt: int = 0
    complete: bool = False
    _pieces: deque[tuple[int, bytes]] = field(default_factory=deque)
    _size: int = 0

    def add(self, attempt: int, offset: int, text: str) -> bool:
        """Take in a piece; a newer attempt starts afresh, an older or repeated one is ignored. Whether it was new."""
        if attempt < self.attempt or self.complete:
            return False
        if attempt > self.attempt:
            self.attempt, self._size = attempt, 0
            self._pieces.clear()
        data = text.encode()
        if not data or offset < self.end:
            return False
        self._pieces.append((offset, data))
        self._size += len(data)
        while self._size > KEPT_BYTES and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft()[1])
        return True

    @property
    def end(self) -> int:
        """Offset after the last piece."""
        return self._pieces[-1][0] + len(self._pieces[-1][1]) if self._pieces else 0

    def whole(self, attempt: int, data: bytes, start: int) -> None:
        """Replace everything by the kept output of a finished attempt, which begins at ``start``."""
        self.attempt, self.complete = attempt, True
        self._pieces = deque([(start, data)])
        self._size = len(data)

    def close(self) -> None:
        """Nothing more comes: the task has ended, and no output of it was kept."""
        self.complete = True

    def read(self, offset: int) -> OutputChunk:
        """What is here from ``offset`` on, and how many bytes before or between never came."""
        text, position, gap = [], offset, 0
        for start, data in self._pieces:
            if start + len(data) <= offset:
                continue
            if start > position:
                gap += start - position
                position = start
            text.append(data[position - start :])
            position = start + len(data)
        return OutputChunk(
            task_id=self.task_id, attempt=self.attempt, offset=offset, text=b"".join(text).decode("utf-8", "replace"),
            gap=gap, complete=self.complete, next=position,
        )  # fmt: skip
