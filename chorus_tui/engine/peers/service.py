"""Peers at work: says what this peer is, hears what others are, answers who is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
import trio

from chorus_tui.contract.models.peers import ConnectPeer, Peer, PeerList
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Link, Mesh, MeshError
from chorus_tui.engine.peers import addresses, keeping_out
from chorus_tui.engine.peers.directory import Directory, Reported, Said, describe
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import (
    AvailabilityBroadcast,
    CapabilityBroadcast,
    Goodbye,
    Message,
    RoleAnnouncement,
)
from chorus_tui.engine.protocol.messages.roles import StatusUpdate

log = structlog.get_logger("chorus.peers")

AVAILABLE_EVERY_S = 30.0
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Self:
    """What this peer says of itself."""

    peer_id: str
    agent_id: str
    kind: Literal["agent", "human"]
    role: str
    expertise: tuple[str, ...]
    specialization: str
    reports_to: str
    version: str
    max_tasks: int
    approval: Literal["auto", "risky", "always"] = "auto"
    age_recipient: str = ""
    """Opens what is sealed for this peer; empty: nothing can be."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy this peer is. ``languages`` is None without a Docker Engine."""

    running: int
    draining: bool
    languages: tuple[str, ...] | None
    load: float = 0.0
    models: tuple[str, ...] = ()
    """Language models that answer now."""


