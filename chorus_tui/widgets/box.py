"""A box over a screen: what was typed before it could take keys is held for it or swallowed, and never acts.

Textual gives a key to what has the focus when it comes, and looks for its binding on whatever screen is on top when it comes back from
there. So of two keys typed at once, the first of which opens a box, the second passes through the screen below and would then be a
key of the box: a yes to a question that nobody has seen. The app brings such a key here (:meth:`Box.early`) instead.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar

from textual import events
from textual.screen import ModalScreen
from textual.widget import Widget

Answer = TypeVar("Answer")

TYPE_AHEAD_S = 0.15
"""So long a question must have been on the screen before a key can be an answer to it."""


class Box(ModalScreen[Answer]):
    """One that is typed into holds early keys for the field that :meth:`begin` names; any other swallows them until it can be read."""

    holds = False
    bring: Callable[[Any], None] | None = None
    """Takes to the engine what was made of the answer; it says in :meth:`settle` what came of it."""
    _painted_at = math.inf
    _on_its_way = _taken = False
    _handed: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._opened_at = time.monotonic()
        self._held: list[events.Key] = []
        self._begun = False

    def on_mount(self) -> None:
        """It is on the screen once everything has been drawn."""
        self.call_after_refresh(self._note_paint)

    def _note_paint(self) -> None:
        self._painted_at = time.monotonic()

    def begin(self, field: Widget) -> None:
        """The keys go to this field from now on: those that were held first, in the order in which they were typed."""
        # A box begins at its top, where this field is; nothing has its place yet, so that scrolling to it would go past it.
        self.set_focus(field, scroll_visible=False)
        self._begun = True
        held, self._held = sorted(self._held, key=lambda key: key.time), []
        self._give(held)

    def meant(self, event: events.Key) -> bool:
        """Whether a key was typed when this box was there already."""
        return event.time >= self._opened_at

    def typed_ahead(self, event: events.Key) -> bool:
        """Whether a key came before the box could be read. What counts is when it was typed, not when this program came to read it."""
        return event.time < self._painted_at + TYPE_AHEAD_S

    def early(self, event: events.Key) -> None:
        """A key that came too early to be taken as it is."""
        if self._begun:
            self._give([event])
        elif self.holds:
            self._held.append(event)

    def on_key(self, event: events.Key) -> None:
        """What comes to the box itself before its field has the keys, or before it could be read."""
        if self.holds and not self._begun:
            self._held.append(event)
        elif self.holds or not self.typed_ahead(event):
            return
        event.stop()
        event.prevent_default()

    # ── the answer ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def hand_over(self, made: Any, answer: Answer) -> None:
        """What was made of the answer goes to the engine, if that was asked for; the box closes with the answer when it is taken."""
        if self.bring is None or made is None:
            self.dismiss(answer)
        elif not self._on_its_way:
            self._on_its_way, self._handed = True, answer
            self.complain("")
            self.bring(made)

    def settle(self, fault: str) -> bool:
        """What came of it: an empty text closes, any other is told and all that was typed stays. False: the person has left the box."""
        self._on_its_way = False
        if not self.is_attached:
            return False
        if fault:
            self.complain(fault)
        else:
            self._taken = True
            self._close()
        return True

    def complain(self, fault: str) -> None:
        """Tell why it was not taken, beside what was typed; an empty text takes that back."""

    def on_screen_resume(self) -> None:
        """Something over it has gone, and its answer may have been taken meanwhile."""
        self._close()

    def _close(self) -> None:
        if self._taken and self.is_active:
            self.dismiss(self._handed)

    # ── keys that came too early ───────────────────────────────────────────────────────────────────────────────────

    def _give(self, keys: list[events.Key]) -> None:
        """As if they were typed now: they may have bindings here, too."""
        again = [events.Key(key.key, key.character) for key in keys]
        if self.is_active:
            self.app.bring_first(again)  # type: ignore[attr-defined]
            return
        for key in again:
            key._set_forwarded()  # noqa: SLF001 - else the app takes it to what is on top
            (self.focused or self).post_message(key)
