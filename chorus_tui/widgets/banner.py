"""What stands over every screen and every box while the engine is out of reach: that it is, and how it comes back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from chorus_tui.widgets.plain import plain

if TYPE_CHECKING:
    from chorus_tui.client import Connection
    from chorus_tui.contract.models.status import Hello


class Banner(Static):
    """Hidden while there is nothing to say. In a box it has lines of its own, above the frame."""

    DEFAULT_CSS = """
    Banner { height: auto; max-height: 4; background: $warning; color: auto 90%; padding: 0 1; display: none; }
    Banner.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="banner", markup=False)
        self._told = ""

    def tell(self, connection: Connection, way: str) -> None:
        """How the portal stands to its engine; ``way`` is how a lost one comes back."""
        words = {
            "lost": f"⚠ The engine is out of reach; what you see is as it was. {plain(way)}",
            "refused": "✗ The engine does not take this portal.",
        }.get(connection.state, "")
        told = f"{words} {plain(connection.detail)}".strip() if words else ""
        if told != self._told:
            self._told = told
            self.set_class(bool(told), "-shown")
            self.update(told)


def tell(screen: Screen[Any], connection: Connection, way: str) -> None:
    """On a box, too: a form that is being filled in when the engine goes would know nothing of it until it is sent."""
    found = screen.query(Banner)
    if found:
        found.first().tell(connection, way)
    elif isinstance(screen, ModalScreen) and screen.is_mounted and connection.state in ("lost", "refused"):
        banner = Banner()
        banner.styles.dock = "top"
        screen.mount(banner)
        banner.tell(connection, way)


def way_back(hello: Hello | None, again: str) -> str:
    """What to do about a lost engine. ``again``: what the portal does about it itself, if it does."""
    if again or hello is None:
        return again or "Reconnecting …"
    words = [
        "chorus-tui",
        *(["--headless"] if hello.kind == "agent" else []),
        "--data-dir",
        shlex.quote(hello.data_dir),
    ]
    return f"Where it ran, {' '.join(words)} starts it; this portal connects by itself."
