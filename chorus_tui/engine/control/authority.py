"""Who may do what: a table of operations and the least authority each needs."""

from __future__ import annotations

from typing import Literal

from chorus_tui.engine.control.interface import Authority, Member

Act = Literal[
    "announce", "cancel", "cancel_any", "work", "approve", "propose", "vote", "trigger", "admit", "grant_roles"
]

_RANK: dict[Authority, int] = {"read_only": 0, "suggestion": 1, "coordination": 2, "decision": 3, "master": 4}
_LEAST: dict[Act, Authority] = {
    "announce": "coordination",
    "cancel": "suggestion",  # one's own
    "cancel_any": "decision",
    "work": "coordination",
    "approve": "decision",
    "propose": "suggestion",
    "vote": "coordination",
    "trigger": "decision",
    "admit": "decision",
    "grant_roles": "master",
}


def allowed(authority: Authority, act: Act) -> bool:
    """Whether ``authority`` suffices for ``act``."""
    return _RANK[authority] >= _RANK[_LEAST[act]]


def within(authority: object, most: Authority) -> bool:
    """Whether ``authority`` is one, and none above ``most``."""
    return authority in _RANK and _RANK[authority] <= _RANK[most]


def may(member: Member | None, act: Act) -> bool:
    """Whether a member may; nobody may who is none, nor one acting under a name that is another's."""
    return member is not None and not member.clash and allowed(member.authority, act)


def may_cancel(member: Member | None, peer_id: str, announcer: str) -> bool:
    """Cancelling one's own task needs less than cancelling another's."""
    return may(member, "cancel" if peer_id == announcer else "cancel_any")


def first_authority(kind: str, *, founder: bool, first_person: bool) -> Authority:
    """What a newcomer gets: the founder and the first person are masters; then agents coordinate and people decide."""
    if founder or (kind == "human" and first_person):
        return "master"
    return "decision" if kind == "human" else "coordination"
