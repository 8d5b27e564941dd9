"""What all screens of the portal have in common: head line, banner, filter, copying, the command lines of what is done.

A screen is told of changes, and redraws what shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, ScrollableContainer
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widgets import DataTable, Input, Label, OptionList, Static, Tree

from chorus_tui.client.read_only import reads
from chorus_tui.commands.twins import line
from chorus_tui.contract.counting import many
from chorus_tui.store import TOPICS, Store
from chorus_tui.widgets.banner import Banner
from chorus_tui.widgets.footer import WIDE, PortalFooter
from chorus_tui.widgets.plain import plain


@dataclass(frozen=True, slots=True)
class Thing:
    """What is under the cursor. ``show`` is the operation that tells all of it, ``known`` the fields that name it in commands."""

    identifier: str
    show: str
    known: Mapping[str, str] = field(default_factory=dict)


class PortalScreen(Screen[None]):
    """Subclasses give ``body()`` and redraw in ``changed()``."""

    DEFAULT_CSS = """
    PortalScreen > #head { height: 1; background: $panel; color: $text; padding: 0 1; }
    PortalScreen > #filter-bar { height: 1; display: none; background: $panel; padding: 0 1; }
    PortalScreen > #filter-bar.-shown { display: block; }
    PortalScreen #filter { width: 1fr; background: $panel; }
    PortalScreen #filter-told { width: auto; color: $text-muted; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - Textual's way
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("slash", "filter", "Filter", key_display="/", id="portal.filter", tooltip="Filter the list or log"),
        Binding("g", "top", "Top", show=False, id="portal.top", tooltip="First line of the list"),
        Binding("G", "bottom", "Bottom", show=False, id="portal.bottom", tooltip="Last line of the list"),
        Binding("escape", "unfilter", "Clear filter", show=False, id="portal.unfilter", tooltip="Clear and close the filter"),
        Binding("y", "copy", "Copy id", show=False, id="portal.copy", tooltip="Copy the id under the cursor"),
        Binding("ctrl+y", "commands", "Command line", show=False, id="portal.commands", tooltip="The command lines for this"),
    ]  # fmt: skip
    NAME = ""
    TWINS: ClassVar[Mapping[str, str]] = {}
    """By action of this class, the operation it asks for: its command line is told, and a portal that only looks hides it."""

    NEEDS: ClassVar[frozenset[str]] = frozenset()
    """Actions that do something with what is under the cursor: while nothing is, their keys are not told."""

    def compose(self) -> ComposeResult:
        yield Static(id="head", markup=False)
        yield Banner()
        yield from self.body()
        with Horizontal(id="filter-bar"):
            yield Label("/ ", markup=False)
            yield Input(placeholder="type to narrow", id="filter", compact=True)
            yield Static(id="filter-told", markup=False)
        yield PortalFooter()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    @property
    def store(self) -> Store:
        """What there is to show."""
        return self.app.store  # type: ignore[attr-defined, no-any-return]

    # ── being told ─────────────────────────────────────────────────────────────────────────────────────────────────

    def on_screen_resume(self) -> None:
        """Shown (again): everything may have changed."""
        self.show_head()
        self.app.tell_connection()  # type: ignore[attr-defined]
        self.changed(set(TOPICS))

    def tell(self, topics: set[str]) -> None:
        """Something changed while this screen is shown. One that is still being made shows all of it when it is."""
        if not self.is_mounted:
            return
        if topics & {"status", "inbox"}:
            self.show_head()
        self.changed(topics)

    def changed(self, topics: set[str]) -> None:
        """Redraw what shows these topics."""

    def show_head(self) -> None:
        """Who I am, the mesh, its admin."""
        if self.is_mounted:
            self.query_one("#head", Static).update(head_line(self.NAME, self.store, self.size.width))

    def nothing(self, topic: str, empty: str) -> str:
        """Why a list shows no row, and what to do next. ``empty``: the words when there is nothing at all."""
        failing = self.store.failing.get(topic)
        if failing:
            return (
                f"✗ The engine cannot say what belongs here:\n{failing}\n\nIt is asked again every second. "
                "'chorus-tui doctor' looks for what is wrong on this machine."
            )
        if not self.store.loaded:
            return "Waiting for the engine …"
        if self.filter_text and self.store.rows.get(topic):
            return f"Nothing fits “{plain(self.filter_text, limit=40)}”. Escape clears the filter."
        return empty

    # ── the filter ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def filter_text(self) -> str:
        """What is filtered for, as it was typed."""
        return self.query_one("#filter", Input).value if self.is_mounted else ""

    @property
    def filter_shown(self) -> bool:
        """Whether there is a filter that escape would clear."""
        return self.query_one("#filter-bar").has_class("-shown")

    def fits(self, words: str) -> bool:
        """Whether these words pass the filter."""
        return self.filter_text.casefold() in words.casefold()

    def filtered(self, text: str) -> None:
        """The filter is ``text`` now."""

    def tell_hidden(self, hidden: int, total: int) -> None:
        """How much the filter hides, beside it."""
        told = f"{hidden} of {total} hidden · esc clears" if self.filter_text else "esc closes"
        self.query_one("#filter-told", Static).update(told)

    def action_filter(self) -> None:
        """Open the filter."""
        self.query_one("#filter-bar").add_class("-shown")
        self.query_one("#filter", Input).focus()

    def action_unfilter(self) -> None:
        """Clear and close it."""
        if self.filter_shown:
            self.query_one("#filter", Input).value = ""
            self.query_one("#filter-bar").remove_class("-shown")
            self.filtered("")
        self.focus_main()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Live."""
        if event.input.id == "filter":
            self.filtered(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, go back to the list."""
        if event.input.id == "filter":
            self.focus_main()

    # ── going and copying ──────────────────────────────────────────────────────────────────────────────────────────

    def action_top(self) -> None:
        """First line of what has the keys."""
        _go(self.focused, first=True)

    def action_bottom(self) -> None:
        """Last line of what has the keys."""
        _go(self.focused, first=False)

    def focus_main(self) -> None:
        """Focus what keys should reach."""

    def thing(self) -> Thing | None:
        """What is under the cursor; None when there is nothing to name."""
        return None

    def action_copy(self) -> None:
        """Copy its id, and say so."""
        thing = self.thing()
        if thing is None:
            self.notify("Nothing is under the cursor", severity="warning")
        else:
            self.app.copy_to_clipboard(thing.identifier)
            self.notify(f"Copied {plain(thing.identifier)}", markup=False)

    # ── what is done here ──────────────────────────────────────────────────────────────────────────────────────────

    def twins(self) -> dict[str, str]:
        """Operations by action, of this class and those it is made from."""
        found: dict[str, str] = {}
        for one in reversed(type(self).__mro__):
            found |= vars(one).get("TWINS", {})
        return found

    def asks_for(self, action: str) -> str | None:
        """The operation that an action asks for as things stand; of two that one key does, the one it would do now."""
        return self.twins().get(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A portal that only looks has no key that acts; others are asked for by :meth:`offers`."""
        operation = self.twins().get(action)
        if operation is not None and self.app.read_only and not reads(".".join(operation.split(".")[:2])):  # type: ignore[attr-defined]
            return False
        return self.offers(action, parameters)

    def offers(self, action: str, parameters: tuple[object, ...]) -> bool:  # noqa: ARG002 - for those that are made from this
        """Whether a key can do something now; one that cannot is not shown."""
        if action in self.NEEDS and self.is_mounted and self.thing() is None:
            return False
        return action != "filter" or not self.typing

    @property
    def typing(self) -> bool:
        """Whether keys are words now. Textual leaves out the keys that only type, but does not know what ``slash`` writes."""
        return self.focused is not None and self.focused.check_consume_key("slash", "/")

    def told_commands(self) -> list[tuple[str, str]]:
        """What can be done here and its command line: what is under the cursor first, then each key that acts."""
        thing = self.thing()
        known = dict(thing.known) if thing is not None else {}
        found = [("show it", line(thing.show, **known))] if thing is not None else []
        for active in self.active_bindings.values():
            operation = self.asks_for(active.binding.action) if active.node is self and active.enabled else None
            if operation is not None:
                found.append((active.binding.description, line(operation, **known)))
        return found

    def action_commands(self) -> None:
        """The box that shows them."""
        from chorus_tui.widgets.command_box import CommandBox  # noqa: PLC0415 - few look at it

        last: tuple[str, str] | None = self.app.last_done  # type: ignore[attr-defined]
        lines = [*([last] if last is not None else []), *self.told_commands()]
        if lines:
            self.app.push_screen(CommandBox(lines))
        else:
            self.notify("Nothing here has a command line of its own")


def _go(widget: object, *, first: bool) -> None:
    """To the first or the last line, whatever has the keys."""
    match widget:
        case DataTable():
            widget.action_scroll_top() if first else widget.action_scroll_bottom()
        case OptionList():
            widget.action_first() if first else widget.action_last()
        case Tree():
            widget.cursor_line = 0 if first else widget.last_line
        case ScrollView() | ScrollableContainer():
            widget.scroll_home(animate=False) if first else widget.scroll_end(animate=False)


def head_line(name: str, store: Store, width: int) -> Text:
    """``chorus-tui · tasks   you · admin ada, term 1 · 3 peers · mesh 1a2b``; what does not fit is left out, the last first."""
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append("chorus-tui", style="bold")
    head.append(f" · {name}")
    status = store.status
    if status is None:
        return head
    admin = f"admin {plain(status.admin.agent_id)}, term {status.admin.term}" if status.admin else "no admin"
    if status.admin and status.admin_lost:
        who = "this peer was, and" if status.admin.peer_id == status.peer_id else plain(status.admin.agent_id)
        admin = f"no admin ({who} {status.admin_lost})"
    mesh = f"mesh {status.mesh_id[:8]}" if status.mesh_id else "no mesh yet"
    facts = [plain(status.agent_id, limit=24), admin, many(status.peers, "peer"), mesh]
    if status.network == "open":
        facts.insert(0, "⚠ network key off")
    if store.inbox:
        facts.insert(0, f"✉ {len(store.inbox)} for you (i)")
    room = width - 4 - head.cell_len
    while len(facts) > 1 and cell_len(" · ".join(facts)) > room:
        facts.pop()
    right = " · ".join(facts)
    gap = max(2, width - 2 - head.cell_len - cell_len(right))
    head.append(" " * gap + right, style="dim" if status.health == "healthy" else "")
    return head
