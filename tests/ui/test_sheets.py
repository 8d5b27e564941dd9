"""What a screen looks like is worked out once in a process, and again only for other colours."""

from __future__ import annotations

from collections import Counter
from typing import Any

from textual.cache import LRUCache
from textual.css import stylesheet

from chorus_tui.commands.places import PLACES
from chorus_tui.look import sheets
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import play, settle, until
from tests.ui.worlds import everything


def test_no_style_sheet_is_parsed_twice_for_the_same_colours(monkeypatch):
    """Not by the first screen, not by others, not by a second portal; another theme has its own colours, and the one before comes back."""
    parsed: Counter[tuple[str, ...]] = Counter()
    parse = stylesheet.parse
    monkeypatch.setattr(sheets, "_PARSED", LRUCache(sheets.MOST_THEMES))

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        def counted(scope: str, css: str, read_from: Any, *rest: Any, **more: Any) -> Any:
            parsed[pilot.app.theme, scope, css, *map(str, read_from)] += 1
            return parse(scope, css, read_from, *rest, **more)

        monkeypatch.setattr(stylesheet, "parse", counted)
        for mode in PLACES:
            await pilot.app.action_show(mode)
            await until(pilot, lambda: True, "shown whole")
        grounds = []
        for theme in ("chorus-light", "chorus-dark"):
            pilot.app.theme = theme
            await settle(pilot, 1)
            grounds.append(pilot.app.screen.styles.background.hex)
        assert grounds == ["#FAFAF7", "#121417"]

    play(steps, engine=everything())
    assert max(parsed.values()) == 1
    assert {theme for theme, *_ in parsed} == {"chorus-dark", "chorus-light"}
    once = len(parsed)
    play(steps, engine=everything())

    assert (len(parsed), max(parsed.values())) == (once, 1)
