"""Keyrings as the control logs decided them: versions, who may hold them, which need a new key. Pure.

A fold over every log kept here, so that the keys of a mesh that was left are known too: a mesh founded anew goes on with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.vault import rules
from chorus_tui.engine.vault.interface import Keyring
from chorus_tui.engine.vault.key_file import RoleKey, recipient_of_secret

_OF_MEMBERS = frozenset({entries.MEMBER_ADDED, entries.MEMBER_CHANGED, entries.MEMBER_RETIRED})
_CHANGING = _OF_MEMBERS | {entries.FOUNDED, entries.ROLE_KEY_SET, entries.RECOVERY_REHEARSED}


@dataclass(slots=True)
class MeshKeys:
    """The keyrings of one mesh."""

    roster: Roster = field(default_factory=Roster)
    stale: set[Keyring] = field(default_factory=set)
    """Somebody who held its newest key may not read any more."""

    def versions(self, keyring: Keyring) -> tuple[str, ...]:
        """Recipients of all versions, the first one first."""
        return self.roster.keyrings.get(keyring, ())

    def present(self, keyring: Keyring) -> str | None:
        """The recipient that new content is sealed to."""
        versions = self.versions(keyring)
        return versions[-1] if versions else None

    def missing(self) -> list[Keyring]:
        """Keyrings that should have a key and have none, or none that only those who may hold; also of roles nobody has now."""
        needed = [keyring for keyring in rules.needed(self.roster.members.values()) if not self.versions(keyring)]
        return [*needed, *sorted(self.stale)]

    def named(self, recipient: str) -> list[Keyring]:
        """The keyrings that have this key."""
        return [keyring for keyring, versions in self.roster.keyrings.items() if recipient in versions]

    def entitled(self, keyring: Keyring) -> list[str]:
        """Members that may hold it, by peer id."""
        return sorted(who for who, member in self.roster.members.items() if rules.may_hold(member, keyring))


class Keyrings:
    """Of every mesh known here."""

    def __init__(self) -> None:
        self.meshes: dict[str, MeshKeys] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called after who is who, or a keyring, changed."""

    def apply(self, entry: ControlEntry) -> None:
        """One decided entry of any mesh, each in its own order."""
        if entry.type == entries.FOUNDED:
            self.meshes[entry.mesh_id] = MeshKeys()
        found = self.meshes.get(entry.mesh_id)
        if found is None:
            return
        before: Mapping[str, Member] = dict(found.roster.members) if entry.type in _OF_MEMBERS else {}
        versions = found.roster.keyrings
        try:
            found.roster.apply(entry)
        except WireError:  # no mesh begins so; the control log refused it before
            return
        found.stale |= rules.lost(before, found.roster.members, found.roster.keyrings)
        if found.roster.keyrings is not versions:
            found.stale.discard(str(entry.data["keyring"]))
        if entry.type in _CHANGING:
            self.on_change()

    def of(self, mesh_id: str | None) -> MeshKeys:
        """Those of one mesh; none for one that is not known."""
        return self.meshes.get(mesh_id or "", _NONE)

    def may_pass(self, key: RoleKey, mesh_id: str, peer_id: str) -> bool:
        """Whether a key that is held, of this mesh or of one before it, may be brought to a member that may hold it here.

        A mesh founded anew goes on with the keys of the old one. Whoever founds one names its members and its keys, so an older
        key goes only where it could have come in the old mesh: to who might hold it there, or by the hand of a founder that might.
        """
        recipient, line = recipient_of_secret(key.secret), self._line(mesh_id)
        if not any(self.of(older).named(recipient) for older in line[1:]):
            return key.mesh_id == mesh_id
        founder = self.of(mesh_id).roster.founder
        return any(self._could_hold(recipient, line[1:], who) for who in (peer_id, founder))

    def _could_hold(self, recipient: str, line: list[str], who: str) -> bool:
        """Whether somebody could have come to hold a key in the first mesh of a line, by what that and the older ones say of it."""
        if not line:
            return False
        present, older = self.of(line[0]), line[1:]
        named = present.named(recipient)
        if not all(rules.may_hold(present.roster.members.get(who), keyring) for keyring in named):
            return False
        if not any(self.of(one).named(recipient) for one in older):
            return bool(named)
        # Where it is not named nobody brought it: who holds it there has it from before.
        hands = (who, present.roster.founder) if named else (who,)
        return any(self._could_hold(recipient, older, hand) for hand in hands)

    def _line(self, mesh_id: str) -> list[str]:
        """The mesh and those it was founded in place of, the newest first."""
        line: list[str] = []
        following: str | None = mesh_id
        while following is not None and following not in line:
            line.append(following)
            following = self.of(following).roster.refounds
        return line

    def recipients(self) -> dict[str, tuple[str, Keyring, int]]:
        """By recipient: mesh, keyring, version. A key that a mesh founded anew goes on with is that mesh's."""
        return {
            recipient: (mesh_id, keyring, version)
            for mesh_id, found in self.meshes.items()
            for keyring, versions in found.roster.keyrings.items()
            for version, recipient in enumerate(versions, 1)
        }


_NONE = MeshKeys()
