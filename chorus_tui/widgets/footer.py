"""The keys below a screen: as many as fit, and always the one that shows them all and the one that leaves.

It is one widget that paints one line. Textual's own footer is a widget for each key, made anew with every change of the keys: measured
here, seven of ten widgets that a portal ever made were such keys, and a third of its time went there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.screen import Screen

WIDE: Final = 100
"""Columns from which panes stand side by side, and the key of the palette is told."""
LAST: Final = ("keys", "quit")
"""Actions whose keys are never left out: the first tells of all others."""
FIRST_TO_GO: Final = "show('help')"
READ_ONLY: Final = " read only "
RULE: Final = "▏"
"""What stands between the keys and the one of the palette."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is told: ``sign`` is its name for people, ``words`` what it does."""

    name: str
    sign: str
    words: str
    action: str
    enabled: bool
    docked: bool = False
    """At the right end, behind a line."""

    @property
    def width(self) -> int:
        """Columns: a blank, or the line, before the key, and a blank behind it and behind its words."""
        return cell_len(self.sign) + cell_len(self.words) + 3


class PortalFooter(Widget):
    """Where it is narrow the last of the screen's own keys are left out; a portal that only looks says so here."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {  # noqa: RUF012 - Textual's way
        "footer--key",
        "footer--words",
        "footer--rule",
        "footer--disabled",
        "footer--under-mouse",
        "footer--read-only",
    }
    DEFAULT_CSS = """
    PortalFooter {
        dock: bottom; height: 1; color: $footer-foreground; background: $footer-background;
        & > .footer--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        & > .footer--words { color: $footer-description-foreground; background: $footer-description-background; }
        & > .footer--rule { color: $foreground 20%; }
        & > .footer--disabled { text-style: dim; }
        & > .footer--under-mouse { color: $footer-key-foreground; background: $block-hover-background; }
        & > .footer--read-only { text-style: reverse; }
    }
    """

    keys: reactive[tuple[Key, ...]] = reactive(())
    """Those that are told, from left to right."""
    _under_mouse: reactive[Key | None] = reactive(None)

    def on_mount(self) -> None:
        """Follow the screen: which keys there are depends on what has the focus, and on what is shown."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self.call_after_refresh(self._choose)

    def on_resize(self) -> None:
        """More keys, or fewer."""
        self._choose()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click on a key presses it."""
        key = self._at(event.x)
        if key is None:
            return
        if key.enabled:
            self.app.simulate_key(key.name)
        else:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which key a click would press."""
        self._under_mouse = self._at(event.x)

    def on_leave(self) -> None:
        """None."""
        self._under_mouse = None

    def render(self) -> Text:
        """The line."""
        line = Text(end="", no_wrap=True)
        if self._read_only:
            line.append(READ_ONLY, self._look("read-only", over=True))
        for key in self.keys:
            if key.docked:
                line.append(" " * max(0, self.size.width - key.width - line.cell_len))
            begin = len(line)
            line.append(*((RULE, self._look("rule")) if key.docked else (" ", self._look("key"))))
            line.append(f"{key.sign} ", self._look("key"))
            line.append(f"{key.words} ", self._look("words"))
            if not key.enabled:
                line.stylize(self._look("disabled", over=True), begin)
            if key == self._under_mouse:
                line.stylize(self._look("under-mouse", over=True), begin)
        line.stylize_before(self.rich_style)
        return line

    def _look(self, part: str, *, over: bool = False) -> Style:
        """How a part is painted; ``over`` others only what it says itself."""
        return self.get_component_rich_style(f"footer--{part}", partial=over)

    @property
    def _read_only(self) -> bool:
        return bool(self.app.read_only)  # type: ignore[attr-defined]

    def _follow(self, screen: Screen[object]) -> None:
        # Without the focus of the terminal nothing has the focus here, so that keys would come and go with it.
        if screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self._choose)

    def _choose(self) -> None:
        if not self.is_attached:
            return
        keys = self._all()
        room = self.app.size.width - (len(READ_ONLY) if self._read_only else 0)
        always = {n for n, key in enumerate(keys) if key.docked or key.action in LAST}
        spare = [n for n, key in enumerate(keys) if key.action == FIRST_TO_GO]
        shown = fitting([key.width for key in keys], room, always, spare)
        self.keys = tuple(keys[n] for n in shown)

    def _all(self) -> list[Key]:
        """Of several keys with one action the first is told."""
        active = self.screen.active_bindings
        keys: dict[str, Key] = {}
        for name, (_, binding, enabled, _) in active.items():
            docked = name == self.app.COMMAND_PALETTE_BINDING
            if (binding.show and binding.action not in keys) or (docked and self.app.size.width >= WIDE):
                sign = self.app.get_key_display(binding)
                keys[binding.action] = Key(binding.key, sign, binding.description, binding.action, enabled, docked)
        return sorted(keys.values(), key=lambda key: key.docked)

    def _at(self, column: int) -> Key | None:
        """The key that stands there."""
        begin = len(READ_ONLY) if self._read_only else 0
        for key in self.keys:
            begin = max(begin, self.size.width - key.width) if key.docked else begin
            if begin <= column < begin + key.width:
                return key
            begin += key.width
        return None


def fitting(widths: Sequence[int], room: int, always: set[int], spare: Sequence[int]) -> list[int]:
    """Which of the keys fit into ``room`` columns, in their order: ``spare`` ones go first, then the last; those of ``always`` stay."""
    shown = set(range(len(widths)))
    for n in [*spare, *reversed(range(len(widths)))]:
        if sum(widths[one] for one in shown) <= room:
            break
        if n not in always:
            shown.discard(n)
    return sorted(shown)
