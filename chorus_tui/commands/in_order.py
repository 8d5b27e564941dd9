"""Keys act in the order in which they were typed, however many of them come at once.

In Textual a field takes a letter as soon as it gets it; what another key is bound to is done only when nobody took that key on its way
from the field up to the app. Of a backspace and a letter that were read together the letter would be written first, and the backspace
would take it away again; what was typed behind a tab would be written into the field before it. A slow line or a busy machine is enough
for that, so a key waits here until what the one before it is bound to has been done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

Typed = events.Key | events.Paste


class InOrder(App[int]):
    """The app's part that brings keys and pastes to their widgets, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Typed] = deque()
        self._turn: Typed | None = None
        """Whose turn it is."""
        self._carried: events.Key | None = None
        """The key on its way up."""
        self._carrier: MessagePump = self
        """Who has it now."""

    async def on_event(self, event: events.Event) -> None:
        """One that was typed behind a key that is still on its way waits for its turn."""
        if not isinstance(event, Typed) or event.is_forwarded:
            await super().on_event(event)
        elif event is not self._turn and (self._waiting or self._under_way):
            self._waiting.append(event)
        else:
            target = self.focused or self.screen
            await super().on_event(event)
            # A letter is its field's at once, so that whatever comes next comes behind it. What nobody was sent has been done.
            if (
                isinstance(event, events.Key)
                and event.is_forwarded
                and not target.check_consume_key(event.key, event.character)
            ):
                self._carried = event
                self._follow(event, target)

    def bring_first(self, keys: Iterable[events.Key]) -> None:
        """Keys that a box has held for its field, before all that were typed since."""
        self._waiting.extendleft(reversed(list(keys)))
        self.call_later(self._go_on)

    @property
    def _under_way(self) -> bool:
        # Who has failed while it had the key passes nothing on.
        task = self._carrier._task  # noqa: SLF001 - nothing else tells that from one that has not begun
        return self._carried is not None and (task is None or not task.done())

    def _follow(self, key: events.Key, carrier: MessagePump) -> None:
        """Behind the key, the same way: a widget has its messages in order, and hands the key on before it comes to this one."""
        if self._carried is not key:
            return
        self._carrier = carrier
        if carrier is self:
            self.call_later(self._arrived, key)
            return
        above = carrier._parent or self  # noqa: SLF001 - the way a message bubbles
        if not carrier.call_later(self._follow, key, above):
            self._follow(key, above)

    async def _arrived(self, key: events.Key) -> None:
        """Somebody has taken it, or what it is bound to has been done."""
        if self._carried is key:
            self._carried = None
            await self._go_on()

    async def _go_on(self) -> None:
        while self._waiting and not self._under_way:
            # As if it came now: another widget may have the focus by now, and a field may have become full.
            self._turn = self._waiting.popleft()
            await self.on_event(self._turn)
        self._turn = None
