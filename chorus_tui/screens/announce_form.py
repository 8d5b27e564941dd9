"""The form that announces a task. What the engine does not take is shown at its field; nothing typed is lost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.client.local_files import OutOfReach, local
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, TaskRef
from chorus_tui.screens.announce_fields import (
    APPROVALS,
    ASKED,
    DELIVERIES,
    KINDS,
    LANGUAGES,
    PLACES,
    PLANS,
    PRIORITIES,
    field_of,
    label,
)
from chorus_tui.widgets.faults import faults
from chorus_tui.widgets.form import Form, under


class AnnounceForm(Form):
    """Answers with the task id, or an empty text."""

    CSS_PATH = "announce_form.tcss"
    FIRST = "#task-title"

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label("Announce a task", id="title")
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("What is asked for")
                yield Select(KINDS, value="commands", allow_blank=False, id="kind")
                yield Label("Title")
                yield Input(placeholder="what should come of it", id="task-title")
                yield from self._work()
                yield from self._sources()
                yield from self._conditions()
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Announce  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def _work(self) -> ComposeResult:
        """What is asked for, and what is to show that it is done."""
        yield Label(ASKED["commands"], id="asked-label")
        yield TextArea(id="asked")
        yield Label("Checks that show that it is done, one a line; run in a fresh sandbox")
        yield TextArea(id="checks")
        with Horizontal(classes="pair"):
            yield from under("Language", Select(LANGUAGES, value="", allow_blank=False, id="language"))
            yield from under("Agent's steps", Input("24", id="steps", disabled=True))
            yield from under("Agent's tokens", Input("200000", id="tokens", disabled=True))
            yield from under("Plan first", Select(PLANS, value="no", allow_blank=False, id="plan-first", disabled=True))

    def _sources(self) -> ComposeResult:
        """What it works on, and how what it made comes back."""
        yield Label("Repository: https URL, or a folder here (what is committed)")
        yield Input(placeholder="none", id="repository")
        with Horizontal(classes="pair"):
            yield from under("A change comes as", Select(DELIVERIES, value="patch", allow_blank=False, id="deliver"))
            yield from under("Priority", Select(PRIORITIES, value="medium", allow_blank=False, id="priority"))
            yield from under("Time limit, seconds", Input("600", id="timeout"))
        yield Label("Files to keep, globs below /workspace/output, spaces between")
        yield Input(placeholder="all of them", id="outputs")

    def _conditions(self) -> ComposeResult:
        """Who may take it, and when."""
        with Horizontal(classes="pair"):
            yield from under("Approval by people", Select(APPROVALS, value="auto", allow_blank=False, id="approval"))
            yield from under("Only for the role", Input(placeholder="any", id="role"))
            yield from under("Only after tasks", Input(placeholder="their ids", id="after"))

    def place_of(self, name: str) -> str:
        return PLACES.get(field_of(name), "")

    def label_of(self, name: str) -> str:
        return label(name)

    def on_select_changed(self, event: Select.Changed) -> None:
        """A goal has a budget of steps and tokens; commands have none."""
        if event.select.id == "kind":
            self.query_one("#asked-label", Label).update(ASKED[str(event.value)])
            for name in ("#steps", "#tokens", "#plan-first"):
                self.query_one(name).disabled = event.value != "goal"

    def action_send(self) -> None:
        """Check, ask the engine, and close only when it took the task."""
        from pydantic import ValidationError

        try:
            spec = self._spec()
        except ValidationError as error:
            self.show_faults(faults(error))
            return
        except OutOfReach as error:
            self.show_faults({"repository": str(error)})
            return
        self.show_faults({})
        self.say("Announcing …")
        self._announce(spec)

    def _spec(self) -> TaskSpec:
        text = {field.id: field.value.strip() for field in self.query(Input)}
        chosen = {str(field.id): field.value for field in self.query(Select)}
        fields = {
            "title": text["task-title"], "checks": self._lines("#checks"), "language": chosen["language"],
            "priority": chosen["priority"], "approval": chosen["approval"], "deliver": chosen["deliver"],
            "timeout_s": text["timeout"] or 600, "role": text["role"], "depends_on": (text["after"] or "").split(),
            "repository": _absolute(text["repository"]), "outputs": (text["outputs"] or "").split(),
        }  # fmt: skip
        if chosen["kind"] == "goal":
            fields["plan_first"] = chosen["plan-first"] == "yes"
            fields["goal"] = self.query_one("#asked", TextArea).text.strip()
            fields["budget"] = {name: text[name] for name in ("steps", "tokens") if text[name]}
        else:
            fields["commands"] = self._lines("#asked")
        return TaskSpec.model_validate(fields)

    def _lines(self, area: str) -> list[str]:
        return [line for line in self.query_one(area, TextArea).text.splitlines() if line.strip()]

    @work(exclusive=True, exit_on_error=False)
    async def _announce(self, spec: TaskSpec) -> None:
        answer = await self.ask("tasks.announce", AnnounceTask(spec=spec))
        if isinstance(answer, TaskRef):
            self.dismiss(answer.task_id)


def _absolute(repository: str) -> str:
    """A folder as the engine, which works in another, can find it."""
    if not repository or repository.startswith(("https://", "sha256:")):
        return repository
    return str(local(repository).absolute())
