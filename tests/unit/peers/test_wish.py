"""What a peer asks the mesh for when it was told to be something else."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.peers.service import Self
from chorus_tui.engine.peers.wish import change


@pytest.mark.parametrize(
    ("role", "expertise", "granted", "asked"),
    [
        ("reviewer", ("go",), ("reviewer", ("go",)), {}),
        ("reviewer", ("go",), ("writer", ("go",)), {"role": "reviewer"}),
        ("reviewer", ("go", "sql"), ("reviewer", ("go",)), {"expertise": ["go", "sql"]}),
        ("", (), ("writer", ("go",)), {}),
        ("r" * 80, (), ("r" * 64, ()), {}),
        ("", ("x" * 80,) * 40, ("", ("x" * 64,) * 32), {}),
    ],
)
def test_only_what_differs_from_what_was_granted_is_asked_for(role, expertise, granted, asked):
    """Nothing wished is nothing asked; what the log had to cut short is not asked for again and again."""
    me = Self("p", "a", "agent", role, expertise, "", "", "1", 3)

    assert change(me, Member("p", "a", "agent", granted[0], granted[1], "coordination", 1)) == asked
