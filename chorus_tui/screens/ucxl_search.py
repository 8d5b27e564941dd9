"""The search of the ucxl screen: words, or an address with wildcards; and the list that an ambiguous address is chosen from."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from chorus_tui.client import EngineGone
from chorus_tui.commands.twins import line
from chorus_tui.contract.models.ucxl import Hits, SearchContent
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import SCHEME
from chorus_tui.widgets.key_words import told
from chorus_tui.widgets.plain import plain

BOX = """
    {name} {{ align: center middle; }}
    {name} > Vertical {{
        width: 100; max-width: 96%; height: auto; max-height: 90%; border: thick $accent; background: $surface; padding: 1 2;
    }}
    {name} OptionList {{ height: auto; max-height: 16; margin: 1 0; background: $surface; }}
    {name} .hint {{ color: $text-muted; }}
"""


class SearchBox(ModalScreen[str]):
    """Answers with the address that was chosen, or an empty text."""

    DEFAULT_CSS = BOX.format(name="SearchBox")
    BINDINGS = [Binding("escape", "leave", "Back", id="search.back", tooltip="Close the search")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label("Search contents")
            yield Input(placeholder="words, or ucxl://any:any@project:any/*^/path", id="words", max_length=1024)
            yield OptionList(id="hits", markup=False)
            yield Static(id="told", markup=False, classes="hint")
            yield Static(id="command", markup=False, classes="hint")
            back = told(self, "search.back", "esc")
            yield Label(
                f"enter  search, open      ↓  to what was found      {back}  back", classes="hint", markup=False
            )

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.focus()
        self.query_one(OptionList).display = False

    def action_leave(self) -> None:
        """Without a choice."""
        self.dismiss("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search."""
        event.stop()
        words = event.value.strip()
        if words:
            self._search(words)

    @work(exclusive=True, exit_on_error=False)
    async def _search(self, words: str) -> None:
        wild = words.lower().startswith(SCHEME)
        request = SearchContent(pattern=words if wild else "", text="" if wild else words[:256])
        told = self.query_one("#told", Static)
        told.update("Searching …")
        command = line("ucxl.search", text=request.text, pattern=request.pattern)
        self.query_one("#command", Static).update(f"$ {plain(command)}")
        try:
            answer = await self.app.client.call("ucxl.search", request)  # type: ignore[attr-defined]
        except (Problem, EngineGone) as error:
            told.update("\n".join(plain(line) for line in str(error).splitlines()))
            return
        self._show(answer)

    def _show(self, answer: Hits) -> None:
        found = self.query_one(OptionList)
        found.clear_options()
        for hit in answer.hits:
            found_here = Text(plain(hit.row.place), no_wrap=True, overflow="ellipsis")
            if hit.line:
                found_here.append(f"\n  {hit.line}: {plain(hit.snippet.strip())}", style="dim")
            found.add_option(Option(found_here, id=hit.row.place))
        found.display = bool(answer.hits)
        count = f"{len(answer.hits)} found" if answer.hits else "Nothing found"
        self.query_one("#told", Static).update(f"{count}. Left out: {answer.cut}" if answer.cut else f"{count}.")
        if answer.hits:
            found.highlighted = 0
            found.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it."""
        event.stop()
        self.dismiss(event.option.id or "")


class ChooseBox(ModalScreen[str]):
    """One of several addresses that a wildcard may mean; or an empty text."""

    DEFAULT_CSS = BOX.format(name="ChooseBox")
    BINDINGS = [Binding("escape", "leave", "Back", id="choose.back", tooltip="Choose none")]  # noqa: RUF012

    def __init__(self, about: str, addresses: Sequence[str]) -> None:
        super().__init__()
        self._about = about
        self._addresses = addresses

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain(self._about), markup=False)
            yield OptionList(*(Option(Text(plain(one)), id=one) for one in self._addresses), markup=False)
            back = told(self, "choose.back", "esc")
            yield Label(f"enter  open      {back}  back", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def action_leave(self) -> None:
        """None of them."""
        self.dismiss("")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """This one."""
        event.stop()
        self.dismiss(event.option.id or "")
