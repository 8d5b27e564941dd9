"""The form that asks from when and until when entries of the journal are shown. What the engine does not take is shown at its field."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from chorus_tui.contract.models.journal import JournalPage, TailJournal
from chorus_tui.widgets.faults import faults
from chorus_tui.widgets.form import Form


class TimesForm(Form):
    """Answers with a word once the engine has taken ``asked``, or with an empty text. ``asked`` has the other filters, too."""

    CSS_PATH = "journal_times.tcss"
    FIRST = "#since"
    PLACES = {"since": "since", "until": "until"}  # noqa: RUF012 - as the base says

    def __init__(self, asked: TailJournal) -> None:
        super().__init__()
        self.asked = asked

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label(
                "Only entries of which time? Back from now (90s, 10m, 2h, 3d), or 2030-01-31T12:00:00Z", id="title"
            )
            for name, words in (("since", "From then on"), ("until", "Only before")):
                yield Label(words)
                yield Input(getattr(self.asked, name) or "", placeholder="empty: open", id=name, max_length=64)
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Show  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Two short lines need no key of their own to send."""
        event.stop()
        await self.run_action("send")

    def action_send(self) -> None:
        """Ask the engine, which knows what the words mean now, and close only when it took them."""
        from pydantic import ValidationError

        typed = {name: self.query_one(f"#{name}", Input).value.strip() or None for name in self.PLACES}
        try:
            request = TailJournal.model_validate({**self.asked.model_dump(), **typed})
        except ValidationError as error:
            self.show_faults(faults(error))
            return
        self.show_faults({})
        self._look(request)

    @work(exclusive=True, exit_on_error=False)
    async def _look(self, request: TailJournal) -> None:
        if isinstance(await self.ask("journal.tail", request), JournalPage):
            self.asked = request
            self.dismiss("taken")
