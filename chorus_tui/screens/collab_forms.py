"""The forms of shared texts: to begin one, and to end it. What the engine does not take is shown at its field; nothing is lost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Select, Static

from chorus_tui.contract.models.collab import CollabRow, CollabView, EndCollab, NewCollab
from chorus_tui.widgets.faults import faults
from chorus_tui.widgets.form import Form
from chorus_tui.widgets.plain import plain

OUTCOMES = [
    ("content under an address", "ucxl"),
    ("a patch to what is at the address", "patch"),
    ("nothing: it was only talked about", "nothing"),
]


class NewForm(Form):
    """Answers with the id of the session, or an empty text."""

    CSS_PATH = "collab_forms.tcss"
    FIRST = "#collab-title"
    PLACES = {"title": "collab-title", "purpose": "purpose", "base": "base", "invited": "invited", "roles": "roles"}  # noqa: RUF012 - as the base says

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label("Begin a shared text", id="title")
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("Title")
                yield Input(placeholder="what it is about", id="collab-title")
                yield Label("What it is for")
                yield Input(id="purpose")
                yield Label("Begins with the content of an address")
                yield Input(placeholder="empty: with nothing", id="base")
                yield Label("Who writes: names or peer ids, commas between")
                yield Input(placeholder="nobody and no role named: everybody", id="invited")
                yield Label("Roles that write, commas between")
                yield Input(id="roles")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Begin  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def action_send(self) -> None:
        """Check, ask the engine, and close only when it took it."""
        from pydantic import ValidationError

        text = {name: self.query_one(f"#{place}", Input).value.strip() for name, place in self.PLACES.items()}
        lists = {
            name: [part.strip() for part in text[name].split(",") if part.strip()] for name in ("invited", "roles")
        }
        try:
            request = NewCollab.model_validate({**text, **lists})
        except ValidationError as error:
            self.show_faults(faults(error))
            return
        self.show_faults({})
        self.say("Beginning …")
        self._begin(request)

    @work(exclusive=True, exit_on_error=False)
    async def _begin(self, request: NewCollab) -> None:
        answer = await self.ask("collab.new", request)
        if isinstance(answer, CollabView):
            self.dismiss(answer.row.session)


class EndForm(Form):
    """Answers with the id of the session that has ended, or an empty text."""

    CSS_PATH = "collab_forms.tcss"
    FIRST = "#outcome"
    PLACES = {"outcome": "outcome", "address": "address", "base": "address", "title": "end-title"}  # noqa: RUF012 - as the base says

    def __init__(self, row: CollabRow, base: str) -> None:
        super().__init__()
        self._row = row
        self._base = base

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label(f"End “{plain(self._row.title)}”: there is no going back", id="title", markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("Its text becomes")
                yield Select(OUTCOMES, value="ucxl", allow_blank=False, id="outcome")
                yield Label("Address")
                yield Input(self._base, placeholder="ucxl://agent:role@project:task/*^/path", id="address")
                yield Label("Title of the patch, or of the version")
                yield Input(placeholder=plain(self._row.title), id="end-title")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("End it  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def action_send(self) -> None:
        """Ask the engine, and close only when it has ended."""
        from pydantic import ValidationError

        try:
            request = EndCollab.model_validate(
                {
                    "session": self._row.session, "outcome": self.query_one(Select).value,
                    "address": self.query_one("#address", Input).value.strip(),
                    "title": self.query_one("#end-title", Input).value.strip(),
                }
            )  # fmt: skip
        except ValidationError as error:
            self.show_faults(faults(error))
            return
        self.show_faults({})
        self.say("Ending …")
        self._end(request)

    @work(exclusive=True, exit_on_error=False)
    async def _end(self, request: EndCollab) -> None:
        answer = await self.ask("collab.end", request)
        if isinstance(answer, CollabView):
            self.dismiss(answer.row.session)
