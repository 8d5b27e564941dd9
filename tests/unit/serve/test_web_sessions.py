"""A tab of the browser portal: when it ends, and what it does not wait for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from chorus_tui.serve.web import sessions, tabs
from chorus_tui.serve.web.rules import Limits
from chorus_tui.serve.web.sessions import Session, Sessions
from chorus_tui.serve.web.tabs import Tab
from chorus_tui.serve.web.visits import Visit


class Unread:
    """A browser that reads nothing."""

    async def close(self, **_why: Any) -> None:
        await asyncio.Event().wait()


class Noting(Sessions):
    """It notes when each session would be over."""

    over_at: float = 0.0

    async def _serve(self, session: Session, visit: Visit, size: tuple[int, int]) -> str:
        self.over_at = session.over_at
        return ""


def test_a_tab_ends_with_its_visit_and_waits_for_no_reader(tmp_path, monkeypatch):
    """However late in a visit it was opened; a browser that reads nothing does not hold up its end."""
    monkeypatch.setattr(sessions, "GOODBYE_S", 0.05)
    ends = time.monotonic() + 60

    async def go():
        made = Noting(None, tmp_path, "read", "", Limits(visit_s=3600), lambda: None)
        async with asyncio.timeout(5):
            await made.run(Unread(), Visit("", "ana", ends), "here", (80, 24))
        return made.over_at

    assert asyncio.run(go()) == ends


def test_a_page_whose_app_has_died_is_closed(tmp_path, monkeypatch):
    """Without a last word of it; and it stands where nobody but the administrator writes, so that no module of a guest is run."""
    root = tmp_path / "root"
    root.mkdir()
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\npwd > {tmp_path}/stood\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(tabs.sys, "executable", str(program))

    async def go():
        closed = asyncio.Event()

        async def send(_data: Any) -> None:
            return None

        async def close() -> None:
            closed.set()

        tab = Tab(tmp_path, "token", str(root), write_bytes=send, write_str=send, close=close)
        await tab.start(80, 24)
        async with asyncio.timeout(10):
            await closed.wait()
        await tab.end()
        return tab.left

    assert not asyncio.run(go())
    assert (tmp_path / "stood").read_text() == "/\n"