class PeerService:
    """A fold over feeds, plus fleeting availability."""

    types = frozenset({"role_announcement", "capability_broadcast", "goodbye", "status_update"})

    def __init__(
        self,
        me: Self,
        journal: Journal,
        control: Control,
        mesh: Mesh,
        clock: Clock,
        events: EventBus,
        load: Callable[[], Load],
    ) -> None:
        self.me = me
        self._journal = journal
        self._control = control
        self._mesh = mesh
        self._clock = clock
        self._events = events
        self._load = load
        self._began: float | None = None
        self._directory = Directory()
        self._shown: dict[str, Peer] = {}
        self._wake = Bell()
        self._told: tuple[Any, ...] = ()
        self._told_at = -1e9
        self._said_role = ""
        self._said_capability: dict[str, Any] = {}
        journal.fold(self)
        journal.on_fleeting("availability_broadcast", self._hear)
        control.on_change(self.nudge)
        mesh.on_link(self._on_link)

    def nudge(self) -> None:
        """Something changed: look again soon."""
        self._wake.ring()

    def become(self, me: Self) -> None:
        """This peer was told otherwise: it says so to all."""
        self.me, self._said_role = me, ""
        self.nudge()

    def _on_link(self, peer_id: str, connected: bool) -> None:
        if connected:
            self._told_at = -1e9  # a newcomer hears our availability at once
        if not connected:
            self._directory.of(peer_id).availability = None
        self.nudge()

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        at_ms = int(entry.header.hlc.partition(":")[0])
        if isinstance(message, RoleAnnouncement):
            self._directory.role(entry.author, message, at_ms)
        elif isinstance(message, CapabilityBroadcast):
            self._directory.capability(entry.author, message, at_ms)
        elif isinstance(message, Goodbye):
            self._directory.goodbye(entry.author, at_ms)
        elif isinstance(message, StatusUpdate) and entry.header.topic == topics.hierarchy(self.me.agent_id):
            self._directory.report(entry.author, message, at_ms)
        self.nudge()

    def reset(self) -> None:
        """The journal's fold begins anew; availability is no part of it."""
        self._directory.reset()
        self.nudge()

    async def _hear(self, author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, AvailabilityBroadcast)
        self._directory.availability(author, message, self._clock.wall())
        self.nudge()

    # ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        self._began = self._clock.monotonic()
        task_status.started()
        while True:
            await self._wake.rung(LOOK_S, PAUSE_S)
            if self._control.mesh_id is not None:
                await self._say_what_i_am()
                await self._say_how_busy()
            self._publish()

    async def _say_what_i_am(self) -> None:
        me = self.me
        if self._said_role != self._control.mesh_id:
            self._said_role = self._control.mesh_id or ""
            data = {
                "agent_id": me.agent_id, "kind": me.kind, "role": me.role, "expertise": list(me.expertise),
                "specialization": me.specialization, "reports_to": me.reports_to, "version": me.version,
                "age_recipient": me.age_recipient,
            }  # fmt: skip
            await self._journal.say("role_announcement", data)
        load = self._load()
        languages = load.languages
        capability = {
            "agent_id": me.agent_id, "languages": list(languages or ()), "max_tasks": me.max_tasks, "docker": languages is not None,
            "approval": me.approval, "models": list(load.models),
        }  # fmt: skip
        if capability != self._said_capability:
            reason = _reason(self._said_capability, capability)
            self._said_capability = capability
            await self._journal.say("capability_broadcast", {**capability, "reason": reason})

    async def _say_how_busy(self) -> None:
        load = self._load()
        status = "draining" if load.draining else _status(load.running, self.me.max_tasks)
        now = self._clock.monotonic()
        say = (status, load.running, self.me.max_tasks)
        if say == self._told and now - self._told_at < AVAILABLE_EVERY_S:
            return
        self._told, self._told_at = say, now
        data = {
            "agent_id": self.me.agent_id, "status": status, "current_tasks": load.running, "max_tasks": self.me.max_tasks,
            "load": load.load,
        }  # fmt: skip
        self._directory.availability(self.me.peer_id, AvailabilityBroadcast.model_validate(data), self._clock.wall())
        await self._journal.whisper("availability_broadcast", data)

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def peers(self) -> list[Peer]:
        """This peer first, then the others by state and name."""
        links, members, bans = self._mesh.links(), self._control.members, self._mesh.bans()
        ids = {self.me.peer_id} | set(links) | set(members) | set(bans)
        now = self._clock.wall()
        found = [
            describe(
                peer_id, self._directory.said.get(peer_id) or Said(), members.get(peer_id), links.get(peer_id),
                me=self.me.peer_id, admin=self._control.admin, now=now,
                link_age=self._age(peer_id, links.get(peer_id)), ban=bans.get(peer_id), held_against=self._mesh.held_against(peer_id),
            )
            for peer_id in ids
        ]  # fmt: skip
        order = {"connected": 0, "suspect": 1, "away": 2, "banned": 3, "blocked": 3, "gone": 4}
        mine = next(peer for peer in found if peer.is_self)
        named = self._control.name(mine.peer_id) if mine.member else self.me.agent_id
        own = {"agent_id": self.me.agent_id, "name": named, "kind": self.me.kind, "addresses": self._mesh.addresses()}
        mine = mine.model_copy(update=own)
        others = sorted((peer for peer in found if not peer.is_self), key=lambda p: (order[p.state], p.name, p.peer_id))
        return [mine, *others]

    def _age(self, peer_id: str, link: Link | None) -> float | None:
        """Seconds since the link came up, of this peer itself since it began; links count monotonic time."""
        since = self._began if peer_id == self.me.peer_id else link.since if link else None
        return None if since is None else max(0.0, self._clock.monotonic() - since)

    def said(self, peer_id: str) -> Said:
        """What a peer said of itself."""
        return self._directory.said.get(peer_id) or Said()

    def reports(self) -> dict[str, Reported]:
        """By peer id, what members reported to this one last."""
        found = {peer_id: self.said(peer_id).report for peer_id in self._control.members}
        return {peer_id: report for peer_id, report in found.items() if report is not None}

    def recipients(self, roles: Sequence[str], peers: Sequence[str] = ()) -> dict[str, str]:
        """By peer id, the age recipients of members that were granted one of these roles, and of these peers. Who took the name of
        another holds nothing by a role."""
        wanted = {topics.part(role) for role in roles}
        found = {}
        for peer_id, member in self._control.members.items():
            role = self.said(peer_id).role
            granted = bool(member.role) and not member.clash and topics.part(member.role) in wanted
            named = peer_id in peers or granted
            if named and role is not None and role.age_recipient:
                found[peer_id] = role.age_recipient
        return found

    def _publish(self) -> None:
        """What changed since somebody listened last."""
        if not self._events.wanted("peers"):
            return
        fresh = {peer.peer_id: peer for peer in self.peers()}
        for peer_id, peer in fresh.items():
            if self._shown.get(peer_id) != peer:
                self._events.publish("peers", peer_id, peer.model_dump())
        for peer_id in self._shown.keys() - fresh.keys():
            self._events.publish("peers", peer_id, None)
        self._shown = fresh

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return {"peers.list": self._list, "peers.connect": self._connect, **keeping_out.handlers(self, self._mesh)}

    async def _list(self, _request: Any, _caller: Any) -> PeerList:
        return PeerList(peers=self.peers())

    async def _connect(self, request: ConnectPeer, _caller: Any) -> Peer:
        if wrong := addresses.fault(request.address):
            raise invalid({"address": wrong})
        try:
            peer_id = await self._mesh.connect(request.address)
        except MeshError as error:
            raise Problem(502, "unreachable", f"{request.address} cannot be reached", str(error)) from error
        return next((peer for peer in self.peers() if peer.peer_id == peer_id), self.peers()[0])


def _status(running: int, most: int) -> str:
    """The original's rule: busy when full, working when some, ready when none."""
    if running >= most:
        return "busy"
    return "working" if running else "ready"


def _reason(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Why it is said again."""
    if not before:
        return "startup"
    return "model_change" if {**before, "models": now["models"]} == now else "capability_change"
