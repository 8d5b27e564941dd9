"""The control log at work: finding or founding a mesh, leading it or following it.

Acts under one lock: joining, founding, leading and taking in entries never overlap, so this peer is at every moment in
one mesh, in one role.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast

import structlog
import trio

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control import authority, candidacy, entries, parameters, raft_wire, seating, told
from chorus_tui.engine.control.consensus import Consensus
from chorus_tui.engine.control.discovery import Discovery
from chorus_tui.engine.control.entries import Commit
from chorus_tui.engine.control.folding import Folding
from chorus_tui.engine.control.followers import PROTOCOL as CONTROL_LOG
from chorus_tui.engine.control.followers import Following
from chorus_tui.engine.control.governing import Governing
from chorus_tui.engine.control.interface import ControlEntry, ControlFold, Member, NoMesh, NotAdmin, Person
from chorus_tui.engine.control.join import Newcomer
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.merging import Merging
from chorus_tui.engine.control.raft_ready import Timing
from chorus_tui.engine.control.settings import ControlSettings, Fare
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.control.surroundings import Surroundings
from chorus_tui.engine.control.voter_streams import VoterStreams
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.control.wishes import Check, Wishes
from chorus_tui.engine.journal.database import Database
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.hlc import HybridClock
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity, short

log = structlog.get_logger("chorus.control")

LEAST_WINDOW_S = 0.2
"""Below this, candidates would collide by their own slowness."""
OPEN_TO_STRANGERS = ("/chorus/join/1.0.0", "/chorus/addresses/1.0.0", "/ipfs/")


class ControlService:
    """See :class:`chorus_tui.engine.control.interface.Control`."""

    def __init__(
        self, me: Identity, agent_id: str, kind: Literal["agent", "human"], role: str, expertise: list[str],
        database: Database, mesh: Mesh, journal: FeedJournal, clock: Clock, entropy: Entropy, events: EventBus,
        settings: ControlSettings,
    ) -> None:  # fmt: skip
        self.me = me
        self.who = Newcomer(me.peer_id, agent_id, kind, role, expertise, settings.ephemeral)
        self.mesh = mesh
        self.journal = journal
        self.clock = clock
        self.entropy = entropy
        self.settings = settings
        self.store = ControlStore(database)
        self.consensus: Consensus | None = None
        self.lock = trio.Lock()
        self.started = 0.0
        self.fare: Callable[[], Fare] = Fare
        self.dissolving = False
        self.obstacle = ""
        """Why this peer does not decide although it is a voter."""
        self.others: dict[str, str] = {}
        """Other founded meshes in reach: mesh id → peer that told."""
        self._hlc = HybridClock(me.peer_id[-8:])
        self._events = events
        self._folding = Folding(self.store, journal)
        self._watchers: list[Callable[[], None]] = []
        self.ever: set[str] = set()
        """Peers that were members once, of this mesh or of one whose log is kept."""
        self.streams = VoterStreams(mesh, self._receive)
        self.closed: set[str] = set()
        """Meshes whose log is here to its last entry."""
        self.following = Following(self)
        self.wishes = Wishes(self)
        self.governing = Governing(self)
        self.discovery = Discovery(self)
        self.merging = Merging(self)
        journal.set_membership(self.is_member, self.was_member)
        mesh.set_gate(self.may_open)

    # ── the interface ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def log(self) -> Log | None:
        """What is decided in the mesh this peer belongs to."""
        return self.consensus.log if self.consensus else None

    @property
    def mesh_id(self) -> str | None:
        return self.log.mesh_id if self.log else None

    @property
    def term(self) -> int:
        return self.log.term if self.log else 0

    @property
    def commit(self) -> int:
        return self.log.index if self.log else 0

    @property
    def admin(self) -> str | None:
        election = self.log.elections.get(self.log.term) if self.log else None
        return election.admin if election else None

    @property
    def is_admin(self) -> bool:
        """Also False in a mesh that went into another one: nothing is decided there any more."""
        leads = self.consensus is not None and self.consensus.leads and not self.dissolving
        return leads and self.log is not None and self.log.roster.absorbed_by is None

    @property
    def voters(self) -> tuple[str, ...]:
        return self.log.roster.voters.peers if self.log else ()

    @property
    def members(self) -> dict[str, Member]:
        return self.log.roster.members if self.log else {}

    @property
    def persons(self) -> dict[str, Person]:
        return self.log.roster.persons if self.log else {}

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.log.roster.parameters if self.log else parameters.DEFAULTS)

    @property
    def state(self) -> Literal["discovering", "joining", "provisional", "member", "no_admin"]:
        if self.log is None:
            return "joining" if self.discovery.joining else "discovering"
        if not self.is_admin and not self.admin_reachable():
            return "no_admin"
        return "provisional" if self.log.roster.provisional else "member"

    @property
    def detail(self) -> str:
        return told.detail(self)

    def meaning(self) -> str:
        """What the present voters can bear, in words."""
        return told.meaning(self)

    def fold(self, fold: ControlFold) -> None:
        self._folding.add(fold)

    def on_change(self, handler: Callable[[], None]) -> None:
        self._watchers.append(handler)

    async def propose(self, type_: str, data: dict[str, Any], *, request: dict[str, Any] | None = None) -> ControlEntry:
        if self.log is None:
            raise NoMesh(self.detail)
        if not self.is_admin or self.consensus is None:
            raise NotAdmin(f"The admin is {self.name(self.admin)}")
        return await self.consensus.propose(type_, data, request)

    async def request(self, type_: str, data: dict[str, Any]) -> int:
        return await self.wishes.request(type_, data)

    def on_request(self, type_: str, check: Check) -> None:
        self.wishes.on_request(type_, check)

    def admin_heard_s(self) -> float | None:
        if self.is_admin:
            return 0.0
        if self.admin is None or self.consensus is None:
            return None
        heard = self.following.heard_s()
        direct = self.consensus.core.heard_s() if self.consensus.core.leader == self.admin else None
        return min((seconds for seconds in (heard, direct) if seconds is not None), default=None)

    def silent_s(self) -> float:
        """Seconds without an admin: since one was last in reach or this peer was one, at most since it was started."""
        return self.clock.monotonic() - max(self.started, self.following.had_admin_at)

    def admin_reachable(self) -> bool:
        """Whether the admin was heard lately."""
        return (heard := self.admin_heard_s()) is not None and heard <= self.parameters["admin_timeout_s"]

    # ── who may what ───────────────────────────────────────────────────────────────────────────────────────────────

    def is_member(self, peer_id: str) -> bool:
        """A member of the present mesh; this peer always is."""
        return peer_id == self.me.peer_id or peer_id in self.members

    def was_member(self, peer_id: str) -> bool:
        """A member of any mesh known here, now or before; this peer always is."""
        return self.is_member(peer_id) or peer_id in self.ever

    def may_open(self, peer_id: str, protocol: str) -> bool:
        """The mesh's gate: strangers reach only what joining needs, and former members the logs of closed meshes."""
        left_behind = protocol == CONTROL_LOG and peer_id in self.ever
        return self.is_member(peer_id) or left_behind or protocol.startswith(OPEN_TO_STRANGERS)

    def may(self, peer_id: str, act: authority.Act) -> bool:
        """Whether a member's authority suffices."""
        return authority.may(self.members.get(peer_id), act)

    def name(self, peer_id: str | None) -> str:
        """A member's name, with its id where the name is another's too; the short id of a stranger."""
        if peer_id is None:
            return "nobody"
        member = self.members.get(peer_id)
        if member is None:
            return short(peer_id)
        return f"{member.agent_id} ({short(peer_id)})" if member.clash else member.agent_id

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Load what is on disk and replay the folds. A sole voter leads again at once, others listen first."""
        self.started = self.clock.monotonic()
        current = self.store.current_mesh()
        for mesh_id in self.store.meshes():
            loaded, decided, undecided = self.store.load(mesh_id)
            self.ever |= loaded.roster.ever
            self.merging.note(loaded.roster)
            if loaded.roster.absorbed_by is not None:
                self.closed.add(mesh_id)
            if mesh_id == current:
                seat = await seating.seat_of(self, loaded)
                self.consensus = Consensus(self._around(), loaded, seat, undecided)
                self.consensus.wait_first(self.settings.grace_s)
            self.replay(decided)
        if self.consensus is not None and self.consensus.log.roster.voters.seats == (self.consensus.seat,):
            await self.consensus.campaign("discovery_failure")

    def _around(self) -> Surroundings:
        return Surroundings(
            self.me, self.store, self.lock, self.hlc, self.clock.monotonic, _timing, self._delay, self.streams.post,
            self._committed, partial(told.happened, self), self.following.fetch_soon,
        )  # fmt: skip

    def _delay(self) -> float:
        window = max(self.parameters["admin_timeout_s"] / 15, LEAST_WINDOW_S)
        return candidacy.delay(window, self.governing.rank(), self.entropy.uniform(0.0, 1.0))

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        await self.mesh.join(topics.ELECTION)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.following.run)
            nursery.start_soon(self.discovery.run)
            nursery.start_soon(self.streams.run)
            nursery.start_soon(self.governing.run)
            nursery.start_soon(self._tick)
            nursery.start_soon(self.merging.run)
            nursery.start_soon(seating.resume, self)
            task_status.started()

    async def _tick(self) -> None:
        """The core's sense of time."""
        while True:
            consensus = self.consensus
            if consensus is None or not consensus.core.votes:
                await trio.sleep(0.5)
                continue
            core = consensus.core
            await trio.sleep(min(max(core.due - self.clock.monotonic(), 0.001), core.timing.patience))
            try:
                await consensus.tick()
            except Exception:  # a write failed: the core was made again from the disk, as after a crash
                log.exception("The control log could not be written; it is tried again")

    async def _receive(self, peer_id: str, raw: bytes) -> None:
        frame = raft_wire.decode(raw)
        consensus = self.consensus
        if consensus is None or frame.mesh_id != consensus.mesh_id or not self.is_member(peer_id):
            return
        if isinstance(frame.message, raft_wire.Report):
            self.governing.note(peer_id, frame)
        else:
            await consensus.receive(peer_id, frame)

    async def leave(self) -> None:
        """An orderly stop: hand over. The only voter of a larger mesh says what that means."""
        await self.governing.leave()
        if self.voters == (self.me.peer_id,) and len(self.members) > 1:
            self.say(
                "warning", "⚠️ This peer is the only voter: until it is back the mesh has no admin, and new tasks wait"
            )
        if self.consensus is not None:
            self.consensus.stop()

    # ── changing mesh and role, under the lock ─────────────────────────────────────────────────────────────────────

    async def found(self) -> None:
        """Found a mesh of one."""
        async with self.lock:
            if self.consensus is not None:
                return
            wished = {k: v for k, v in self.settings.parameters.items() if k in parameters.BOUNDS}
            made, entry, seat = await seating.found(
                self.me, self.store, self.hlc, self.who.member("master"), wished, self.entropy.bytes(16).hex(),
                self.settings.binding,
            )  # fmt: skip
            self.consensus = Consensus(self._around(), made, seat, [])
            self.consensus.lead_founded()
            self.ever |= made.roster.ever
            told.elected(self, 1)
            self.replay([entry])
            self.changed()

    def _committed(self, decided: list[ControlEntry], commit: Commit) -> None:
        """Entries count now, whoever decided them."""
        if self.consensus is not None:
            self.ever |= self.consensus.log.roster.ever
            if self.consensus.seat in self.consensus.log.roster.voters.seats:
                self.obstacle = ""
        self.replay(decided)
        for entry in decided:
            if entry.type == entries.HAND_OVER:
                self.governing.hand_over_soon()
            if entry.type == entries.TERM_OPENED:
                self.governing.led(entry.admin)
                if entry.admin != self.me.peer_id:
                    self.say(
                        "info",
                        f"👑 Following {self.name(entry.admin)}, the admin of term {entry.term}",
                        term=entry.term,
                    )
        if self.consensus is not None and self.consensus.leads:
            self.following.announce(decided, commit)
        self.changed()

    def resume_as(self, seat: Seat) -> None:
        """Go on in the present mesh from another seat."""
        assert self.consensus is not None
        self.consensus.retire()
        _, _, undecided = self.store.load(self.consensus.mesh_id)
        self.consensus = Consensus(self._around(), self.consensus.log, seat, undecided)
        self.obstacle = ""

    def adopt(self, new: Log, seat: Seat, decided: list[ControlEntry], *, leads: bool = False) -> None:
        """Belong to ``new``, whose entries were just verified and stored; ``leads`` when this peer founded it."""
        if self.consensus is not None:
            self.consensus.retire()
            if self.consensus.log.roster.absorbed_by is not None:
                self.closed.add(self.consensus.mesh_id)
        self.obstacle = ""
        self.consensus = Consensus(self._around(), new, seat, [])
        if leads:
            self.consensus.lead_founded()
        self.ever |= new.roster.ever
        self.others.pop(new.mesh_id, None)
        self.replay(decided)
        self.changed()

    def replay(self, decided: list[ControlEntry]) -> None:
        """Every fold takes them."""
        self._folding.replay(decided)

    def changed(self) -> None:
        """Tell everybody who watches; feeds of new members are fetched."""
        self.journal.members_changed()
        for watcher in self._watchers:
            watcher()

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def hlc(self) -> str:
        """The next reading of this peer's clock, for entries."""
        return str(self._hlc.tick(self.clock.wall()))

    def say(self, level: str, text: str, **fields: Any) -> None:
        """One line for people."""
        self.journal.say_line(level, text, **fields)

    def overruled(self) -> list[str]:
        """Local settings that the mesh's parameters overrule."""
        if self.log is None:
            return []
        return parameters.overruled(self.settings.parameters, cast("dict[str, float]", self.parameters))

    def export(self, after: int, limit: int) -> list[str]:
        """Lines of all logs kept here, from line ``after`` on."""
        return self.store.export_lines(after, limit)

    def verify(self) -> tuple[int, list[str]]:
        """Check all logs kept here from their first entry: how many entries, what is wrong."""
        return self.store.verify()


def _timing(current: Log) -> Timing:
    """The mesh's parameters, as the core takes them."""
    in_force = current.roster.parameters
    timeout = in_force["admin_timeout_s"]
    return Timing(in_force["heartbeat_s"], timeout, max(timeout / 30, LEAST_WINDOW_S))
