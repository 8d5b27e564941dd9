"""What is said beside a shared text, and the line to say something."""

from __future__ import annotations

from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from chorus_tui.client import EngineGone
from chorus_tui.contract.models import collab as models
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.collab_lines import talk


class CollabChat(Vertical):
    """Of the text that is open."""

    class Said(Message):
        """The engine took a word."""

        def __init__(self, view: models.CollabView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, *, may_speak: bool, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._may_speak = may_speak
        self._session = ""

    def compose(self) -> ComposeResult:
        """The words, the line below."""
        with VerticalScroll(id="talk", can_focus=False):
            yield Static(id="lines", markup=False)
        say = Input(placeholder="say something; @name asks", id="say", compact=True)
        say.cursor_blink = False
        say.display = self._may_speak
        yield say

    def on_mount(self) -> None:
        """As the other parts have it."""
        self.border_title = "chat"

    def show(self, session: str, chat: list[models.ChatLine]) -> None:
        """What was said in ``session``, the last word in sight."""
        self._session = session
        self.query_one("#lines", Static).update(talk(chat))
        self.query_one("#talk").scroll_end(animate=False)

    def focus_line(self) -> None:
        """To say something."""
        self.query_one("#say", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A word, said; it stays in the line when the engine does not take it."""
        event.stop()
        if event.value.strip() and self._session:
            self._say(self._session, event.value.strip())

    @work(exclusive=True, group="say", exit_on_error=False)
    async def _say(self, session: str, text: str) -> None:
        request = models.ChatInCollab(session=session, text=text[:4000])
        try:
            view: Any = await self.app.client.call("collab.chat", request)  # type: ignore[attr-defined]
        except Problem as problem:
            self.app.report(problem.title, "\n".join([problem.detail, *problem.fields.values()]))  # type: ignore[attr-defined]
        except EngineGone as error:
            self.app.report("The engine is out of reach", str(error))  # type: ignore[attr-defined]
        else:
            self.query_one("#say", Input).value = ""
            self.post_message(self.Said(view))
