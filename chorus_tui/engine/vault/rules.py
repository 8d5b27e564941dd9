"""Who may hold which keyring, who makes a new key, who brings it to whom. Pure.

A keyring is held by the authorities that may read what its authority writes; a role's keyring by the members of that role and
by masters. So whoever is sealed to by :func:`readers_of` is exactly who may read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from chorus_tui.engine.control.interface import Authority, Member
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.vault.interface import Keyring

AUTHORITIES: tuple[Authority, ...] = ("master", "decision", "coordination", "suggestion", "read_only")
READS: dict[Authority, frozenset[Authority]] = {
    "master": frozenset(AUTHORITIES),
    "decision": frozenset({"decision", "coordination", "suggestion", "read_only"}),
    "coordination": frozenset({"coordination", "suggestion", "read_only"}),
    "suggestion": frozenset({"suggestion", "coordination", "read_only"}),
    "read_only": frozenset({"read_only"}),
}
"""Whose words an authority may read, which is also whose keyring it holds."""

ROLE = "role:"
MOST_ROLE = 64


def role_keyring(role: str) -> Keyring:
    """The keyring of a role as the control log writes it."""
    return ROLE + topics.part(role)[:MOST_ROLE]


def may_hold(member: Member | None, keyring: Keyring) -> bool:
    """Whether a member is entitled to a keyring; nobody is under a name that is another's."""
    if member is None or member.clash:
        return False
    if keyring.startswith(ROLE):
        return member.authority == "master" or (bool(member.role) and role_keyring(member.role) == keyring)
    return keyring in READS[member.authority]


def needed(members: Iterable[Member]) -> tuple[Keyring, ...]:
    """The keyrings that a mesh of these members should have, in a fixed order."""
    roles = {role_keyring(member.role) for member in members if member.role and not member.clash}
    return (*AUTHORITIES, *sorted(roles))


def readers_of(author: Member | None) -> tuple[Keyring, ...]:
    """What is sealed for who reads ``author``: its role, the authorities that may read its own, masters always."""
    if author is None:
        return ("master",)
    readers: list[Keyring] = [authority for authority in AUTHORITIES if author.authority in READS[authority]]
    return (*readers, role_keyring(author.role)) if author.role and not author.clash else tuple(readers)


def lost(before: Mapping[str, Member], after: Mapping[str, Member], keyrings: Iterable[Keyring]) -> set[Keyring]:
    """Keyrings that somebody could read before and may not any more: they need a new key for what comes."""
    return {
        keyring
        for keyring in keyrings
        if any(may_hold(member, keyring) and not may_hold(after.get(who), keyring) for who, member in before.items())
    }


def custodian(members: Mapping[str, Member], admin: str | None, present: Collection[str]) -> str | None:
    """Who makes keys: the admin when it is a master, else the master with the smallest peer id among those ``present``."""
    masters = sorted(who for who, member in members.items() if member.authority == "master" and not member.clash)
    if admin in masters and admin in present:
        return admin
    return next((who for who in masters if who in present), None)


def rank(me: str, holders: Iterable[str], present: Collection[str]) -> int:
    """How many holders come before this one when a key is to be brought to a member; 0: it is ours to do."""
    return sum(who < me for who in holders if who in present)
