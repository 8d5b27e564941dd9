"""Web: the portal as it is served to others, in browsers and over SSH; who is connected, since when, with what rights."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.events import Key
from textual.widgets import DataTable, Label, Static

from chorus_tui.client import EngineGone
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.portals import (
    InvitePerson,
    PortalKind,
    PortalList,
    PortalRef,
    PortalUrl,
    ServedPortal,
    StartPortal,
)
from chorus_tui.contract.problem import Problem
from chorus_tui.telling import portals as words
from chorus_tui.widgets.dialogs import Ask, Confirm, Dialog
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import PortalScreen, Thing

COLUMNS = ("portal", "state", "address", "connected", "for")
WIDTHS = (8, 11, 30, 10, 7)
LOOK_S = 2.0
KINDS: tuple[PortalKind, ...] = ("web", "ssh")
OFF = {
    "web": "Not served. Press s to serve the portal to browsers on this machine: you choose what guests may do, and each guest needs a "
    "one-time URL (u). For other machines use SSH, or a tunnel to it.",
    "ssh": "Not served. Press s to serve the portal over SSH to whoever has a key in the file of keys; each key has its person "
    "and its scope.",
}


class WebScreen(PortalScreen):
    """Both portals above, all of the one under the cursor below."""

    NAME = "web"
    CSS_PATH = "web.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("s", "start", "Start", id="web.start", tooltip="Serve the portal under the cursor"),
        Binding("x", "stop", "Stop", id="web.stop", tooltip="Stop the portal under the cursor"),
        Binding("u", "invite", "One-time URL", id="web.invite", tooltip="A URL that opens the browser portal once"),
    ]  # fmt: skip
    TWINS = {"start": "web.start", "stop": "web.stop", "invite": "web.invite"}  # noqa: RUF012 - Textual's way

    def __init__(self) -> None:
        super().__init__()
        self._served: list[ServedPortal] | None = None
        self._doing = ""

    def body(self) -> ComposeResult:
        yield DataTable(id="portals", cursor_type="row", zebra_stripes=False)
        with VerticalScroll(id="portal", can_focus=False):
            yield Static(id="portal-text", markup=False)

    def on_mount(self) -> None:
        """Columns of fixed width; a look every few seconds while it is shown."""
        rows = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            rows.add_column(Text(name, justify="right" if name == "for" else None), key=name, width=width)
        self.query_one("#portal").border_title = "portal"
        rows.focus()
        self.set_interval(LOOK_S, self._look)

    def focus_main(self) -> None:
        self.query_one(DataTable).focus()

    def changed(self, topics: set[str]) -> None:
        """Shown again, or the engine is another: look."""
        if "status" in topics:
            self._look()

    def _look(self) -> None:
        if self.is_current and not self._doing:
            self._load()

    @work(exclusive=True, group="portals", exit_on_error=False)
    async def _load(self) -> None:
        answer = await self.app.call_quietly("web.show", Empty())  # type: ignore[attr-defined]
        if isinstance(answer, PortalList):
            self._served = answer.portals
            self._show()

    def _show(self) -> None:
        rows, chosen, now = self.query_one(DataTable), self._key(), time.time()
        rows.clear()
        for kind in KINDS:
            there = [one for one in self._served or [] if one.kind == kind]
            for number, one in enumerate(there):
                rows.add_row(*row(one, now), key=kind if number == 0 else f"{kind} {one.pid}")
            if not there:
                rows.add_row(Text(words.KINDS[kind]), Text("○ off", style="dim"), "", "", "", key=kind)
        if chosen in rows.rows:
            rows.move_cursor(row=rows.get_row_index(chosen))
        self._show_detail()
        self.refresh_bindings()

    def _key(self) -> str:
        rows = self.query_one(DataTable)
        return str(rows.coordinate_to_cell_key(rows.cursor_coordinate).row_key.value) if rows.row_count else ""

    def _selected(self) -> tuple[PortalKind, ServedPortal | None]:
        """The kind under the cursor, and what is served of it."""
        name, _, pid = self._key().partition(" ")
        kind: PortalKind = "ssh" if name == "ssh" else "web"
        there = [one for one in self._served or [] if one.kind == kind]
        found = [one for one in there if not pid or str(one.pid) == pid]
        return kind, found[0] if found else None

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail and the keys follow the cursor."""
        self._show_detail()
        self.refresh_bindings()

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """What is served can be stopped, what is not can be started; a URL is for browsers."""
        served = {one.kind for one in self._served or []}
        if action == "invite":
            return "web" in served
        if action in ("start", "stop") and self._served is not None:
            return (action == "stop") == (self._selected()[0] in served)
        return super().offers(action, parameters)

    def _show_detail(self) -> None:
        kind, portal = self._selected()
        if self._doing:
            shown: RenderableType = Text(self._doing)
        elif self._served is None:
            shown = Text("Waiting for the engine …")
        else:
            shown = detail(portal, time.time()) if portal is not None else Text(OFF[kind])
        self.query_one("#portal-text", Static).update(shown)

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_start(self) -> None:
        """Ask with what rights; over SSH each key has its own."""
        kind, portal = self._selected()
        if portal is not None:
            self.notify(f"It is served already, at {portal.address}", severity="warning", markup=False)
        elif kind == "web":
            question = "What may guests in a browser do: read, operate or admin?  $ chorus-tui web start --scope SCOPE"
            box = Ask(question, value="operate", words=list(words.SCOPES), make=_with_scope)
            self.app.push_screen(box, lambda _word: self._start_web(box.made))
        else:
            sure = Confirm("Serve the portal over SSH, to the keys in the file of keys?", "chorus-tui web start ssh")
            self.app.push_screen(sure, self._start_ssh)

    def _start_web(self, request: StartPortal | None) -> None:
        if request is not None:
            self._start(request)

    def _start_ssh(self, word: str | None) -> None:
        if word == "yes":
            self._start(StartPortal(kind="ssh"))

    @work(group="acting", exit_on_error=False)
    async def _start(self, request: StartPortal) -> None:
        portal = await self._ask("web.start", request, "Starting …")
        if isinstance(portal, ServedPortal):
            self.notify(f"Served: {words.way_in(portal)}", markup=False)
            if portal.kind == "web":
                self.action_invite()

    def action_stop(self) -> None:
        """After a question that says whom it throws out."""
        kind, portal = self._selected()
        if portal is None:
            self.notify("It is not served", severity="warning", markup=False)
            return
        told = f" {words.connected(portal)} will be thrown out." if portal.guests else ""
        question = f"Stop serving the portal ({words.KINDS[kind]}) at {portal.address}?{told}"
        command = "chorus-tui web stop" + ("" if kind == "web" else " ssh")

        def sure(word: str | None) -> None:
            if word == "yes":
                self._stop(kind)

        self.app.push_screen(Confirm(question, command), sure)

    @work(group="acting", exit_on_error=False)
    async def _stop(self, kind: PortalKind) -> None:
        if await self._ask("web.stop", PortalRef(kind=kind), "Stopping …") is not None:
            self.notify("Stopped", markup=False)

    @work(group="acting", exit_on_error=False)
    async def action_invite(self) -> None:
        """Shown once, to be copied."""
        answer = await self._ask("web.invite", InvitePerson(), "")
        if isinstance(answer, PortalUrl):
            self.app.push_screen(OneTimeUrl(answer))

    async def _ask(self, operation: str, request: StartPortal | PortalRef | InvitePerson, doing: str) -> object:
        """The engine's answer; None when it says no or is gone, which is shown."""
        self._doing = doing
        self._show_detail()
        try:
            answer: object = await self.app.client.call(operation, request)  # type: ignore[attr-defined]
        except (Problem, EngineGone) as error:
            title = error.title if isinstance(error, Problem) else "The engine is out of reach"
            detail_ = error.detail if isinstance(error, Problem) else str(error)
            self.app.report(title, detail_)  # type: ignore[attr-defined]
            return None
        else:
            return answer
        finally:
            self._doing = ""
            self._load()

    def thing(self) -> Thing | None:
        """The portal under the cursor, by its address."""
        kind, portal = self._selected()
        return Thing(portal.address, "web.show", {"kind": kind}) if portal is not None else None


