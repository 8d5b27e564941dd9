"""Keys and themes of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chorus_tui.look import kept
from chorus_tui.widgets.dialogs import Confirm
from chorus_tui.widgets.event_log import EventLog
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import settle, until
from tests.ui.test_look import show, start, text_of
from tests.ui.worlds import everything


def test_a_keymap_changes_keys_and_names_what_is_wrong_and_a_theme_is_kept(tmp_path):
    """The new key works, the old one does nothing, a wrong line is told on the screen; the help shows the new key. A theme that is
    chosen is in the folder afterwards."""
    Path(tmp_path, "keymap.toml").write_text('"go.peers" = "f3"\n"tasks.nothing" = "z"\n')

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        assert "tasks.nothing" in text_of(pilot)
        await pilot.press("3")
        await settle(pilot, 1)
        assert pilot.app.current_mode == "tasks"
        await pilot.press("f3")
        await until(pilot, lambda: pilot.app.current_mode == "peers", "the new key")
        await pilot.press("1", "slash", *"go.peers")
        await settle(pilot)
        assert "f3" in text_of(pilot)
        pilot.app.theme = "chorus-light"
        await until(pilot, lambda: kept.chosen(tmp_path, "theme") == "chorus-light", "kept")

    start(steps, everything(), folder=tmp_path)


def test_a_keymap_changes_the_keys_of_boxes_and_their_words_with_them(tmp_path):
    """The new keys do it, the old ones do nothing, and each box names those that hold."""
    lines = ['"confirm.yes" = "j"', '"form.send" = "f5"', '"log.first" = "ctrl+g"', '"dialog.back" = "escape,f4"']
    Path(tmp_path, "keymap.toml").write_text("\n".join(lines))

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("x")
        await until(pilot, lambda: "j  yes, do it" in text_of(pilot), "asked with its key")
        await settle(pilot, 4)
        await pilot.press("y")
        await settle(pilot, 1)
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press("j")
        await until(pilot, lambda: "tasks.cancel" in [name for name, _ in engine.calls], "cancelled")
        await pilot.press("a")
        await until(pilot, lambda: "Announce  f5" in text_of(pilot), "the form with its key")
        await pilot.press("f5")
        await until(pilot, lambda: "is needed" in text_of(pilot), "it was sent, and looked at")
        await pilot.press("escape")
        await pilot.press("colon")
        await until(pilot, lambda: "escape f4  back" in text_of(pilot), "the prompt")
        await pilot.press("f4")
        await show(pilot, "status")
        log = pilot.app.screen.query_one(EventLog)
        log.focus()
        await settle(pilot, 1)
        await pilot.press("ctrl+g")
        assert not log.following

    start(steps, everything(), folder=tmp_path)
