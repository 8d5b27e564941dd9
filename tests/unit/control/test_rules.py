"""The pure rules: founding, dissolving, names, authority."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.control import entries, parameters
from chorus_tui.engine.control.authority import allowed, first_authority
from chorus_tui.engine.control.discovery import Choice, choose, dissolves
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.join import MeshView
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.control.store import binding

PEERS = st.sampled_from("abcdefgh")


@given(st.sets(PEERS, min_size=2))
def test_of_peers_that_hear_each_other_exactly_one_founds(peers):
    """Whatever they were told: the smallest."""
    founders = [
        me for me in peers
        if choose(me, peers - {me}, grace_over=True, expect=1, told_of_others=True) is Choice.FOUND
    ]  # fmt: skip

    assert founders == [min(peers)]


@given(PEERS, st.sets(PEERS), st.booleans())
def test_nobody_founds_within_the_grace_or_too_few(me, heard, told):
    """Grace and expected number come first."""
    assert choose(me, heard, grace_over=False, expect=1, told_of_others=told) is Choice.WAIT
    assert choose(me, heard, grace_over=True, expect=len(heard) + 2, told_of_others=told) is Choice.WAIT


VIEWS = st.builds(MeshView, mesh_id=st.sampled_from("123"), term=st.just(1), admin=PEERS, members=st.integers(1, 3))


@given(VIEWS, VIEWS)
def test_two_meshes_never_dissolve_into_each_other(one, other):
    """At most one of two goes; a founded one never does; of one and a larger the one does."""
    assert not (dissolves(one, other) and dissolves(other, one))
    if not one.provisional:
        assert not dissolves(one, other)
    if one.mesh_id != other.mesh_id and (one.provisional or other.provisional):
        assert dissolves(one, other) or dissolves(other, one)


def entry(index: int, type_: str, data: dict) -> ControlEntry:
    return ControlEntry("m", 1, index, "0", type_, data, None, "a", b"", "", "h")


def added(index: int, peer_id: str, name: str, **more: str) -> ControlEntry:
    return entry(index, entries.MEMBER_ADDED, {"member": {"peer_id": peer_id, "agent_id": name, **more}})


def founded() -> Roster:
    roster = Roster()
    founder = {"peer_id": "a", "agent_id": "ann", "authority": "master"}
    roster.apply(entry(1, entries.FOUNDED, {"founder": founder, "voters": ["a"], "parameters": {}}))
    return roster


@given(st.lists(st.tuples(PEERS, st.sampled_from(["ann", "bob", "cy"]), st.booleans()), max_size=20))
def test_a_name_is_one_members(steps):
    """However members come, come twice and go: of those with one name at most one is without a clash; a master stays."""
    roster = founded()
    for index, (peer_id, name, comes) in enumerate(steps, 2):
        if comes and peer_id not in roster.members:
            roster.apply(added(index, peer_id, name))
        elif not comes:
            roster.apply(entry(index, entries.MEMBER_RETIRED, {"peer_id": peer_id}))
        clear = [member.agent_id for member in roster.members.values() if not member.clash]

        assert len(clear) == len(set(clear))
        assert {member.agent_id for member in roster.members.values()} == set(clear)
        assert any(member.authority == "master" for member in roster.members.values())


def test_a_member_does_not_clash_with_itself():
    """Added a second time it keeps its name."""
    roster = founded()
    roster.apply(added(2, "b", "bob"))
    roster.apply(added(3, "b", "bob"))

    assert not roster.members["b"].clash


@pytest.mark.parametrize(
    "data", [{}, {"member": 5}, {"member": {"peer_id": "b", "agent_id": "b", "authority": "king"}}]
)
def test_data_not_of_their_type_are_skipped(data):
    """By every peer alike; nothing is raised and nobody is added."""
    roster = founded()
    roster.apply(entry(2, entries.MEMBER_ADDED, data))
    roster.apply(entry(3, "of a newer version", {"x": 1}))

    assert set(roster.members) == {"a"}


def test_who_gets_what_at_first():
    """Founder and first person are masters; then people decide and agents coordinate; each may what those below may."""
    assert first_authority("agent", founder=True, first_person=False) == "master"
    assert first_authority("human", founder=False, first_person=True) == "master"
    assert first_authority("human", founder=False, first_person=False) == "decision"
    assert first_authority("agent", founder=False, first_person=True) == "coordination"
    assert allowed("coordination", "announce") and not allowed("suggestion", "announce")
    assert allowed("master", "grant_roles") and not allowed("decision", "grant_roles")


@given(
    st.dictionaries(
        st.sampled_from([*parameters.DEFAULTS, "other"]), st.floats(allow_nan=False) | st.just("x") | st.booleans()
    )
)
def test_parameters_stay_in_bounds(stored):
    """Whatever the log says: all are there, each within its bounds, nothing else."""
    for name, value in parameters.effective(stored).items():
        low, high = parameters.BOUNDS[name]
        assert low <= value <= high


def test_a_restored_file_is_another_file(tmp_path):
    """A backup put in the place of the deleted original does not have its binding, although it may get its inode."""
    original, backup = tmp_path / "control.db", tmp_path / "backup.db"
    original.write_bytes(b"state")
    shutil.copy2(original, backup)
    before = binding(original)
    original.unlink()
    shutil.copy2(backup, original)

    assert binding(original) != before
