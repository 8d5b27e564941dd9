"""The first thing painted: finding or starting the engine, step by step, and the true reason when it does not come."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Center, Middle
from textual.screen import Screen
from textual.widgets import Static

from chorus_tui.widgets.footer import PortalFooter
from chorus_tui.widgets.plain import plain_lines


class ConnectingScreen(Screen[None]):
    """Steps as they happen."""

    DEFAULT_CSS = """
    ConnectingScreen #box { width: 84; max-width: 94%; height: auto; border: round $panel; padding: 1 2; }
    """
    BINDINGS = [Binding("r", "retry", "Try again", id="connecting.retry", tooltip="Try to reach the engine again")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[str] = []
        self._failed = ""
        self.complete = False
        """Whether it has come to an end of its own: nothing follows until a key is pressed."""

    def compose(self) -> ComposeResult:
        with Middle(), Center():
            yield Static("chorus-tui\n\nLooking for the engine …", id="box", markup=False)
        yield PortalFooter()

    def step(self, text: str) -> None:
        """One more step."""
        self._steps.append(text)
        self._draw()

    def fail(self, reason: str) -> None:
        """Say why, and how to go on."""
        self._failed = reason
        self.complete = True
        self._draw()

    def _draw(self) -> None:
        lines = ["chorus-tui", "", *(f"• {step}" for step in self._steps)]
        if self._failed:
            lines += [
                "",
                *[f"✗ {line}" if n == 0 else f"  {line}" for n, line in enumerate(plain_lines(self._failed))],
                "",
                "r  try again      q  leave",
            ]
        self.query_one("#box", Static).update("\n".join(lines))

    def action_retry(self) -> None:
        """From the start."""
        if self._failed:
            self._steps, self._failed, self.complete = [], "", False
            self._draw()
            self.app.start_connecting()  # type: ignore[attr-defined]
