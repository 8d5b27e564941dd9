"""A diff to read and to talk about: files and hunks in colours, what was said of each at its place, one hunk chosen.

Whatever a line says is shown and never obeyed: no markup, no control of the terminal. Lines are folded at the width, so that none
is cut, and only the rows that are seen are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.text import Span, Text
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chorus_tui.contract.counting import many
from chorus_tui.contract.diff import FileDiff, Hunk
from chorus_tui.widgets.plain import plain

MOST_LINES: Final = 20_000
MOST_SYNTAX: Final = 400
"""Lines of a hunk whose language is looked for."""

Place = tuple[str, int, int | None]
"""File, hunk, line of the hunk; None: the hunk as such."""

_TINTS = {
    True: {"+": Style(bgcolor="#14301d"), "-": Style(bgcolor="#3a191c")},
    False: {"+": Style(bgcolor="#d9f2dc"), "-": Style(bgcolor="#f8dcdc")},
}
_SIGNS = {"+": Style(color="green", bold=True), "-": Style(color="red", bold=True)}
_KINDS = {
    "added": "new file", "deleted": "deleted", "renamed": "renamed from", "copied": "copied from", "changed": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody said at a place."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A hunk that can be gone to; a file without hunks is one, too (``hunk`` 0)."""

    file: str
    hunk: int
    line: int
    """Index of the line that heads it."""


class Hunks(ScrollView, can_focus=True):
    """Lines about it first, then the diff."""

    DEFAULT_CSS = "Hunks { height: 1fr; overflow-x: hidden; overflow-y: scroll; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: list[Text] = []
        self._stops: list[Stop] = []
        self._about = 0
        """How many lines stand before the diff."""
        self._at = 0
        self._rows: list[tuple[Text, int]] = []
        """Folded lines, each with the index of its line."""

    # ── what is shown ──────────────────────────────────────────────────────────────────────────────────────────────

    def show(
        self, about: Sequence[Text], files: Sequence[FileDiff], remarks: Mapping[Place, Sequence[Remark]], *, anew: bool = True
    ) -> None:  # fmt: skip
        """Show a diff; unless ``anew``, the place that was looked at stays."""
        before = self.place
        self._lines, self._stops = [], []
        self._lines += about
        self._about = len(about)
        for file in files:
            self._add_file(file, remarks)
            if len(self._lines) > MOST_LINES:
                self._lines.append(
                    Text(f"… the rest is too long to be shown; {many(len(files), 'file')} in all", style="bold")
                )
                break
        self._at = 0 if anew else next((n for n, stop in enumerate(self._stops) if (stop.file, stop.hunk) == before), 0)
        self._fold()
        if anew:
            self.scroll_to(0, 0, animate=False)

    def _add_file(self, file: FileDiff, remarks: Mapping[Place, Sequence[Remark]]) -> None:
        head = Text(plain(file.path), style="bold")
        if word := _KINDS[file.kind]:
            head.append(
                f"  {word}{f' {plain(file.old)}' if file.kind in ('renamed', 'copied') else ''}", style="not bold dim"
            )
        if file.mode:
            head.append(f"  mode {file.mode}", style="not bold dim")
        head.append(f"  +{file.added} -{file.removed}" if not file.binary else "  binary", style="not bold dim")
        self._lines.append(head)
        if not file.hunks:
            self._stop(file.path, 0, Text("  (no lines to show)", style="dim"), remarks)
        dark = self.app.current_theme.dark
        for number, hunk in enumerate(file.hunks):
            title = f"@@ hunk {number + 1} of {len(file.hunks)}, line {hunk.new_start} @@{plain(hunk.heading)}"
            self._stop(file.path, number, Text(title, style="cyan"), remarks)
            for index, line in enumerate(_coloured(file.path, hunk, dark)):
                self._lines.append(line)
                self._remarks(remarks.get((file.path, number, index), ()))
            if len(self._lines) > MOST_LINES:
                return

    def _stop(self, file: str, hunk: int, title: Text, remarks: Mapping[Place, Sequence[Remark]]) -> None:
        self._stops.append(Stop(file, hunk, len(self._lines)))
        self._lines.append(title)
        self._remarks(remarks.get((file, hunk, None), ()))

    def _remarks(self, found: Sequence[Remark]) -> None:
        for one in found:
            text = Text("       ▌ ", style="yellow")
            text.append(f"{plain(one.who)}: ", style="bold")
            self._lines.append(text.append(plain(" ".join(one.text.split())), style="not bold"))

    # ── moving ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def place(self) -> tuple[str, int] | None:
        """The file and hunk that is chosen."""
        return (self._stops[self._at].file, self._stops[self._at].hunk) if self._stops else None

    def go_hunk(self, by: int) -> None:
        """To the next hunk, or the one before."""
        self._go(self._at + by)

    def go_file(self, by: int) -> None:
        """To the first hunk of the next file, or of the one before."""
        starts = [n for n, stop in enumerate(self._stops) if not n or self._stops[n - 1].file != stop.file]
        here = max((n for n, start in enumerate(starts) if start <= self._at), default=0)
        if starts:
            self._go(starts[max(0, min(len(starts) - 1, here + by))])

    def go_to(self, path: str) -> None:
        """To the first hunk of a file, if it is among those that are shown."""
        found = next((n for n, stop in enumerate(self._stops) if stop.file == path), None)
        if found is not None:
            self._go(found)

    def _go(self, at: int) -> None:
        if not self._stops:
            return
        self._at = max(0, min(len(self._stops) - 1, at))
        line = self._stops[self._at].line
        # The name of the file stands above its first hunk.
        row = next((y for y, (_, index) in enumerate(self._rows) if index >= line - 1), 0)
        self.scroll_to(0, row, animate=False)
        self.refresh()

    # ── drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_resize(self, _event: events.Resize) -> None:
        """Fold anew."""
        self._fold()

    def _fold(self) -> None:
        width = max(1, self.scrollable_content_region.width)  # without the scrollbar, which the size has in it
        self._rows = [
            (row, index) for index, line in enumerate(self._lines) for row in self._folded(index, line, width)
        ]
        self.virtual_size = Size(width, len(self._rows))
        self.refresh()

    def _folded(self, index: int, line: Text, width: int) -> Sequence[Text]:
        """Words about it between words, lines of the diff where the width ends."""
        if line.cell_len <= width:
            return [line]
        return list(line.wrap(self.app.console, width)) if index < self._about else _cut(line, width)

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, base, at = self.scrollable_content_region.width, self.rich_style, self.scroll_offset.y + y
        if at >= len(self._rows):
            return Strip.blank(width, base)
        text, index = self._rows[at]
        chosen = bool(self._stops) and self._stops[self._at].line == index
        console = self.app.console
        # A text without spans leaves its own style out of what it renders.
        style = base + console.get_style(text.style)
        segments = Segment.apply_style(text.render(console), style, Style(reverse=True) if chosen else None)
        return Strip([one for one in segments if one.text and not one.control and one.text != "\n"]).adjust_cell_length(
            width, base
        )


