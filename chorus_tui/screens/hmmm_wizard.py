"""The wizard: a message in five steps, seen as others will see it before it is said. Nothing typed is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import ContentSwitcher, Input, Label, OptionList, Select, Static, TextArea
from textual.widgets.option_list import Option

from chorus_tui.contract.models import hmmm as models
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.hmmm_draft import KINDS, PLACES, STEPS, Draft, Kind, named
from chorus_tui.telling import hmmm as telling
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.plain import plain, plain_lines
from chorus_tui.widgets.sending import KEPT, Sending
from chorus_tui.widgets.steps import trail

if TYPE_CHECKING:
    from chorus_tui.app import ChorusApp

PRIORITIES = [(name, name) for name in ("low", "medium", "high", "urgent")]
READERS = [("everybody in the room", False), ("only members of these roles", True)]
THEN = [("nothing follows", False), ("put it to a vote", True)]
FIELDS = {"room": "room", "thread": "thread", "msg": "msg_id", "intent": "intent", "roles": "roles"}
AREAS = {"text": "text", "reasoning": "reasoning", "citations": "citations"}
FIRST = {"kind": "#kinds", "place": "#room", "content": "#text", "recipients": "#roles", "preview": "#preview-side"}


class Wizard(Sending, ModalScreen[models.Said | None]):
    """Answers with what was said, or None; ``draft`` then holds what was typed."""

    CSS_PATH = "hmmm_wizard.tcss"
    # No binding has priority: each comes after the letters typed before it, so that none of them is missing in what is read.
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding(
            "escape", "leave", "Close", id="wizard.close", tooltip="Close; what was typed is kept for the next time"
        ),
        Binding("ctrl+n", "go(1)", "Next", id="wizard.next", tooltip="The next step"),
        Binding("ctrl+b", "go(-1)", "Step back", id="wizard.back", tooltip="The step before"),
        Binding("ctrl+s", "send", "Send", id="wizard.send", tooltip="Look at the preview, then send"),
        Binding(
            "ctrl+t",
            "save",
            "Keep as template",
            id="wizard.save",
            tooltip="Keep the words as a template",
            priority=True,
        ),
    ]

    def __init__(self, draft: Draft, rooms: list[str], threads: list[str]) -> None:
        super().__init__()
        self.draft = draft
        self._rooms = rooms
        self._threads = threads
        self._step = STEPS.index("content") if draft.msg_id and draft.kind == "reply" else 0
        self._templates: dict[str, models.Template] = {}
        self._previewed = ""

    @property
    def _app(self) -> ChorusApp:
        return cast("ChorusApp", self.app)

    def compose(self) -> ComposeResult:
        with Vertical(id="wizard"):
            yield Static(id="steps", markup=False)
            with ContentSwitcher(initial=STEPS[self._step], id="pages"):
                with Vertical(id="kind"):
                    yield OptionList(*(Option(_kind_line(kind), id=kind) for kind in KINDS), id="kinds")
                    yield Label("Begin from a template")
                    yield Select([], prompt="none", id="template")
                    yield Static(id="template-faults", markup=False)
                with Vertical(id="place"):
                    yield from self._place()
                with VerticalScroll(id="content", can_focus=False):
                    yield from self._content()
                with Vertical(id="recipients"):
                    yield from self._recipients()
                with VerticalScroll(id="preview"), VerticalScroll(id="preview-side"):
                    yield Static(id="preview-text", markup=False)
            yield Static(id="problem", markup=False)
            yield Static(self._hint(), id="hint", markup=False)

    def _place(self) -> ComposeResult:
        yield Label("Room: an issue, or a task's id")
        yield Input(self.draft.room, id="room", suggester=SuggestFromList(self._rooms))
        yield Label("Thread")
        yield Input(self.draft.thread, placeholder="a new one", id="thread", suggester=SuggestFromList(self._threads))
        yield Label("Reply to the message (first letters of its id)")
        yield Input(self.draft.msg_id, id="msg")

    def _content(self) -> ComposeResult:
        yield Label("Text")
        yield TextArea(self.draft.text, id="text")
        yield Label("Reasoning: why you say it")
        yield TextArea(self.draft.reasoning, id="reasoning")
        with Horizontal(classes="pair"):
            with Vertical():
                yield Label("Intent, in a word")
                yield Input(self.draft.intent, id="intent")
            with Vertical():
                yield Label("Citations: address, then why, one a line")
                yield TextArea(self.draft.citations, id="citations")

    def _recipients(self) -> ComposeResult:
        yield Label("Roles it is addressed to, spaces between; empty: everybody in the room")
        yield Input(self.draft.roles, placeholder="everybody", id="roles")
        with Horizontal(classes="pair"):
            with Vertical():
                yield Label("Who can read it")
                yield Select(READERS, value=self.draft.restricted, allow_blank=False, id="restricted")
            with Vertical():
                yield Label("Once it is agreed")
                yield Select(THEN, value=self.draft.decide, allow_blank=False, id="decide")
        yield Label("Priority")
        yield Select(PRIORITIES, value=self.draft.priority, allow_blank=False, id="priority")

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        for area in self.query(TextArea):
            area.cursor_blink = False
        for line in self.query(Input):
            line.cursor_blink = False
        self.query_one("#kinds", OptionList).highlighted = list(KINDS).index(self.draft.kind)
        self._show_step()
        self._load_templates()

    @work(exclusive=True, group="templates", exit_on_error=False)
    async def _load_templates(self) -> None:
        found = await self._app.call_quietly("hmmm.templates")
        if isinstance(found, models.Templates):
            self._templates = {one.name: one for one in found.templates}
            self.query_one("#template", Select).set_options(
                [(plain(f"{n} ({t.kind})"), n) for n, t in self._templates.items()]
            )
            faults = "\n".join(plain(f"{name}: {words}") for name, words in found.faults.items())
            self.query_one("#template-faults", Static).update(faults)

    # ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A kind: on to the next step."""
        self.draft.kind = cast("Kind", event.option.id)
        self.action_go(1)

    def on_select_changed(self, event: Select.Changed) -> None:
        """A template fills the words; the priority is read when it is needed."""
        template = self._templates.get(str(event.value)) if event.select.id == "template" else None
        if template is not None:
            self.draft.use(template)
            self.query_one("#kinds", OptionList).highlighted = list(KINDS).index(self.draft.kind)
            for widget, name in AREAS.items():
                self.query_one(f"#{widget}", TextArea).text = getattr(self.draft, name)
            self.query_one("#intent", Input).value = self.draft.intent

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on: to the next line of the step, or to the next step."""
        here = [one for one in self.query_one(f"#{STEPS[self._step]}").query(Input) if not one.disabled]
        later = here[here.index(event.input) + 1 :]
        if later:
            later[0].focus()
        else:
            self.action_go(1)

    def action_go(self, by: int) -> None:
        """To another step; the last one shows what would be sent."""
        self._read()
        self._step = max(0, min(len(STEPS) - 1, self._step + by))
        self._show_step()

    def _show_step(self) -> None:
        step = STEPS[self._step]
        self.query_one(ContentSwitcher).current = step
        self.query_one("#steps", Static).update(trail(STEPS, step, self.draft.kind))
        self.query_one("#hint", Static).update(self._hint())
        reply = self.draft.kind == "reply"
        for name in ("#room", "#thread"):
            self.query_one(name, Input).disabled = reply
        self.query_one("#msg", Input).disabled = not reply
        self.query_one("#decide", Select).disabled = self.draft.kind != "proposal"
        self.query_one("#msg" if step == "place" and reply else FIRST[step]).focus()
        self._previewed = ""
        self._say([])
        if step == "preview":
            self._preview()

    def _read(self) -> None:
        """From the widgets into the draft."""
        kinds = self.query_one("#kinds", OptionList)
        if STEPS[self._step] == "kind" and kinds.highlighted is not None:
            self.draft.kind = list(KINDS)[kinds.highlighted]
        for widget, name in FIELDS.items():
            setattr(self.draft, name, self.query_one(f"#{widget}", Input).value)
        for widget, name in AREAS.items():
            setattr(self.draft, name, self.query_one(f"#{widget}", TextArea).text)
        self.draft.restricted = self.query_one("#restricted", Select).value is True
        self.draft.decide = self.query_one("#decide", Select).value is True
        self.draft.priority = cast("models.Priority", self.query_one("#priority", Select).value)

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self) -> None:
        """As others will read it."""
        draft = self.draft
        faults = draft.check()
        request = models.Preview(message=draft.text.strip()[:8000], reasoning=draft.reasoning.strip()[:8000])
        found = await self._app.call_quietly("hmmm.preview", request)
        if not isinstance(found, models.Previewed):
            self._say(["The engine did not say how it will look; it is redacted all the same when it is sent."])
            return
        send = told(self, "wizard.send", "ctrl+s")
        lines = [
            f"Not sent yet: {'mend what is told below first' if faults else f'{send} sends it'}.",
            "",
            f"{draft.kind} · {draft.intent or 'no intent'} · {draft.priority} priority",
            "",
            *found.message.splitlines(),
        ]
        lines += [f"because: {line}" for line in found.reasoning.splitlines()]
        to = f"to {draft.roles}" if draft.roles.strip() else "to everybody in the room"
        lines += [
            "",
            to + (", and nobody else can read it" if draft.restricted else ""),
            telling.found(found),
            # The command too has the words as others will read them: what is copied from here carries no secret.
            f"$ {replace(draft, text=found.message, reasoning=found.reasoning).command()}",
        ]
        self.query_one("#preview-text", Static).update("\n".join(row for line in lines for row in plain_lines(line)))
        self._say(named(faults))
        self._previewed = "" if faults else "yes"

    def action_send(self) -> None:
        """What was not seen in the preview yet is shown there first."""
        if STEPS[self._step] != "preview" or not self._previewed:
            self._read()
            self._step = len(STEPS) - 1
            self._show_step()
        else:
            self._send()

    @work(exclusive=True, group="send", exit_on_error=False)
    async def _send(self) -> None:
        from chorus_tui.client import EngineGone

        operation, request = self.draft.request()
        self._say(["Sending …"])
        try:
            answer = await self.call(operation, request)
        except Problem as problem:
            self._back_to(problem)
        except EngineGone as error:
            self._say([f"{error} {KEPT}"])
        else:
            assert isinstance(answer, models.Said)
            self._app.note_done(operation, request)
            self.dismiss(answer)

    def _back_to(self, problem: Problem) -> None:
        """To the step with the fault."""
        steps = [STEPS.index(PLACES[name]) for name in problem.fields if name in PLACES]
        if steps:
            self._step = min(steps)
            self._show_step()
        self._say([problem.title, problem.detail, *named(problem.fields)])

    def action_save(self) -> None:
        """Under which name?"""
        self._read()
        box = Ask("Keep these words as a template named", placeholder="letters, digits, - and _", make=self._template)
        self._app.ask_and_do(box, "hmmm.save_template", "Kept as a template")

    def _template(self, name: str) -> models.Template:
        draft = self.draft
        return models.Template(
            name=name, kind=draft.kind, intent=draft.intent, message=draft.text, reasoning=draft.reasoning
        )

    def _hint(self) -> str:
        """The keys of this step: the one that sends shows the preview first, so that it is not called sending before."""
        last = STEPS[self._step] == STEPS[-1]
        does = [
            *([] if last else [("next", "ctrl+n", "next")]),
            ("back", "ctrl+b", "back"),
            ("send", "ctrl+s", "send" if last else "preview"),
            ("save", "ctrl+t", "as template"),
        ]
        return "  ".join(
            f"{told(self, f'wizard.{name}', key)} {words}" for name, key, words in [*does, ("close", "esc", "close")]
        )

    def action_leave(self) -> None:
        """Without sending; the draft is kept."""
        self._read()
        self.dismiss(None)

    def _say(self, lines: list[str]) -> None:
        self.query_one("#problem", Static).update("\n".join(plain(line) for line in lines if line.strip()))


def _kind_line(kind: Kind) -> Text:
    return Text.assemble((f"{kind:<10}", "bold"), KINDS[kind])
