"""UCXL: content under addresses. The tree left, the text in the middle, its versions right; one of them at a time where it is narrow."""

from __future__ import annotations

import time

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import DataTable, Input, Static

from chorus_tui.client import EngineGone
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract import ucxl
from chorus_tui.contract.models.ucxl import (
    RECORD_TYPE,
    AddressRef,
    Content,
    History,
    Navigate,
    NavigationStep,
    RemoveContent,
)
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import InvalidAddress
from chorus_tui.screens.ucxl_text import EMPTY, WELCOME, facts, in_words, mark, shown
from chorus_tui.screens.ucxl_travel import UcxlTravel
from chorus_tui.screens.ucxl_tree import ContentTree
from chorus_tui.telling import ucxl as words
from chorus_tui.widgets.address import KnownPlaces
from chorus_tui.widgets.dialogs import Confirm
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.portal_screen import Thing

COLUMNS = ("n", "at", "by", "")
# Fixed widths: a table that measures its cells draws new rows at the old widths for a moment.
WIDTHS = (3, 11, 8, 9)
PANES = ("tree", "middle", "versions")


class UcxlScreen(UcxlTravel):
    """What an address means, and how it came to be."""

    NAME = "ucxl"
    CSS_PATH = "ucxl.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("n", "new", "New", id="ucxl.new", tooltip="Write content under an address"),
        Binding("e", "edit", "Edit", id="ucxl.edit", tooltip="Write the next version of this content"),
        Binding("tilde", "step(-1)", "Back", key_display="~", id="ucxl.back", tooltip="One version back"),
        Binding("circumflex_accent", "step(1)", "Forward", key_display="^", id="ucxl.forward", tooltip="One version on"),
        Binding("d", "diff", "Diff", id="ucxl.diff", tooltip="Compare this version with another"),
        Binding("h", "hops", "Hops", show=False, id="ucxl.hops", tooltip="What this came from, what came of it"),
        Binding("at", "moment", "Moment", key_display="@", show=False, id="ucxl.moment", tooltip="As it was at a moment"),
        Binding("l", "latest", "Latest", show=False, id="ucxl.latest", tooltip="The latest version"),
        Binding("a", "address", "Address", show=False, id="ucxl.address", tooltip="Type an address"),
        Binding("r", "raw", "Raw", id="ucxl.raw", tooltip="A record as it is written, or in words again"),
        Binding("s", "search", "Search", id="ucxl.search", tooltip="Search by words or by address"),
        Binding("x", "remove", "Remove", show=False, id="ucxl.remove", tooltip="Remove this content; its versions stay"),
        Binding("o", "turn", "Pane", id="ucxl.turn", tooltip="To the tree, the text, the versions"),
    ]  # fmt: skip
    TWINS = {  # noqa: RUF012 - as above
        "new": "ucxl.put", "edit": "ucxl.put", "diff": "ucxl.diff", "hops": "slurp.show", "search": "ucxl.search", "remove": "ucxl.remove",
    }  # fmt: skip

    OPENED = frozenset({"edit", "step", "diff", "hops", "moment", "latest", "remove"})
    """Actions for the version that is open."""

    def __init__(self) -> None:
        super().__init__()
        self._asked = ""
        """The address as it was asked for; empty while nothing is open."""
        self._content: Content | None = None
        self._problem = ""
        self._raw = False
        """Records are shown as they are written."""
        self._written_in = ""
        """The address bar as it was set last: what somebody is typing there is left alone."""

    def body(self) -> ComposeResult:
        yield Input(
            placeholder="ucxl://agent:role@project:task/*^/path", id="address", suggester=KnownPlaces(self.store)
        )
        with Horizontal(id="panes"):
            yield ContentTree()
            with Vertical(id="middle"):
                yield Static(id="facts", markup=False)
                with VerticalScroll(id="content"):
                    yield Static(id="text", markup=False)
            yield DataTable(id="versions", cursor_type="row", zebra_stripes=False)
        yield Static(id="command", markup=False)

    def on_mount(self) -> None:
        """Columns with stable keys; the keys are the tree's."""
        rows = self.query_one("#versions", DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            rows.add_column(name, key=name or "mark", width=width)
        self.query_one("#address", Input).cursor_blink = False
        for name, title in (("#tree", "contents"), ("#middle", "content"), ("#versions", "versions")):
            self.query_one(name).border_title = title
        self._choose("tree")

    # ── what changed ───────────────────────────────────────────────────────────────────────────────────────────────

    def changed(self, topics: set[str]) -> None:
        if "places" not in topics:
            return
        self.query_one(ContentTree).look_again()
        row = self.row
        known = self.store.places.get(row.place) if row is not None else None
        if row is not None and (known is None or not self.history or known.entry != self.history[-1].entry):
            self._load(self._asked)
        elif row is None:
            if not self.store.places and not self._asked:
                self._reveal("middle")
            self._show()

    # ── opening ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, address: str) -> None:
        """Show what an address means."""
        if address:
            self._choose("middle")
            self._load(address)

    @work(exclusive=True, group="content", exit_on_error=False)
    async def _load(self, address: str) -> None:
        try:
            where = Navigate(address=str(ucxl.parse(address)), operation="forward", steps=0)
            step = await self.ask("ucxl.navigate", where)
            history = await self.ask("ucxl.history", AddressRef(address=step.place))
        except InvalidAddress as error:
            self._fail(address, f"{error.field}: {error.message}")
            return
        except Problem as problem:
            if found := words.candidates(problem.fields.items()):
                self._let_choose(problem, found)
                return
            self._fail(address, _told(problem))
            return
        except EngineGone as error:
            self._fail(address, str(error))
            return
        assert isinstance(step, NavigationStep)
        assert isinstance(history, History)
        self._asked, self.row, self.history = address, step.version, history.versions
        await self._read(address)
        self._show()

    async def _read(self, address: str) -> None:
        """The bytes; why there are none is shown in their place."""
        self._content, self._problem = None, ""
        try:
            content = await self.ask("ucxl.get", AddressRef(address=address))
            assert isinstance(content, Content)
            self._content = content
        except Problem as problem:
            self._problem = _told(problem)
        except EngineGone as error:
            self._problem = str(error)

    def _fail(self, address: str, why: str) -> None:
        self._asked, self.row, self._content, self.history = address, None, None, []
        self._problem = why
        self._show()

    def _let_choose(self, problem: Problem, found: list[str]) -> None:
        from chorus_tui.screens.ucxl_search import ChooseBox

        self.app.push_screen(ChooseBox(problem.detail or problem.title, found), lambda one: self.open(one or ""))

    # ── showing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:
        """What is for a version has no key while none is open."""
        if action in self.OPENED and self.row is None:
            return False
        if action == "raw":
            return self._content is not None and self._content.version.media_type == RECORD_TYPE
        return super().offers(action, parameters)

    def _show(self) -> None:
        self.refresh_bindings()
        row, text = self.row, self.query_one("#text", Static)
        self.query_one("#facts", Static).update(facts(row, len(self.history)) if row is not None else "")
        self.query_one("#facts").display = row is not None
        if self._content is not None:
            told = None if self._raw else in_words(self._content, self._names())
            text.update(told or shown(self._content, dark=self.app.current_theme.dark))
        elif self._problem:
            text.update(
                Text(f"✗ {plain(self._asked)}\n\n" + "\n".join(plain(line) for line in self._problem.splitlines()))
            )
        else:
            text.update(self._nothing())
        self._show_versions()
        field = self.query_one("#address", Input)
        if not field.has_focus or field.value == self._written_in:
            field.value = self._written_in = self._asked
        command = twin("ucxl.get", address=self._asked) if self._asked else twin("ucxl.list")
        self.query_one("#command", Static).update(f"$ {plain(command)}")

    def _names(self) -> dict[str, str]:
        return {peer.peer_id: peer.name for peer in self.store.rows["peers"].values()}

    def action_raw(self) -> None:
        """The text of a record, or what it says."""
        self._raw = not self._raw
        self._show()

    def _nothing(self) -> str:
        return self.nothing("places", EMPTY) if not self.store.places or self.store.failing else WELCOME

    def _show_versions(self) -> None:
        rows = self.query_one("#versions", DataTable)
        rows.clear()
        for version in reversed(self.history):
            at = time.strftime("%m-%d %H:%M", time.localtime(version.at))
            who = Text(plain(version.author_name), no_wrap=True, overflow="ellipsis")
            rows.add_row(Text(str(version.n), justify="right"), at, who, mark(version), key=str(version.n))
        if self.row is not None and str(self.row.n) in rows.rows:
            rows.move_cursor(row=rows.get_row_index(str(self.row.n)))

    # ── panes and keys ─────────────────────────────────────────────────────────────────────────────────────────────

    def _choose(self, name: str) -> None:
        """The keys go to this pane."""
        self._reveal(name)
        # Where it is narrow it was not seen until now, and what is not seen takes no keys.
        self.call_after_refresh(self.query_one("#content" if name == "middle" else f"#{name}").focus)

    def _reveal(self, name: str) -> None:
        """Where it is narrow this pane is the one that is seen."""
        for pane in PANES:
            self.query_one(f"#{pane}").set_class(pane == name, "-chosen")

    def action_turn(self) -> None:
        """The next pane."""
        now = next((n for n, pane in enumerate(PANES) if self.query_one(f"#{pane}").has_class("-chosen")), 0)
        self._choose(PANES[(now + 1) % len(PANES)])

    def filtered(self, text: str) -> None:
        """The tree has only what holds the words, opened down to it."""
        hidden = self.query_one(ContentTree).narrow(text)
        self.tell_hidden(hidden, len(self.store.places))

    def thing(self) -> Thing | None:
        """The version that is open, or what was asked for."""
        address = self.row.address if self.row is not None else self._asked
        if not address:
            return None
        place = self.row.place if self.row is not None else address
        return Thing(address, "ucxl.get", {"address": address, "node_id": place})

    def focus_main(self) -> None:
        self._choose("tree")

    def on_content_tree_opened(self, event: ContentTree.Opened) -> None:
        """Chosen in the tree."""
        self.open(event.place)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter on a version."""
        event.stop()
        self.travel(int(str(event.row_key.value)))
        self._choose("versions")

    def action_address(self) -> None:
        """Keys to the address bar."""
        self.query_one("#address", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open what was typed."""
        if event.input.id == "address":
            event.stop()
            self.open(event.value.strip())

    def action_search(self) -> None:
        """The search."""
        from chorus_tui.screens.ucxl_search import SearchBox

        self.app.push_screen(SearchBox(), self._found)

    def _found(self, address: str | None) -> None:
        self.open(address or "")

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_new(self) -> None:
        """The form, empty."""
        from chorus_tui.screens.ucxl_form import ContentForm

        self.app.push_screen(ContentForm(""), self._written)

    def action_edit(self) -> None:
        """The form with this text. An edit of the latest follows all newest versions, one of an older version that one."""
        from chorus_tui.screens.ucxl_form import ContentForm
        from chorus_tui.screens.ucxl_text import text_of

        row, content = self.row, self._content
        if row is None or content is None:
            return
        if text_of(content) is None:
            self.notify("This is no text: 'chorus-tui ucxl put' writes files", severity="warning", markup=False)
            return
        latest = row.n == len(self.history)
        self.app.push_screen(ContentForm(row.place, content, content.newest if latest else [row.entry]), self._written)

    def _written(self, address: str | None) -> None:
        if address:
            self.notify(f"Written: {address}", markup=False)
            self.open(ucxl.parse(address).place)

    def action_remove(self) -> None:
        """Ask first."""
        row = self.row
        if row is None:
            return
        question = f"Remove {row.place}? Its {len(self.history)} versions stay and can be read."

        def end(answer: str | None) -> None:
            if answer:
                request = RemoveContent(address=row.place)
                self.app.ask_engine("ucxl.remove", request, "Removed")  # type: ignore[attr-defined]

        self.app.push_screen(Confirm(question, twin("ucxl.remove", address=row.place)), end)


def _told(problem: Problem) -> str:
    fields = [f"{name}: {text}" for name, text in problem.fields.items()]
    return "\n".join(part for part in (problem.title, problem.detail, *fields) if part)