def _cut(line: Text, width: int) -> list[Text]:
    cuts, at = [], 0
    for piece in chop_cells(line.plain, width)[:-1]:
        at += len(piece)
        cuts.append(at)
    return list(line.divide(cuts))


def _coloured(path: str, hunk: Hunk, dark: bool) -> list[Text]:
    """Each line of a hunk: its number, its sign, its words in the colours of their language."""
    numbered = hunk.numbered()
    bodies = [plain(line[1:]) for _, line in numbered]
    told = _in_language(path, bodies, dark) if len(bodies) <= MOST_SYNTAX else [Text(body) for body in bodies]
    found = []
    for (number, line), body in zip(numbered, told, strict=True):
        if line.startswith("\\"):
            found.append(Text("       (no newline at the end)", style="dim"))
            continue
        text = Text(style=_TINTS[dark].get(line[0], Style()))
        text.append(f"{number:>5} ", style="dim")
        text.append(f"{line[0]} ", style=_SIGNS.get(line[0], Style()))
        found.append(text.append_text(body))
    return found


def _in_language(path: str, bodies: list[str], dark: bool) -> list[Text]:
    code = "\n".join(bodies)
    syntax = Syntax(
        code, Syntax.guess_lexer(path, code), theme="ansi_dark" if dark else "ansi_light", background_color="default"
    )
    lines = list(syntax.highlight(code).split("\n", allow_blank=True))[: len(bodies)]
    # What a language makes of the lines must be the lines: else they are shown as they are.
    if [line.plain for line in lines] != bodies:
        return [Text(body) for body in bodies]
    return [Text(line.plain, spans=[_letters(span) for span in line.spans]) for line in lines]


def _letters(span: Span) -> Span:
    """Its colour without its ground, which is that of the diff."""
    style = span.style if isinstance(span.style, Style) else Style.parse(span.style)
    return Span(span.start, span.end, Style(color=style.color, bold=style.bold, italic=style.italic))
