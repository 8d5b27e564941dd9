"""The form that writes content: a new one, or the next version of one. Nothing typed is lost, whoever wrote meanwhile.

An edit names the versions that it was made from. When another one came since, the engine refuses it; then the two can be compared,
and both kept.
"""

from __future__ import annotations

import base64

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button, Input, Label, Select, Static, TextArea

from chorus_tui.client import EngineGone
from chorus_tui.contract import ucxl
from chorus_tui.contract.models.ucxl import AddressRef, Content, Put, PutContent
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import InvalidAddress
from chorus_tui.screens.ucxl_compare import Compare
from chorus_tui.screens.ucxl_text import text_of
from chorus_tui.widgets.faults import faults
from chorus_tui.widgets.form import Form, under
from chorus_tui.widgets.sending import KEPT

READ_BY = [("every member", "all"), ("my role and who may read it", "mine"), ("those keyrings", "named")]
CONFLICT = "UCXL-409-CONFLICT"
PLACES = {
    "address": "address", "data": "content", "description": "description", "tags": "tags", "readers": "readers", "mine": "read-by",
    "agent": "address", "role": "address", "project": "address", "task": "address", "temporal": "address", "path": "address",
    "scheme": "address", "raw": "",
}  # fmt: skip


class ContentForm(Form):
    """Answers with the address of what was written. ``before`` is the version that is edited, None for something new."""

    CSS_PATH = "ucxl_form.tcss"
    BUTTONS = {**Form.BUTTONS, "compare": ("content.compare", "ctrl+d"), "both": ("content.both", "ctrl+b")}  # noqa: RUF012 - as the base says
    FIRST = "#address"
    PLACES = PLACES
    SENDS = Form.SENDS | {"keep_both", "compare"}
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("ctrl+d", "compare", "Compare", id="content.compare", tooltip="Yours beside the newest", priority=True),
        Binding("ctrl+b", "keep_both", "Keep both", id="content.both", tooltip="Write yours beside it", priority=True),
    ]

    def __init__(self, address: str, before: Content | None = None, parents: list[str] | None = None) -> None:
        super().__init__()
        self._address = address
        self._before = before
        self._parents = parents
        self._conflict = False

    def compose(self) -> ComposeResult:
        old = self._before
        text = (text_of(old) or "") if old is not None else ""
        others = len(self._parents or ()) - 1
        beside = f" and {others} other{'s' * (others > 1)} written at the same time" if others > 0 else ""
        what = f"The next version, after version {old.version.n}{beside}" if old is not None else "Write content"
        with Vertical(id="form"):
            yield Label(what, id="title")
            with VerticalScroll(id="fields", can_focus=False):
                yield Label("Address")
                yield Input(self._address, placeholder=ucxl.FORM, id="address", disabled=old is not None)
                yield Label("Content")
                yield TextArea(text, id="content", soft_wrap=True)
                yield Label("What is new in this version")
                yield Input(placeholder="in a line; may be empty", id="description", max_length=1000)
                sealed = ", ".join(old.version.readers) if old is not None else ""
                with Horizontal(classes="pair"):
                    yield from under("Tags, commas between", Input(id="tags"))
                    yield from under(
                        "Read by", Select(READ_BY, value="named" if sealed else "all", allow_blank=False, id="read-by")
                    )
                yield Label("Those keyrings, commas between: master, decision, role:developer")
                yield Input(sealed, placeholder="where it is read by those named", id="readers")
            yield Static(id="problem", markup=False)
            with Horizontal(id="buttons"):
                yield Button("Compare  ctrl+d", id="compare", compact=True)
                yield Button("Keep both  ctrl+b", id="both", compact=True)
                yield Button("Write  ctrl+s", variant="primary", id="send", compact=True)
                yield Button("Back  esc", id="back", compact=True)

    def on_mount(self) -> None:
        """An edit begins in the text."""
        super().on_mount()
        if self._before is not None:
            self.query_one("#content").focus()
        self._show_conflict(seen=False)

    def _show_conflict(self, *, seen: bool) -> None:
        self._conflict = seen
        for name in ("#compare", "#both"):
            self.query_one(name).display = seen

    async def on_button_pressed(self, event: Button.Pressed) -> None:
        """Any of the four."""
        if event.button.id in ("compare", "both"):
            await self.run_action("compare" if event.button.id == "compare" else "keep_both")
        else:
            await super().on_button_pressed(event)

    def action_send(self) -> None:
        """Check, ask the engine, close only when it took it."""
        self._send(sibling=False)

    def action_keep_both(self) -> None:
        """Beside the version that came meanwhile."""
        if self._conflict:
            self._send(sibling=True)

    def _send(self, *, sibling: bool) -> None:
        from pydantic import ValidationError

        text = {str(field.id): field.value.strip() for field in self.query(Input)}
        read_by = self.query_one(Select).value
        if read_by == "named" and not _listed(text["readers"]):
            self.show_faults({"readers": "name at least one keyring, or let every member read it"})
            return
        try:
            ucxl.parse(text["address"])
            request = PutContent.model_validate(
                {
                    "address": text["address"], "data": base64.b64encode(self.query_one(TextArea).text.encode()).decode(),
                    "description": text["description"], "tags": _listed(text["tags"]),
                    "readers": _listed(text["readers"]) if read_by == "named" else [], "mine": read_by == "mine",
                    "parents": self._parents, "sibling": sibling,
                    "fresh": self._before is None, "media_type": self._before.version.media_type if self._before else "",
                }
            )  # fmt: skip
        except InvalidAddress as error:
            self.show_faults({"address": f"{error.field}: {error.message}"})
            return
        except ValidationError as error:
            self.show_faults(faults(error))
            return
        self.show_faults({})
        self.say("Writing …")
        self._write(request)

    @work(exclusive=True, exit_on_error=False)
    async def _write(self, request: PutContent) -> None:
        try:
            answer = await self.call("ucxl.put", request)
        except Problem as problem:
            self.show_faults({name: words for name, words in problem.fields.items() if name != "raw"})
            self.say("\n".join([problem.title, problem.detail, *problem.fields.values()]))
            self._show_conflict(seen=problem.code == CONFLICT and self._before is not None)
        except EngineGone as error:
            self.say(f"{error} {KEPT}")
        else:
            if isinstance(answer, Put):
                self.app.note_done("ucxl.put", request)  # type: ignore[attr-defined]
                self.dismiss(answer.version.address)

    def action_compare(self) -> None:
        """What came meanwhile, beside what was typed."""
        if self._conflict:
            self._compare(self.query_one("#address", Input).value)

    @work(exclusive=True, exit_on_error=False)
    async def _compare(self, address: str) -> None:
        newest = await self.ask("ucxl.get", AddressRef(address=address))
        if not isinstance(newest, Content):
            return
        theirs, mine = text_of(newest), self.query_one(TextArea).text
        note = "The newest version is no text" if theirs is None else "Both are the same" if theirs == mine else ""
        names = (f"version {newest.version.n}, by {newest.version.author_name}", "yours")
        self.app.push_screen(Compare(names, [theirs or "", mine], [], note, ""))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
