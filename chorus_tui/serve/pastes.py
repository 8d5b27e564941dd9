"""What a guest's terminal sends: pastes held until they have ended and let fall as soon as they are more than a field would take, and no
word of the window's size.

Textual's parser collects a marked paste for as long as its end does not come, character by character. Here it gets the marks alone: what
stands between them waits beside it, :data:`PASTE` characters at most a session, and what is refused is swallowed until its end.

It also believes a size that stands among the keys. A guest's size comes by the channel, which bounds it; of a screen as large as somebody
cares to type the painting would take all the time and memory there is, everybody's over SSH.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any, Final

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

PASTE: Final = 64 << 10
"""Characters of one paste."""
_START: Final = "\x1b[200~"
_END: Final = "\x1b[201~"
_PART: Final = len(_START) - 1
"""Of a mark that has begun and may go on with the next piece."""


class PasteRefused(Message):
    """A paste is more than is taken; nothing of it goes anywhere."""


class GuestParser(XTermParser):
    """Reads what a guest's terminal sends, piece by piece; a piece may be empty."""

    mouse_pixels: Any = property(lambda _self: False, lambda _self, _said: None)
    """Stays so: a terminal that tells its size among the keys also has its mouse taken for one that counts in pixels."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._tail = ""
        """The last that came, as far as a mark may begin there."""
        self._held: list[str] | None = None
        """Of the paste that has begun; None when there is none."""
        self._size = 0

    def feed(self, data: str) -> Iterable[Message]:
        """What ``data`` means. To the stock method an empty text is the end of everything, so it never gets one."""
        while data:
            data = yield from self._outside(data) if self._held is None else self._inside(data)

    def _read(self, data: str) -> Iterable[Message]:
        """What the stock parser makes of it, but no size."""
        for message in super().feed(data):
            if not isinstance(message, events.Resize):
                yield message

    def tick(self) -> Iterable[Message]:
        """A sequence that was not gone on with was keys, and begins no mark."""
        for message in super().tick():
            if self._held is None:
                self._tail = ""
            yield message

    def _outside(self, data: str) -> Generator[Message, None, str]:
        seen = self._tail + data
        at = seen.find(_START)
        if at < 0:
            self._tail = seen[-_PART:]
            yield from self._read(data)
            return ""
        end = at + len(_START) - len(self._tail)
        self._tail, self._held, self._size = "", [], 0
        yield from self._read(data[:end])
        return data[end:]

    def _inside(self, data: str) -> Generator[Message, None, str]:
        seen = self._tail + data
        text, mark, rest = seen.partition(_END)
        if not mark:
            text, self._tail = seen[:-_PART], seen[-_PART:]
        refused, self._size = self._size > PASTE, self._size + len(text)
        held = self._held or []
        if self._size <= PASTE:
            held.append(text)
        elif not refused:
            held.clear()
            yield PasteRefused()
        self._held = held
        if mark:
            whole = "".join(held)
            self._tail, self._held = "", None
            # It collected nothing, so what it has to say is an empty paste, which would replace what is chosen in a field.
            yield from (message for message in super().feed(_END) if not isinstance(message, events.Paste))
            if whole:
                yield events.Paste(whole.replace("\x00", ""))
        return rest
