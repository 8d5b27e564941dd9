"""To whom a key of an older mesh may be brought."""

from __future__ import annotations

from typing import Any

import pytest
from pyrage import x25519

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.vault.key_file import RoleKey, recipient_of_secret
from chorus_tui.engine.vault.keyrings import Keyrings

OLD, PRESENT, NEXT = "1" * 64, "2" * 64, "3" * 64


class Logs:
    """The control logs of several meshes, as one fold sees them."""

    def __init__(self) -> None:
        self.keyrings = Keyrings()
        self._index: dict[str, int] = {}
        secret = str(x25519.Identity.generate())
        self.recipient = recipient_of_secret(secret)
        self.held = RoleKey(OLD, "coordination", 1, secret)

    def add(self, mesh_id: str, type_: str, data: dict[str, Any], admin: str = "ada") -> None:
        """One decided entry."""
        self._index[mesh_id] = self._index.get(mesh_id, 0) + 1
        self.keyrings.apply(ControlEntry(mesh_id, 1, self._index[mesh_id], "0", type_, data, None, admin, b"", "", ""))

    def found(self, mesh_id: str, by: str, refounds: str | None = None, **members: str) -> None:
        """A mesh, its founder a master of it, and further members with their authority."""
        founder = {"peer_id": by, "agent_id": by, "authority": "master"}
        data: dict[str, Any] = {"founder": founder, "voters": [by], "parameters": {}, "nonce": "n"}
        if refounds is not None:
            data["refounds"] = {"mesh_id": refounds, "index": 1, "head": None}
        self.add(mesh_id, entries.FOUNDED, data, by)
        for who, authority in members.items():
            member = {"peer_id": who, "agent_id": who, "authority": authority}
            self.add(mesh_id, entries.MEMBER_ADDED, {"member": member})

    def name(self, mesh_id: str, keyring: str) -> None:
        """That mesh says that the key is this keyring's."""
        self.add(mesh_id, entries.ROLE_KEY_SET, {"keyring": keyring, "version": 1, "recipient": self.recipient})

    def may_pass(self, mesh_id: str, who: str) -> bool:
        """Whether it may be brought to a member of that mesh."""
        return self.keyrings.may_pass(self.held, mesh_id, who)


@pytest.fixture
def logs() -> Logs:
    """A mesh of a master, another one and one who only works, with a key."""
    made = Logs()
    made.found(OLD, "ada", bob="master", eve="coordination")
    return made


def test_a_founder_that_might_hold_a_key_brings_it_to_all_who_may_hold_it_here(logs: Logs) -> None:
    """Newcomers of the new mesh, whom the old one never knew."""
    logs.name(OLD, "coordination")
    logs.found(PRESENT, "ada", OLD, dan="coordination")
    logs.name(PRESENT, "coordination")
    logs.found(NEXT, "dan", PRESENT, fay="coordination")
    logs.name(NEXT, "coordination")

    assert logs.may_pass(PRESENT, "dan")
    assert logs.may_pass(NEXT, "fay")


@pytest.mark.parametrize("named", ["master", "read_only"])
def test_a_founder_that_might_not_hold_it_opens_it_to_nobody(logs: Logs, named: str) -> None:
    """Whatever it calls the key; who might hold it before is brought it all the same."""
    logs.name(OLD, "master")
    logs.found(PRESENT, "eve", OLD, bob="master", dan="master")
    logs.name(PRESENT, named)

    assert not logs.may_pass(PRESENT, "eve")
    assert not logs.may_pass(PRESENT, "dan")
    assert logs.may_pass(PRESENT, "bob")


def test_a_mesh_between_that_does_not_name_the_key_opens_no_way_to_it(logs: Logs) -> None:
    """A master founded the mesh anew and had lost the key; who may only work founds that one anew, and names it as everybody's."""
    logs.name(OLD, "master")
    logs.found(PRESENT, "ada", OLD, bob="coordination", eve="coordination")
    logs.found(NEXT, "eve", PRESENT, bob="coordination")
    logs.name(NEXT, "read_only")

    assert not logs.may_pass(NEXT, "eve")
    assert logs.may_pass(NEXT, "bob")


def test_two_meshes_founded_anew_that_merged_still_bring_their_keys(logs: Logs) -> None:
    """Both halves went on with the keys of the whole; then one goes into the other. What another mesh names stops nothing here."""
    logs.name(OLD, "coordination")
    logs.found(PRESENT, "ada", OLD, dan="coordination")
    logs.name(PRESENT, "coordination")
    logs.found(NEXT, "bob", OLD)
    logs.name(NEXT, "coordination")
    logs.add(NEXT, entries.ABSORBED_BY, {"mesh_id": PRESENT}, "bob")

    assert logs.may_pass(PRESENT, "dan")


def test_a_key_of_no_mesh_before_this_one_stays_where_it_is(logs: Logs) -> None:
    """A mesh that was founded in place of none names another one's key as its own."""
    logs.name(OLD, "coordination")
    logs.found(PRESENT, "eve", None, dan="coordination")
    logs.name(PRESENT, "coordination")

    assert not logs.may_pass(PRESENT, "dan")
    assert logs.may_pass(OLD, "eve")