class OneTimeUrl(Dialog):
    """Shows what opens the portal once. ``c`` copies it; any other key closes and is used up."""

    def __init__(self, answer: PortalUrl) -> None:
        super().__init__()
        self._url = answer.url
        self._minutes = round(answer.expires_s / 60)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(f"Opens the portal in a browser once, within {self._minutes} minutes:", classes="question")
            yield Static(plain(self._url), classes="question", markup=False)
            yield Static("$ chorus-tui web invite", classes="hint", markup=False)
            yield Label("c  copy      any other key  close", classes="hint")

    def on_key(self, event: Key) -> None:
        """Copy, or close. A key that was typed ahead does nothing: it is shown once only."""
        event.stop()
        if self.typed_ahead(event):
            return
        if event.key == "c":
            self.app.copy_to_clipboard(self._url)
            self.app.notify("Copied", markup=False)
            return
        self.dismiss("")


def _with_scope(scope: str) -> StartPortal:
    """The browser portal with these rights. Raises ``ValueError`` for any other word."""
    if scope not in words.SCOPES:
        raise ValueError(f"{scope!r} is none of: {', '.join(words.SCOPES)}")
    return StartPortal.model_validate({"kind": "web", "scope": scope})


def row(portal: ServedPortal, now: float) -> tuple[Text, ...]:
    """One line of the table."""
    return (
        Text(words.KINDS[portal.kind]), Text("● served", style="green"), Text(plain(portal.address), no_wrap=True, overflow="ellipsis"),
        Text(words.connected(portal)), Text(ago(now - portal.since), justify="right"),
    )  # fmt: skip


def detail(portal: ServedPortal, now: float) -> RenderableType:
    """Everything known of one that is served."""
    facts = [("way in", plain(words.way_in(portal))), ("process", str(portal.pid))]
    if portal.identity:
        facts.append(("host key", plain(portal.identity)))
    if portal.refused:
        facts.append(("refused", words.refused(portal)))
    if not portal.guests:
        return Group(table(facts), Text("\nNobody is connected.", style="dim"))
    guests = [("", plain(f"{words.guest(one)}, for {ago(now - one.since)}")) for one in portal.guests]
    guests[0] = ("connected", guests[0][1])
    return Group(table(facts), Text(), table(guests))
