"""The form that puts something to the vote. What the engine does not take is shown at its field; nothing typed is lost."""

from __future__ import annotations

from rich.markup import escape
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.contract.models.decisions import Proposed, ProposeDecision
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.announce_fields import faults
from chorus_tui.widgets.plain import plain

THRESHOLDS = [("more than half", "majority"), ("two thirds", "two_thirds"), ("all", "unanimous")]
PLACES = {
    "title": "decision-title", "description": "description", "options": "options", "threshold": "threshold", "quorum": "quorum",
    "deadline": "deadline", "to_roles": "to-roles", "eligible": "eligible",
}  # fmt: skip
"""The widget that a field of the proposal is typed into."""
NAMES = {"to_roles": "sealed to roles", "eligible": "who votes", "threshold": "passes with"}


class ProposeForm(ModalScreen[str]):
    """Answers with the id of the decision, or an empty text."""

    CSS_PATH = "propose_form.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape", "leave", "Back", id="propose.back", tooltip="Close the form"),
        Binding("ctrl+s", "send", "Propose", id="propose.send", tooltip="Put it to the vote", priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label("Put something to the vote", id="title")
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("Title")
                yield Input(placeholder="what is decided", id="decision-title")
                yield Label("What it is about, and why")
                yield TextArea(id="description")
                yield Label("Options, commas between; to abstain is always one")
                yield Input(placeholder="approve, reject", id="options")
                with Horizontal(classes="pair"):
                    yield from _under("Closes", Input("1d", placeholder="10m, 2h, 3d, RFC 3339", id="deadline"))
                    yield from _under(
                        "Passes with", Select(THRESHOLDS, value="majority", allow_blank=False, id="threshold")
                    )
                    yield from _under("Have to vote", Input("1/2", id="quorum"))
                yield Label("Who votes: names, peer ids, role:NAME, commas between")
                yield Input(placeholder="everybody who may", id="eligible")
                yield Label("Sealed: only these roles can read it, commas between")
                yield Input(placeholder="not sealed", id="to-roles")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Propose  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def on_mount(self) -> None:
        """Begin with the title."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one(TextArea).cursor_blink = False
        self.query_one("#decision-title").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Either button."""
        if event.button.id == "send":
            self.action_send()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Without proposing."""
        self.dismiss("")

    def action_send(self) -> None:
        """Check, ask the engine, and close only when it took the proposal."""
        from pydantic import ValidationError

        text = {str(field.id): field.value.strip() for field in self.query(Input)}
        lists = {
            name: _listed(text[place]) for name, place in PLACES.items() if name in ("options", "to_roles", "eligible")
        }
        try:
            request = ProposeDecision.model_validate(
                {
                    "title": text["decision-title"], "description": self.query_one(TextArea).text.strip(),
                    "threshold": self.query_one(Select).value, "quorum": text["quorum"], "deadline": text["deadline"], **lists,
                }
            )  # fmt: skip
        except ValidationError as error:
            self._show_faults(faults(error))
            return
        self._show_faults({})
        self._say("Proposing …")
        self._propose(request)

    @work(exclusive=True, exit_on_error=False)
    async def _propose(self, request: ProposeDecision) -> None:
        from chorus_tui.client import EngineGone

        try:
            answer = await self.app.client.call("decisions.propose", request)  # type: ignore[attr-defined]
        except Problem as problem:
            self._show_faults(problem.fields)
            told = [f"{NAMES.get(name, name)}: {words}" for name, words in problem.fields.items()]
            self._say("\n".join([problem.title, problem.detail, *told]))
        except EngineGone as error:
            self._say(f"{error} Nothing is lost: try again when it is back.")
        else:
            assert isinstance(answer, Proposed)
            self.dismiss(answer.decision_id)

    def _show_faults(self, found: dict[str, str]) -> None:
        """Each at its field, all of them below; the first gets the keys, which brings it into view."""
        places = {PLACES.get(name.partition(".")[0], ""): words for name, words in found.items()}
        wrong = []
        for widget in self.query("Input, TextArea"):
            words = places.get(widget.id or "", "")
            widget.set_class(bool(words), "-wrong")
            widget.border_subtitle = escape(plain(words)) if words else ""
            wrong += [widget] if words else []
        if wrong:
            wrong[0].focus()
        self._say("\n".join(f"{NAMES.get(name, name)}: {words}" for name, words in found.items()))

    def _say(self, text: str) -> None:
        lines = [plain(line) for line in text.splitlines() if line.strip()]
        self.query_one("#problem", Static).update("\n".join(lines))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _under(name: str, field: Widget) -> ComposeResult:
    """A field below its label, beside others."""
    with Vertical():
        yield Label(name)
        yield field
