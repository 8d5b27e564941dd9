"""What comes into the portal's fields: all that can be seen, whether it is typed or pasted; what is left out of a paste is told.

A sign that nobody sees is in a text for a machine, or by somebody who wants it to be read otherwise than it is. The person who pastes it
cannot see that either way.
"""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.widgets import Input, TextArea

from chorus_tui.contract.counting import many
from chorus_tui.widgets.plain import taken, typed


class TakesIn(App[int]):
    """The app's part that looks at what is typed and pasted."""

    async def on_event(self, event: events.Event) -> None:
        """What nobody can see does not come into a field."""
        if isinstance(event, events.Paste) and not event.is_forwarded:
            event.text = self._pasted(event.text)
        elif isinstance(event, events.Key) and event.is_printable and not typed(event.character or "x"):
            return
        await super().on_event(event)

    @property
    def clipboard(self) -> str:
        """What ``ctrl+v`` brings, as a paste."""
        return self._pasted(super().clipboard)

    def _pasted(self, text: str) -> str:
        kept, left = taken(text)
        if left and isinstance(self.focused, Input | TextArea):
            was = "was" if left == 1 else "were"
            told = f"{many(left, 'sign')} that cannot be seen {was} left out of what was pasted"
            self.notify(told, severity="warning", markup=False)
        return kept
