"""Contents in the real portal, in a real terminal, on a person's engine; checked on another peer."""

from __future__ import annotations

import pytest

from tests.integration.system.peers import CLI, Peer, eventually, mesh
from tests.integration.system.terminal import Terminal

PLACE = "ucxl://pat:developer@shop:api/*^/notes/plan.md"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_create_change_compare_and_travel_by_keys(tmp_path, width, height):
    """Written and changed by the form, read on the other peer; the two versions side by side; one back; what the other peer writes
    meanwhile shows by itself, and an edit of what is no longer the newest is kept as a sibling by both."""
    with mesh(tmp_path) as made:
        (alpha,) = made.grow("alpha")
        pat = Peer(tmp_path, "pat", kind="human", TERM="xterm-256color", CHORUS_BOOTSTRAP_PEERS=alpha.address).start()
        made.peers.append(pat)
        pat.ready()
        eventually("one mesh", made.whole, 40)
        terminal = Terminal(CLI, pat.environment, width=width, height=height)
        try:
            drive(terminal, alpha, pat)
        finally:
            terminal.close()


def drive(terminal: Terminal, alpha: Peer, pat: Peer) -> None:
    terminal.sees("admin alpha", 30)
    terminal.keys("5")
    terminal.sees("Nothing has been written yet")

    terminal.keys("n")
    terminal.sees("Write content")
    terminal.type(PLACE)
    terminal.sees("notes/plan.md")
    row = terminal.cursor_row()
    terminal.keys("Tab")
    eventually("the cursor is in the content", lambda: terminal.cursor_row() != row)
    terminal.type("Use PostgreSQL")
    terminal.sees("Use PostgreSQL")
    terminal.keys("C-s")
    terminal.sees("version 1 of 1", 30)
    assert eventually("read on the other", lambda: alpha.run("ucxl", "get", PLACE).stdout, 30) == "Use PostgreSQL"

    terminal.keys("e")
    terminal.sees("The next version, after version 1")
    terminal.type("Or SQLite? ")
    terminal.sees("Or SQLite? Use PostgreSQL")
    terminal.keys("C-s")
    terminal.sees("version 2 of 2", 30)
    terminal.keys("d")
    terminal.sees("Compare version 2 with which")
    terminal.keys("Enter")
    terminal.sees("+ Or SQLite? Use PostgreSQL")
    assert "- Use PostgreSQL" in terminal.screen()
    terminal.keys("Escape")
    terminal.sees("version 2 of 2")
    terminal.keys("~")
    terminal.sees("version 1 of 2")
    terminal.keys("l")
    terminal.sees("version 2 of 2")

    terminal.keys("e")
    terminal.sees("The next version, after version 2")
    put = alpha.run("ucxl", "put", PLACE, "-", stdin="Decided: SQLite")
    assert put.returncode == 0, put.stderr
    eventually("known here", lambda: len(pat.json("ucxl", "history", PLACE)["versions"]) == 3, 30)
    terminal.type("Mine: ")
    terminal.keys("C-s")
    terminal.sees("was written meanwhile")
    terminal.keys("C-d")
    terminal.sees("Decided: SQLite")
    terminal.keys("Escape")
    terminal.sees("Keep both")
    terminal.keys("C-b")
    terminal.sees("version 4 of 4", 30)
    terminal.sees("written at the same time as 3")
    rows = eventually(
        "both on the other", lambda: (r := alpha.json("ucxl", "history", PLACE)["versions"]) and len(r) == 4 and r, 30
    )
    assert [row["siblings"] for row in rows] == [[], [], [4], [3]]
