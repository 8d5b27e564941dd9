"""The pages on served portals tell the bounds that the code has: a number that is changed on one side alone is a lie on the other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chorus_tui.cli import hands
from chorus_tui.client import worktree
from chorus_tui.contract import diff
from chorus_tui.engine.api import connections as api_connections
from chorus_tui.engine.api import server as api_server
from chorus_tui.portals import INVITED_S
from chorus_tui.screens import task_hands
from chorus_tui.serve import bounds, pastes, typed
from chorus_tui.serve.ssh import driver, house, limits, server, session
from chorus_tui.serve.web import rules, sessions, visits
from chorus_tui.serve.web import server as web_server

ROOT = Path(__file__).parents[3]
SSH, WEB, TYPING = limits.Limits(), rules.Limits(), typed.Typing(0.0)
(LEAST_WIDE, MOST_WIDE), (LEAST_HIGH, MOST_HIGH) = rules.SIZES
PAGES = {
    "ssh.md": {
        "sessions at once": [SSH.sessions],
        "of one key": [SSH.a_key],
        "from one address": [SSH.an_address],
        "seconds without a key until a session ends": [SSH.idle_s],
        "keys that one connection may offer": [SSH.attempts],
        "seconds to log in": [SSH.login_s],
        "connections without a login, of one address in a minute": [SSH.failures],
        "connections that wait for their login, half of them from one address": [SSH.waiting],
        f"keys a second, after a burst of {TYPING.burst:g}": [TYPING.rate],
        "of one key that are logged in, with or without a session": [SSH.connections],
        "bytes of keys that wait to be looked at": [server.WINDOW],
        "bytes that wait for a client that does not read": [session.UNREAD_BYTES],
        "bytes that mean nothing, as of a paste that was refused and goes on": [driver.LONGEST_PASTE],
        "a window": [limits.LEAST_WIDTH, limits.LEAST_HEIGHT, limits.MOST_WIDTH, limits.MOST_HEIGHT],
        "a session": [house.STAY_S / 60],
    },
    "web.md": {
        "tabs at once": [WEB.sessions],
        "minutes without a key until a tab is closed": [WEB.idle_s / 60],
        "hours of a visit, until its cookie and its token are void": [WEB.visit_s / 3600],
        "visits at once": [visits.MOST],
        "minutes in which a one-time URL opens": [INVITED_S / 60],
        "connections at once, half of them from one address": [
            rules.Limits(sessions=0).connections, rules.Limits(sessions=1).connections - rules.Limits(sessions=0).connections,
        ],
        "seconds that a connection may ask for nothing": [web_server.KEPT_S],
        "bytes of one message of a browser": [WEB.message],
        f"keys a second, after a burst of {TYPING.burst:g}": [TYPING.rate],
        "seconds that what was typed may wait to be read": [sessions.UNREAD_S],
        "a window": [LEAST_WIDE, LEAST_HIGH, MOST_WIDE, MOST_HIGH],
    },
    "limits.md": {
        "connections of the API over TCP at once": [api_connections.MOST],
        "connections of the health port at once": [api_connections.MOST],
        "seconds that a connection may say nothing": [api_server.IDLE_S],
        "a paste": [pastes.PASTE],
        "a field of one line": [bounds.FIELD],
        "a text": [bounds.AREA],
        "a line of a text": [bounds.LINE],
        "a file that is given as a task's result": [task_hands.FILE_BYTES],
        "files that a patch is made of": [worktree.MOST_READ / (1 << 20)],
        "a diff": [diff.MOST_BYTES / (1 << 20)],
    },
}  # fmt: skip
"""Page, row, the numbers of its bound in their order."""


def numbers(text: str) -> list[float]:
    """Those of a cell up to what happens beyond the bound."""
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", text.partition(";")[0])]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_tells_the_bounds_of_the_code(page: str) -> None:
    """Each row of its tables that this test knows stands there, with the numbers that the code has."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    place = 1 if page == "limits.md" else 2
    told = {row[0]: numbers(row[place]) for row in cells if len(row) == 3 and row[0] in PAGES[page]}

    assert told == {name: [float(one) for one in wanted] for name, wanted in PAGES[page].items()}


def test_the_page_on_the_portal_tells_what_a_field_takes() -> None:
    """In a sentence."""
    text = " ".join((ROOT / "docs/portal.md").read_text().split())

    assert (
        f"a field of one line takes {bounds.FIELD:,} characters, a text {bounds.AREA:,} with {bounds.LINE:,} in a line"
        in text
    )
    assert f"a paste {pastes.PASTE:,}." in text


def test_no_bound_is_left_out() -> None:
    """Every field of the limits is one that a row above was made from; the command line and the screen take files of one size."""
    assert {one.name for one in fields(limits.Limits)} == {
        "sessions", "a_key", "an_address", "idle_s", "login_s", "attempts", "waiting", "failures", "failures_s",
    }  # fmt: skip
    assert SSH.failures_s == 60, "'in a minute'"
    assert {one.name for one in fields(rules.Limits)} == {"sessions", "message", "idle_s", "visit_s"}
    assert hands.FILE_BYTES == task_hands.FILE_BYTES
