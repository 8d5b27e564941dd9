"""Shared texts: the sessions, one text that several edit at once, who is there, the chat beside it."""

from __future__ import annotations

import base64

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.markup import escape
from textual.widgets import DataTable, Static

from chorus_tui.client import ContractRefused, EngineGone
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models import collab as models
from chorus_tui.contract.problem import Problem
from chorus_tui.screens.collab_chat import CollabChat
from chorus_tui.screens.collab_copy import SharedCopy
from chorus_tui.screens.collab_editor import MOST_TEXT, SharedEditor
from chorus_tui.screens.collab_exchange import Exchange
from chorus_tui.screens.collab_keys import KEYS
from chorus_tui.screens.collab_lines import CHOOSE, NOTHING, REDACTED, cells, invitation, not_saved, standing, who
from chorus_tui.screens.collab_unsent import Unsent
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import Thing

PUSH_S = 0.1
"""So long keys are gathered before they are sent."""
LOOK_S = 2.0
"""So often one looks how far the own words got, and says where the cursor is."""


class CollabScreen(ListScreen[models.CollabRow]):
    """The list, and the text that is open."""

    NAME = "collab"
    CSS_PATH = ["collab.tcss"]  # noqa: RUF012 - Textual's way
    BINDINGS = KEYS
    TWINS = {  # noqa: RUF012 - Textual's way
        "new": "collab.new", "invite": "collab.invite", "end": "collab.end", "chat": "collab.chat",
    }  # fmt: skip
    NEEDS = frozenset({"invite", "end", "chat"})
    TOPIC, ALSO, ROWS = "collabs", frozenset({"status"}), "sessions"
    COLUMNS = ("state", "title", "here", "last")
    WIDTHS = (11, 9, 4, 6)
    STRETCH = (1,)
    RIGHT = (2, 3)

    def __init__(self) -> None:
        super().__init__()
        self._open = ""
        self._view: models.CollabView | None = None
        self._exchange: Exchange | None = None
        self._unsent = Unsent()
        self._told: tuple[int, int] = (-1, -1)

    def body(self) -> ComposeResult:
        with Container(id="split"):
            yield self.table()
            with Vertical(id="text-side"):
                yield Static(id="who", markup=False)
                yield SharedEditor(id="editor")
                yield Static(id="nothing", markup=False)
                yield Static(id="safe", markup=False)
            yield CollabChat(may_speak=not self._only_looks, id="talk-side")

    @property
    def _only_looks(self) -> bool:
        """Nothing can be changed from this portal: a text is looked at, without taking part in it."""
        return bool(self.app.read_only)  # type: ignore[attr-defined]

    def on_mount(self) -> None:
        """What was typed goes out, and is told, by itself."""
        self.rows.border_title = "texts"
        self.rows.focus()
        self.app.before_leaving = self._send_all  # type: ignore[attr-defined]
        self.set_interval(PUSH_S, self._push_soon)
        self.set_interval(LOOK_S, self._look)
        self._show()

    def on_screen_resume(self) -> None:
        """Shown (again), perhaps to open one."""
        super().on_screen_resume()
        self._open_wanted()

    def _open_wanted(self) -> None:
        wanted: str = self.app.opening  # type: ignore[attr-defined]
        if not wanted or not self.store.loaded:
            return
        self.app.opening = ""  # type: ignore[attr-defined]
        found = [key for key in self.store.collabs if key.startswith(wanted.upper())]
        if len(found) == 1:
            self._begin(found[0])
        else:
            self.notify(f"No one text begins with {plain(wanted)}", severity="warning", markup=False)

    def focus_main(self) -> None:
        (self.query_one(SharedEditor) if self._open else self.rows).focus()

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Enter opens what the list's cursor is on; escape is told where it has somewhere to go."""
        if action == "open":
            return self.rows.has_focus
        if action == "back":
            left = not self.rows.has_focus or (bool(self._open) and not self.has_class("-wide"))
            return left or self.filter_shown
        return super().offers(action, parameters)

    # ── the list ───────────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, row: models.CollabRow) -> str:
        return f"{row.title} {row.session}"

    def rank(self, row: models.CollabRow) -> tuple[bool, float, str]:
        return (row.state != "open", -row.last_at, row.session)

    def cells(self, row: models.CollabRow, now: float) -> tuple[Text, ...]:
        return cells(row, now)

    def after_layout(self, _topics: set[str]) -> None:
        self._open_wanted()
        self._show()

    def thing(self) -> Thing | None:
        session = self._open or self.rows.chosen
        return Thing(session, "collab.show", {"session": session}) if session else None

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter, or a click."""
        self._begin(str(event.row_key.value))

    def action_open(self) -> None:
        """The text under the cursor."""
        if self.rows.chosen:
            self._begin(self.rows.chosen)

    def action_back(self) -> None:
        """To the list; the text stays open where there is room for both."""
        if self.filter_shown:
            self.action_unfilter()
            return
        if not self.has_class("-wide"):
            self._leave()
        self.rows.focus()

    # ── the text ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, session: str) -> None:
        """Open one; the one that was open is left."""
        if session != self._open:
            self._leave()
            self._open = session
            self._follow(session)
            self._show()
        self.query_one(SharedEditor).focus()

    def _leave(self) -> None:
        editor, session = self.query_one(SharedEditor), self._open
        if not session:
            return
        editor.absorb()
        self.workers.cancel_group(self, "follow")
        exchange, self._exchange = self._exchange, None
        self._open, self._view = "", None
        editor.show_copy(None, read_only=True)
        if exchange is not None:
            self._unsent.keep(exchange)
        self._say_goodbye(session, exchange)
        self._show()

    @work(group="goodbye", exit_on_error=False)
    async def _say_goodbye(self, session: str, exchange: Exchange | None) -> None:
        """What was typed last still goes to the engine, however long it is away."""
        if exchange is not None:
            await self._unsent.send(exchange)
        if self._open != session and not self._only_looks:
            await self.app.call_quietly("collab.leave", models.SessionRef(session=session))  # type: ignore[attr-defined]

    async def _send_all(self) -> str:
        """Before the portal is left; in words what could not be sent."""
        self.query_one(SharedEditor).absorb()
        return not_saved(await self._unsent.send_all(self._exchange), self.store.collabs)

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def _follow(self, session: str) -> None:
        """Events of the session into the copy, for ever; a fresh exchange where the stream has a hole."""
        try:
            async for batch in self.app.follow([f"collab:{session}"]):  # type: ignore[attr-defined]
                if batch.fresh or batch.dropped:
                    await self._connect(session)
                for event in batch.events:
                    self._take(models.CollabEvent.model_validate(event.data))
        except (ContractRefused, Problem) as error:
            self.app.report("The text cannot be followed", str(error))  # type: ignore[attr-defined]

    async def _connect(self, session: str) -> None:
        """Join, or after a loss: what the engine lacks goes there, what is lacking here comes."""
        if self._only_looks:
            self._load()
            return
        editor = self.query_one(SharedEditor)
        try:
            joined = await self.app.client.call("collab.join", models.JoinCollab(session=session))  # type: ignore[attr-defined]
        except Problem as problem:
            self.app.report(problem.title, problem.detail)  # type: ignore[attr-defined]
            return
        except EngineGone:
            return  # the banner tells; the next connection asks again
        if self._open != session:
            return
        known, update = self._exchange is not None, base64.b64decode(joined.update)
        if self._exchange is None:
            self._exchange = self._unsent.back(session)
            known = self._exchange is not None
            fresh = Exchange(session, SharedCopy(joined.client_id, b""), self.app.client.call)  # type: ignore[attr-defined]
            exchange = self._exchange or fresh
            exchange.copy.take(update)
            self._exchange = exchange
            editor.show_copy(exchange.copy, read_only=joined.view.row.state == "ended" or not joined.view.row.may_write)
        else:
            editor.take(update)
        self._show_view(joined.view)
        if known:
            self._exchange.doubtful = True
            self._push(self._exchange)

    def _take(self, event: models.CollabEvent) -> None:
        editor = self.query_one(SharedEditor)
        if event.kind == "update" and self._only_looks:
            self._load()
        elif event.kind == "update":
            editor.take(base64.b64decode(event.update))
        elif event.kind == "presence":
            editor.show_cursors(event.participants)
            self._show()
        else:
            self._load()

    @work(exclusive=True, group="view", exit_on_error=False)
    async def _load(self) -> None:
        """The chat and how it stands."""
        view = await self.app.call_quietly("collab.show", models.SessionRef(session=self._open))  # type: ignore[attr-defined]
        if isinstance(view, models.CollabView) and view.row.session == self._open:
            self._show_view(view)

    def _show_view(self, view: models.CollabView) -> None:
        editor = self.query_one(SharedEditor)
        self._view = view
        if view.row.state == "ended" and (not editor.read_only or editor.text != view.text):
            # The text of the end stands; what came too late is told, and not in it.
            editor.absorb()
            editor.show_copy(None, read_only=True, text=view.text)
        elif self._only_looks:
            editor.show_text(view.text)
        elif editor.copy_of is not None and not editor.foreign:
            editor.read_only = not view.row.may_write or view.row.state == "ended"
        editor.show_cursors(view.participants)
        self.refresh_bindings()  # in a text that is only read, keys are keys
        self._show()

    # ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _push_soon(self) -> None:
        if self._exchange is not None and self._exchange.due:
            self._push(self._exchange)

    @work(group="push", exit_on_error=False)
    async def _push(self, exchange: Exchange) -> None:
        """Once; what came back goes into the text that is still open."""
        refused_before = exchange.refusal
        answer = await exchange.once()
        editor = self.query_one(SharedEditor)
        if exchange.refusal and not refused_before:
            # No box: it would swallow the keys that are on their way into the text.
            self.notify(f"Not taken; your words are kept here. {exchange.refusal}", severity="warning", markup=False)
        if answer is not None:
            if editor.copy_of is exchange.copy:
                editor.take(base64.b64decode(answer.update))
            if answer.redacted:
                self.notify(REDACTED, severity="warning")
            if answer.state == "ended":
                self._load()
        self._show()

    def _look(self) -> None:
        """Where the cursor is; how far the own words got, and what could not be sent again."""
        if self._exchange is not None and self.is_current:
            self._push(self._exchange)
            self._tell(self._open)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _tell(self, session: str) -> None:
        editor = self.query_one(SharedEditor)
        place = (editor.place, editor.selection_start)
        if editor.copy_of is not None and not editor.read_only and place != self._told:
            self._told = place
            await self.app.call_quietly(  # type: ignore[attr-defined]
                "collab.presence", models.ShowPresence(session=session, cursor=place[0], anchor=place[1])
            )

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _show(self) -> None:
        if not self.is_mounted:
            return
        opened, editor = bool(self._open), self.query_one(SharedEditor)
        self.set_class(opened, "-opened")
        self.query_one("#text-side").set_class(not opened, "-none")
        self.query_one("#talk-side").set_class(opened, "-shown")
        nothing = self.query_one("#nothing", Static)
        editor.display, nothing.display = opened, not opened
        for name in ("#who", "#safe"):
            self.query_one(name).display = opened
        nothing.update(CHOOSE if self.rows.row_count else self.nothing("collabs", NOTHING))
        side = self.query_one("#text-side")
        row = self.store.collabs.get(self._open) or (self._view.row if self._view else None)
        side.border_title = escape(plain(row.title, limit=60)) if row and opened else "text"
        if opened:
            self.query_one("#who", Static).update(who(editor.people, editor.text))
            self.query_one("#safe", Static).update(self._state())
            self.query_one(CollabChat).show(self._open, self._view.chat if self._view else [])

    def _state(self) -> Text:
        foreign = self.query_one(SharedEditor).foreign
        return standing(self._view, self._exchange, foreign=foreign, only_looks=self._only_looks)

    # ── doing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_shared_editor_too_long(self) -> None:
        """Told at once, not when it is sent."""
        self.notify(
            f"A shared text has at most {MOST_TEXT} characters; what was typed last is taken back", severity="warning"
        )

    def on_shared_editor_typed(self) -> None:
        """The state changes with the first key."""
        self.query_one("#safe", Static).update(self._state())

    def action_new(self) -> None:
        """The form; what is begun is opened."""
        from chorus_tui.screens.collab_forms import NewForm

        self.app.push_screen(NewForm(), lambda made: self._begin(made) if made else None)

    def action_chat(self) -> None:
        """To the line below the chat."""
        if self._open:
            self.query_one(CollabChat).focus_line()

    def on_collab_chat_said(self, event: CollabChat.Said) -> None:
        """A word was taken."""
        if event.view.row.session == self._open:
            self._show_view(event.view)

    def action_invite(self) -> None:
        """Ask whom."""
        session = self._open or self.rows.chosen
        if session:
            command = twin("collab.invite", session=session)
            box = Ask(
                "Whom? Names, role:NAME, commas between", command=command,
                make=lambda text: invitation(session, text),
            )  # fmt: skip
            self.app.ask_and_do(box, "collab.invite", "Invited")  # type: ignore[attr-defined]

    def action_end(self) -> None:
        """The form."""
        from chorus_tui.screens.collab_forms import EndForm

        session = self._open or self.rows.chosen
        row = self.store.collabs.get(session)
        if row is None or row.state == "ended":
            self.notify("Choose a text that goes on", severity="warning")
            return
        self.app.push_screen(EndForm(row, self._view.base if self._view else ""), self._ended)

    def _ended(self, session: str | None) -> None:
        if session and session == self._open:
            self._load()
