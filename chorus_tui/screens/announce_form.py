"""The form that announces a task. What the engine does not take is shown at its field; nothing typed is lost."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.contract.models.tasks import AnnounceTask, TaskRef, TaskSpec
from chorus_tui.contract.problem import Problem
from chorus_tui.widgets.plain import plain

LANGUAGES = [
    ("shell", ""),
    ("Python", "python"),
    ("Node.js", "node"),
    ("Go", "go"),
    ("Rust", "rust"),
    ("Java", "java"),
    ("C / C++", "cpp"),
]
APPROVALS = [("not needed", "auto"), ("when risky", "risky"), ("always", "always")]
PRIORITIES = [(name, name) for name in ("low", "medium", "high", "urgent")]


class AnnounceForm(ModalScreen[str]):
    """Answers with the task id, or an empty text."""

    CSS_PATH = "announce_form.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("escape", "leave", "Back", id="announce.back", tooltip="Close the form"),
        Binding("ctrl+s", "send", "Announce", id="announce.send", tooltip="Announce the task", priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(id="form"):
            yield Label("Announce a task", id="title")
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("Title")
                yield Input(placeholder="what should come of it", id="task-title")
                yield Label("Commands, one a line, run in order until one fails")
                yield TextArea(id="commands")
                with Horizontal(classes="pair"):
                    with Vertical():
                        yield Label("Language")
                        yield Select(LANGUAGES, value="", allow_blank=False, id="language")
                    with Vertical():
                        yield Label("Priority")
                        yield Select(PRIORITIES, value="medium", allow_blank=False, id="priority")
                    with Vertical():
                        yield Label("Time limit, seconds")
                        yield Input("600", type="integer", id="timeout")
                yield Label("Repository: https URL, or a folder on this machine (what is committed there)")
                yield Input(placeholder="none", id="repository")
                yield Label("Files to keep, globs below /workspace/output, spaces between")
                yield Input(placeholder="all of them", id="outputs")
                with Horizontal(classes="pair"):
                    with Vertical():
                        yield Label("Approval by people")
                        yield Select(APPROVALS, value="auto", allow_blank=False, id="approval")
                    with Vertical():
                        yield Label("Only for the role")
                        yield Input(placeholder="any", id="role")
                    with Vertical():
                        yield Label("Only after tasks")
                        yield Input(placeholder="their ids", id="after")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Announce  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def on_mount(self) -> None:
        """Begin with the title."""
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one(TextArea).cursor_blink = False
        self.query_one("#task-title").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Either button."""
        if event.button.id == "send":
            self.action_send()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Without announcing."""
        self.dismiss("")

    def action_send(self) -> None:
        """Check, ask the engine, and close only when it took the task."""
        from pydantic import ValidationError

        try:
            spec = self._spec()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            missing = first["type"] in ("string_too_short", "too_short")
            words = "is needed" if missing else first["msg"].removeprefix("Value error, ")
            self._say(f"{_label('.'.join(map(str, first['loc'])))}: {words}")
            return
        self._say("Announcing …")
        self._announce(spec)

    def _spec(self) -> TaskSpec:
        text = {field.id: field.value.strip() for field in self.query(Input)}
        commands = [line for line in self.query_one(TextArea).text.splitlines() if line.strip()]
        repository = text["repository"]
        if repository and not repository.startswith(("https://", "sha256:", "/")):
            from pathlib import Path

            repository = str(Path(repository).expanduser().absolute())
        return TaskSpec.model_validate(
            {
                "title": text["task-title"], "commands": commands, "language": self.query_one("#language", Select).value,
                "priority": self.query_one("#priority", Select).value, "approval": self.query_one("#approval", Select).value,
                "timeout_s": text["timeout"] or 600, "role": text["role"], "depends_on": (text["after"] or "").split(),
                "repository": repository, "outputs": (text["outputs"] or "").split(),
            }
        )  # fmt: skip

    @work(exclusive=True, exit_on_error=False)
    async def _announce(self, spec: TaskSpec) -> None:
        from chorus_tui.client import EngineGone

        try:
            answer = await self.app.client.call("tasks.announce", AnnounceTask(spec=spec))  # type: ignore[attr-defined]
        except Problem as problem:
            self._say(
                "\n".join([problem.title, problem.detail, *(f"{_label(n)}: {m}" for n, m in problem.fields.items())])
            )
        except EngineGone as error:
            self._say(f"{error} Nothing is lost: try again when it is back.")
        else:
            assert isinstance(answer, TaskRef)
            self.dismiss(answer.task_id)

    def _say(self, text: str) -> None:
        lines = [plain(line) for line in text.splitlines() if line.strip()]
        self.query_one("#problem", Static).update("\n".join(lines))


def _label(field: str) -> str:
    """A field's name as the form shows it."""
    name = field.removeprefix("spec.").split(".")[0]
    return {"timeout_s": "time limit", "outputs": "files to keep", "depends_on": "only after tasks"}.get(name, name)
