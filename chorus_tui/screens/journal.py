"""Journal: what each peer said, entry by entry, as this engine holds it; filter by type, author and time, and verify all of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.client import EngineGone
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.counting import many
from chorus_tui.contract.models.journal import JournalEntry, JournalPage, TailJournal, Verification
from chorus_tui.contract.problem import Problem
from chorus_tui.telling.entries import sentence
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import plain, plain_lines
from chorus_tui.widgets.portal_screen import PortalScreen, Thing
from chorus_tui.widgets.rows import Rows

PAGE = 200
"""Entries asked for at once."""
REFRESH_S = 3.0
MOST_BODY = 20_000
"""Characters of an entry that are shown; the command line tells all."""
EMPTY = "Nothing was said yet. What this peer and others say (tasks, votes, words) stands here, each with its signer."


class JournalScreen(PortalScreen):
    """The newest entries above, all of the one under the cursor below."""

    NAME = "journal"
    CSS_PATH = "journal.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("f", "only_type", "Type", id="journal.type", tooltip="Only entries of one type"),
        Binding(
            "a", "only_author", "Author", id="journal.author", tooltip="Only what the author under the cursor said"
        ),
        Binding("w", "only_time", "When", id="journal.when", tooltip="Only entries from then on, or until then"),
        Binding("v", "verify", "Verify", id="journal.verify", tooltip="Check every signature and chain held here"),
        Binding("b", "before", "Older", id="journal.older", tooltip="The entries before these"),
        Binding("l", "newest", "Newest", id="journal.newest", tooltip="The newest entries, as they come"),
        Binding("o", "turn", "Read on", id="journal.turn", tooltip="To the entry and back, to scroll it"),
    ]
    TWINS = {"only_type": "journal.tail", "only_time": "journal.tail", "verify": "journal.verify"}  # noqa: RUF012 - as above

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, JournalEntry] = {}
        self._type = ""
        self._author = ""
        self._since = ""
        self._until = ""
        self._cursor: str | None = None
        """Where the page begins; None: with the newest, and it goes on with what comes."""
        self._next: str | None = None
        self._fault = ""

    def body(self) -> ComposeResult:
        yield Static(id="which", markup=False)
        yield Rows(("at", "by", "type", "about"), (14, 10, 18, 20), (3,), id="entries")
        with VerticalScroll(id="entry"):
            yield Static(id="entry-text", markup=False)

    def on_mount(self) -> None:
        """The newest page, again and again while it is looked at."""
        self.query_one("#entry").border_title = "entry"
        self.focus_main()
        self.set_interval(REFRESH_S, self._refresh)

    def on_screen_resume(self) -> None:
        """Shown (again): what came meanwhile."""
        super().on_screen_resume()
        self._load()

    # ── the page ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _refresh(self) -> None:
        if self.is_current and self._cursor is None:
            self._load()

    @work(exclusive=True, group="page", exit_on_error=False)
    async def _load(self) -> None:
        try:
            page: JournalPage = await self.app.client.call("journal.tail", self._asked(self._cursor))  # type: ignore[attr-defined]
        except (Problem, EngineGone) as error:
            self._fault = str(error)
        else:
            self._fault, self._next = "", page.next
            self._entries = {entry.hash: entry for entry in reversed(page.entries)}
        self.lay_out()

    def _asked(self, cursor: str | None = None) -> TailJournal:
        return TailJournal(limit=PAGE, cursor=cursor, **self._which())

    def _which(self) -> dict[str, str | None]:
        """The filters of the engine, by field."""
        return {
            "type": self._type or None,
            "author": self._author or None,
            "since": self._since or None,
            "until": self._until or None,
        }

    def lay_out(self) -> None:
        """Entries that fit the filter, the newest first."""
        fitting = [one for one in self._entries.values() if self.fits(_words(one))]
        hidden = len(self._entries) - len(fitting)
        names = self._names()
        self.query_one(Rows).lay_out([(one.hash, line(one, names)) for one in fitting], hidden)
        self.tell_hidden(hidden, len(self._entries))
        which = [
            f"type {self._type}" if self._type else "",
            f"by {self._author_name()}" if self._author else "",
            self._when(),
        ]
        where = "older entries; l goes to the newest" if self._cursor else "the newest, as they come"
        words = " · ".join([many(len(self._entries), "entry", "entries"), *filter(None, which), where])
        stale = f"✗ As it was; it could not be read again: {self._fault} · " if self._fault and self._entries else ""
        self.query_one("#which", Static).update(plain(f"{stale}{words}"))
        self._show()

    def _names(self) -> dict[str, str]:
        said = {one.author: one.author_name for one in self._entries.values() if one.author_name}
        return {**said, **{peer.peer_id: peer.name for peer in self.store.rows["peers"].values()}}

    def filtered(self, _text: str) -> None:
        self.lay_out()

    def _author_name(self) -> str:
        known = (one.author_name for one in self._entries.values() if one.author == self._author)
        return next(known, "") or self._author[-8:]

    def _when(self) -> str:
        told = [f"since {self._since}" if self._since else "", f"until {self._until}" if self._until else ""]
        return " ".join(filter(None, told))

    def focus_main(self) -> None:
        self.query_one(Rows).focus()

    def selected(self) -> JournalEntry | None:
        """The entry under the cursor."""
        return self._entries.get(self.query_one(Rows).chosen)

    def thing(self) -> Thing | None:
        entry = self.selected()
        if entry is None:
            return None
        times = {"since": self._since, "until": self._until}
        return Thing(
            entry.hash, "journal.tail", {"type": entry.type, "author": entry.author, "limit": str(PAGE), **times}
        )

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._show()

    def _show(self) -> None:
        entry = self.selected()
        if entry is not None:
            shown: RenderableType = detail(entry, self._names())
        elif self._fault:
            shown = Text("\n".join(plain_lines(f"✗ The journal could not be read:\n{self._fault}")))
        else:
            shown = Text(self._why_empty())
        self.query_one("#entry-text", Static).update(shown)

    def _why_empty(self) -> str:
        if self._entries:
            return "Nothing fits the filter. Escape clears it."
        asked = [f"of the type {plain(self._type)}"] if self._type else []
        asked += [f"by {plain(self._author_name())}"] if self._author else []
        asked += [plain(self._when())] if self._when() else []
        if not asked:
            return EMPTY if self._cursor is None else "There are no older entries. l goes to the newest."
        ways = ["f chooses another type, or all"] if self._type else []
        ways += ["a shows all authors again"] if self._author else []
        ways += ["w chooses another time, or all"] if self._when() else []
        return f"No entry {' '.join(asked)} is held here. {'; '.join(ways)}."

    # ── which entries ──────────────────────────────────────────────────────────────────────────────────────────────

    def action_only_type(self) -> None:
        """Ask for a type; ``all`` shows all again."""
        entry = self.selected()
        types = sorted({one.type for one in self._entries.values()})
        value = self._type or (entry.type if entry is not None else "")
        question = "Only which type? 'all' shows every one again."
        command = twin("journal.tail", limit=PAGE, **{**self._which(), "type": "TYPE"})
        self.app.push_screen(Ask(question, command=command, value=value, words=[*types, "all"]), self._take_type)

    def _take_type(self, word: str | None) -> None:
        if word:
            self._type = "" if word == "all" else word
            self._from_the_newest()

    def action_only_author(self) -> None:
        """Of the entry under the cursor, or all again."""
        entry = self.selected()
        self._author = "" if self._author or entry is None else entry.author
        self._from_the_newest()

    def action_only_time(self) -> None:
        """Ask from when and until when; both empty show all again."""
        from chorus_tui.screens.journal_times import TimesForm

        form = TimesForm(self._asked())

        def taken(word: str | None) -> None:
            if word:
                self._since, self._until = form.asked.since or "", form.asked.until or ""
                self._from_the_newest()

        self.app.push_screen(form, taken)

    def action_before(self) -> None:
        """The page before this one."""
        if self._next is None:
            self.notify("These are the oldest entries")
        else:
            self._cursor = self._next
            self._load()

    def action_newest(self) -> None:
        """The newest page, which goes on."""
        self._from_the_newest()

    def _from_the_newest(self) -> None:
        self._cursor = None
        self._load()

    # ── reading and verifying ──────────────────────────────────────────────────────────────────────────────────────

    def action_turn(self) -> None:
        """Keys to the entry, or back to the list."""
        place = self.query_one("#entry")
        (self.query_one(Rows) if place.has_focus else place).focus()

    @work(exclusive=True, group="verify", exit_on_error=False)
    async def action_verify(self) -> None:
        """Takes a while where much is held; then what was found: in full, or to who has gone elsewhere in a line."""
        place = self.query_one("#entry")
        place.loading = True
        try:
            found: Any = await self.app.client.call("journal.verify")  # type: ignore[attr-defined]
        except (Problem, EngineGone) as error:
            self.app.report("The journal could not be verified", str(error))  # type: ignore[attr-defined]
        else:
            self._tell_verdict(found)
        finally:
            place.loading = False

    def _tell_verdict(self, found: Verification) -> None:
        from chorus_tui.widgets.reader import Reader

        lines = verdict(found)
        if not self.is_current:
            severity: Literal["information", "error"] = "information" if found.ok else "error"
            self.notify(f"The journal: {plain(lines[0][1])}", severity=severity, markup=False)
            return
        data = "".join(f"{text}\n" for _, text in lines).encode()
        about = "Every signature and chain held here"
        self.app.push_screen(Reader(about, twin("journal.verify"), lines, data, "verified.txt", "> FILE"))


def line(entry: JournalEntry, names: Mapping[str, str]) -> tuple[Text, ...]:
    """One line of the table."""
    at = time.strftime("%m-%d %H:%M:%S", time.localtime(entry.at))
    return (
        Text(at), _cut(entry.author_name or entry.author[-8:]), _cut(entry.type),
        Text(plain(_about(entry, names), limit=200), style="" if entry.body is not None else "dim", no_wrap=True, overflow="ellipsis"),
    )  # fmt: skip


def _cut(text: str) -> Text:
    return Text(plain(text), no_wrap=True, overflow="ellipsis")


def _about(entry: JournalEntry, names: Mapping[str, str]) -> str:
    return f"({entry.problem or 'erased'})" if entry.body is None else sentence(entry.type, entry.body, names)


def _words(entry: JournalEntry) -> str:
    """What a filter looks through: the sentence, and the beginning of the whole."""
    body = json.dumps(entry.body, ensure_ascii=False)[:400]
    at = _moment(entry.at)
    return f"{at} {entry.type} {entry.author_name} {entry.author} {entry.hash} {_about(entry, {})} {body}"


def detail(entry: JournalEntry, names: Mapping[str, str]) -> RenderableType:
    """Who said it, under which number, what it is in a sentence, and all of it."""
    at = _moment(entry.at)
    facts = table(
        [
            ("said", f"{at}, number {entry.seq} of its feed"), ("by", plain(f"{entry.author_name} {entry.author}".strip())),
            ("type", plain(f"{entry.type}, topic {entry.topic}")), ("hash", entry.hash),
        ]
    )  # fmt: skip
    if entry.body is None:
        return Group(facts, Text(f"\n{plain(entry.problem or 'Its content was erased.')}", style="yellow"))
    body = json.dumps(entry.body, ensure_ascii=False, indent=1)[:MOST_BODY]
    told = Text(f"\n{plain(_about(entry, names))}\n", style="bold")
    return Group(facts, told, Text("\n".join(plain_lines(body, most=400))))


def _moment(at: float) -> str:
    """In full. A clock may say what no calendar has: it is its author's word."""
    try:
        return datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"second {at:.0f} since 1970"


def verdict(found: Verification) -> list[tuple[str, str]]:
    """What a verification found, in words."""
    sign, words = ("✓", "nothing is wrong") if found.ok else ("✗", f"{len(found.problems)} problems")
    counts = f"{many(found.feeds, 'feed')}, {many(found.entries, 'entry', 'entries')}, {found.control_entries} decided: {words}"
    problems = [("removed", one) for one in found.problems]
    return [
        ("added" if found.ok else "removed", f"{sign} {counts}"),
        *problems,
        *(("note", one) for one in found.forks),
    ]
