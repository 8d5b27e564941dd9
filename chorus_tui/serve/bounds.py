"""How much a guest may put into the fields of a served portal: each key wraps a field's line anew, at the cost of everybody here.

What does not fit is refused whole, and said; nothing is cut, and what stands in a field stays.
"""

from __future__ import annotations

from typing import Final

from textual import events
from textual.widget import Widget
from textual.widgets import Input, TextArea

from chorus_tui.app import ChorusApp
from chorus_tui.serve.pastes import PASTE, PasteRefused

AREA: Final = 256 << 10
LINE: Final = 16 << 10
"""Of a text area. All of these are characters, as those of a paste."""
FIELD: Final = 4096
"""Of a field of one line."""


class GuestPortal(ChorusApp):
    """:class:`~chorus_tui.app.ChorusApp` for somebody at another machine."""

    guests = True

    async def on_event(self, event: events.Event) -> None:
        """What would be too much does not reach its field."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            why = too_much(self.focused, self._brought(event))
            if why:
                self.notify(why, severity="warning", markup=False)
                return
        await super().on_event(event)

    def on_paste_refused(self, _event: PasteRefused) -> None:
        """It was let fall while it came."""
        self.notify(
            f"Not pasted: more than {PASTE} characters are too much at once here", severity="warning", markup=False
        )

    def _brought(self, event: events.Key | events.Paste) -> str:
        """The text that a field would get."""
        if isinstance(event, events.Paste):
            return event.text
        if event.key in ("ctrl+v", "super+v"):
            return self.clipboard
        if event.key == "enter" and isinstance(self.focused, TextArea):
            return "\n"
        return event.character or "" if event.is_printable else ""


def too_much(field: Widget | None, text: str) -> str:
    """Why ``text`` may not be put into ``field``; empty when it may."""
    if len(text) > PASTE:
        return f"Not pasted: {len(text)} characters are too much at once here; {PASTE} are not"
    match field:
        case Input() if text and len(field.value) + len(text) > FIELD:
            return f"This field takes {FIELD} characters at most here"
        case TextArea() if text and len(field.text) + len(text) > AREA:
            return f"This text takes {AREA} characters at most here"
        case TextArea() if text:
            first, *rest = text.split("\n")
            at_cursor = len(field.document.get_line(field.cursor_location[0])) + len(first)
            if max(at_cursor, *map(len, rest), 0) > LINE:
                return f"A line takes {LINE} characters at most here"
    return ""
