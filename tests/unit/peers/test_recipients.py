"""Whom something that is sealed to a role is sealed to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.peers.service import PeerService


@pytest.mark.parametrize(
    ("member", "named"),
    [({}, True), ({"clash": True}, False), ({"role": ""}, False), ({"role": "developer"}, False)],
    ids=str,
)
def test_a_role_is_held_by_whom_it_was_granted_and_nobody_else_by_that_name(
    member: dict[str, Any], named: bool
) -> None:
    """Who took a name that was taken holds nothing by its role, until the name is its own; by its id it can be named."""
    fields = {"role": "reviewer", "clash": False, **member}
    one = Member("p", "rev", "agent", fields["role"], (), "full", 2, fields["clash"])
    peers: Any = SimpleNamespace(
        _control=SimpleNamespace(members={"p": one}),
        said=lambda _peer: SimpleNamespace(role=SimpleNamespace(age_recipient="age1x")),
    )

    assert PeerService.recipients(peers, ["Reviewer"]) == ({"p": "age1x"} if named else {})
    assert PeerService.recipients(peers, [], ["p"]) == {"p": "age1x"}
