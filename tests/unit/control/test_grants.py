"""What somebody was granted once stays known, whatever becomes of it."""

from __future__ import annotations

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.grants import Grants
from chorus_tui.engine.control.interface import ControlEntry


def entry(mesh: str, index: int, type_: str, data: dict) -> ControlEntry:
    return ControlEntry(mesh, 1, index, "0", type_, data, None, "a", b"", "", f"{mesh}{index}")


def added(index: int, peer_id: str, name: str, **more: str) -> ControlEntry:
    return entry("m", index, entries.MEMBER_ADDED, {"member": {"peer_id": peer_id, "agent_id": name, **more}})


FOUNDED = entry(
    "m", 1, entries.FOUNDED, {"founder": {"peer_id": "a", "agent_id": "ann", "authority": "master"}, "voters": ["a"]}
)


def folded(*log: ControlEntry) -> Grants:
    made = Grants()
    for one in log:
        made.apply(one)
    return made


def test_what_was_granted_stays_known_when_it_is_taken_and_when_its_holder_leaves():
    """Authority and role, of those who are demoted and of those who are gone."""
    grants = folded(
        FOUNDED, added(2, "b", "bob", authority="coordination", role="developer"),
        entry("m", 3, entries.MEMBER_CHANGED, {"peer_id": "b", "authority": "read_only", "role": "reviewer"}),
        entry("m", 4, entries.MEMBER_RETIRED, {"peer_id": "b"}),
    )  # fmt: skip

    assert grants.could_propose("a")
    assert grants.could_propose("b")
    assert grants.roles["b"] == {"developer", "reviewer"}


def test_nobody_may_who_was_granted_nothing_or_acts_under_anothers_name():
    """Strangers, those who only ever read, who is no member when it is changed, and a second ann."""
    grants = folded(
        FOUNDED, added(2, "b", "bob"), added(3, "c", "ann", authority="decision"), added(4, "d", "dan", authority="lord"),
        entry("m", 5, entries.MEMBER_CHANGED, {"peer_id": "e", "authority": "master"}),
    )  # fmt: skip

    assert not any(grants.could_propose(peer) for peer in "bcdef")


def test_it_is_told_when_somebody_is_granted_more_and_only_then():
    """The same log again, and what changes no grant, tell nothing."""
    grants, told = Grants(), []
    grants.on_change = lambda: told.append(grants.could_propose("b"))
    promoted = entry("m", 3, entries.MEMBER_CHANGED, {"peer_id": "b", "authority": "suggestion"})
    for one in [FOUNDED, added(2, "b", "bob"), promoted, promoted, entry("m", 4, "task_granted", {}), FOUNDED]:
        grants.apply(one)

    assert told == [False, True]
