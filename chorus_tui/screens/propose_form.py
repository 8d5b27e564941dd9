"""The form that puts something to the vote. What the engine does not take is shown at its field; nothing typed is lost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.contract.models.decisions import Proposed, ProposeDecision
from chorus_tui.widgets.faults import faults
from chorus_tui.widgets.form import Form, under

THRESHOLDS = [("more than half", "majority"), ("two thirds", "two_thirds"), ("all", "unanimous")]
PLACES = {
    "title": "decision-title", "description": "description", "options": "options", "threshold": "threshold", "quorum": "quorum",
    "deadline": "deadline", "to_roles": "to-roles", "eligible": "eligible",
}  # fmt: skip
"""The widget that a field of the proposal is typed into."""
NAMES = {"to_roles": "sealed to roles", "eligible": "who votes", "threshold": "passes with"}


class ProposeForm(Form):
    """Answers with the id of the decision, or an empty text."""

    CSS_PATH = "propose_form.tcss"
    FIRST = "#decision-title"
    PLACES = PLACES
    NAMES = NAMES

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
                    yield from under("Closes", Input("1d", placeholder="10m, 2h, 3d, RFC 3339", id="deadline"))
                    yield from under(
                        "Passes with", Select(THRESHOLDS, value="majority", allow_blank=False, id="threshold")
                    )
                    yield from under("Have to vote", Input("1/2", id="quorum"))
                yield Label("Who votes: names, peer ids, role:NAME, commas between")
                yield Input(placeholder="everybody who may; agents vote only when told to", id="eligible")
                yield Label("Sealed: only these roles can read it, commas between")
                yield Input(placeholder="not sealed", id="to-roles")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Propose  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

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
            self.show_faults(faults(error))
            return
        self.show_faults({})
        self.say("Proposing …")
        self._propose(request)

    @work(exclusive=True, exit_on_error=False)
    async def _propose(self, request: ProposeDecision) -> None:
        answer = await self.ask("decisions.propose", request)
        if isinstance(answer, Proposed):
            self.dismiss(answer.decision_id)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
