"""The directory, pure: what peers said of themselves, and what that makes them now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chorus_tui.contract.models.peers import Ban as PeerBan
from chorus_tui.contract.models.peers import Peer, Report
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.mesh.interface import Ban, Link
from chorus_tui.engine.protocol.identity import short
from chorus_tui.engine.protocol.messages import AvailabilityBroadcast, CapabilityBroadcast, RoleAnnouncement
from chorus_tui.engine.protocol.messages.roles import StatusUpdate

FRESH_S = 90.0
GONE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Reported:
    """What a member reported, and when by its own clock."""

    at_ms: int
    message: StatusUpdate


@dataclass(slots=True)
class Said:
    """The newest a peer said of itself; availability with the local time it was heard."""

    role: RoleAnnouncement | None = None
    role_ms: int = -1
    capability: CapabilityBroadcast | None = None
    capability_ms: int = -1
    availability: AvailabilityBroadcast | None = None
    heard_at: float | None = None
    left_ms: int = -1
    report: Reported | None = None
    """To this peer."""


@dataclass(slots=True)
class Directory:
    """By peer id. Order of entries does not matter: the newest by the author's own clock counts."""

    said: dict[str, Said] = field(default_factory=dict)

    def of(self, peer_id: str) -> Said:
        """What a peer said; empty at first."""
        return self.said.setdefault(peer_id, Said())

    def reset(self) -> None:
        """Forget what feeds said; what was heard live stays."""
        self.said = {
            peer_id: Said(availability=said.availability, heard_at=said.heard_at) for peer_id, said in self.said.items()
        }

    def role(self, peer_id: str, message: RoleAnnouncement, at_ms: int) -> None:
        """A role announcement from its feed."""
        said = self.of(peer_id)
        if at_ms > said.role_ms:
            said.role, said.role_ms = message, at_ms

    def capability(self, peer_id: str, message: CapabilityBroadcast, at_ms: int) -> None:
        """A capability broadcast from its feed."""
        said = self.of(peer_id)
        if at_ms > said.capability_ms:
            said.capability, said.capability_ms = message, at_ms

    def availability(self, peer_id: str, message: AvailabilityBroadcast, now: float) -> None:
        """A fleeting availability, heard ``now`` (local, Unix seconds)."""
        said = self.of(peer_id)
        said.availability, said.heard_at = message, now

    def report(self, peer_id: str, message: StatusUpdate, at_ms: int) -> None:
        """What it reported to this peer."""
        said = self.of(peer_id)
        if said.report is None or at_ms > said.report.at_ms:
            said.report = Reported(at_ms, message)

    def goodbye(self, peer_id: str, at_ms: int) -> None:
        """It left in order."""
        said = self.of(peer_id)
        said.left_ms = max(said.left_ms, at_ms)
        said.availability = None


def describe(
    peer_id: str,
    said: Said,
    member: Member | None,
    link: Link | None,
    *,
    me: str,
    admin: str | None,
    now: float,
    link_age: float | None,
    ban: Ban | None = None,
    held_against: float = 0.0,
) -> Peer:
    """One line of the list."""
    agent_id = member.agent_id if member else (said.role.agent_id if said.role else "")
    clash = member.clash if member else False
    name = f"{agent_id} ({short(peer_id)})" if clash else (agent_id or short(peer_id))
    fresh = said.availability if said.heard_at is not None and now - said.heard_at <= FRESH_S else None
    is_self = peer_id == me
    return Peer(
        peer_id=peer_id, agent_id=agent_id, name=name, kind=member.kind if member else (said.role.kind if said.role else "unknown"),
        role=member.role if member else "", expertise=list(member.expertise) if member else [], clash=clash,
        state=_state(said, link, ban, is_self=is_self, now=now), member=member is not None, is_admin=peer_id == admin, is_self=is_self,
        latency_ms=link.latency_ms if link else None, running=fresh.current_tasks if fresh else None,
        max_tasks=fresh.max_tasks if fresh else (said.capability.max_tasks if said.capability else None),
        status=fresh.status if fresh else "", addresses=link.addresses if link else [],
        since=said.heard_at if link_age is None else float(round(now - link_age)),
        reports_to=said.role.reports_to if said.role else "", report=_report(said.report),
        ban=None if ban is None else PeerBan(why=ban.why, since=ban.since, until=ban.until, by_person=ban.by_person),
        held_against=round(held_against),
    )  # fmt: skip


def _report(reported: Reported | None) -> Report | None:
    if reported is None:
        return None
    fields = reported.message.model_dump(include=set(Report.model_fields))
    return Report(**fields, at=reported.at_ms / 1000)


def _state(
    said: Said, link: Link | None, ban: Ban | None, *, is_self: bool, now: float
) -> Literal["connected", "suspect", "away", "gone", "banned", "blocked"]:
    if is_self:
        return "connected"
    if ban is not None:
        return "blocked" if ban.until is None else "banned"
    if link is not None:
        return "suspect" if link.suspect else "connected"
    if said.heard_at is not None and now - said.heard_at > GONE_S:
        return "gone"
    return "away"
