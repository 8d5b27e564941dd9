"""The control log at work: finding or founding a mesh, leading it or following it.

Acts under one lock: joining, founding, leading and taking in entries never overlap, so this peer is at every moment in
one mesh, in one role.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import structlog
import trio

from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.control import authority, parameters
from chorus_tui.engine.control.discovery import Discovery
from chorus_tui.engine.control.entries import Commit
from chorus_tui.engine.control.followers import Following
from chorus_tui.engine.control.interface import ControlEntry, ControlFold, Member, NoMesh, NotAdmin
from chorus_tui.engine.control.join import Newcomer
from chorus_tui.engine.control.leader import Leader
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft import MoreVoters
from chorus_tui.engine.control.store import ControlStore
from chorus_tui.engine.journal.database import Database
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.hlc import HybridClock
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity, short

log = structlog.get_logger("chorus.control")

OPEN_TO_STRANGERS = ("/chorus/join/1.0.0", "/chorus/addresses/1.0.0", "/ipfs/")


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What this peer was told. ``binding`` names machine and file of the store, see :func:`control.store.binding`."""

    grace_s: float = 3.0
    expect: int = 1
    bootstrap: tuple[str, ...] = ()
    parameters: dict[str, float] = field(default_factory=dict)
    binding: str = ""


class ControlService:
    """See :class:`chorus_tui.engine.control.interface.Control`."""

    def __init__(
        self, me: Identity, agent_id: str, kind: Literal["agent", "human"], role: str, expertise: list[str],
        database: Database, mesh: Mesh, journal: FeedJournal, clock: Clock, entropy: Entropy, events: EventBus,
        settings: ControlSettings,
    ) -> None:  # fmt: skip
        self.me = me
        self.who = Newcomer(me.peer_id, agent_id, kind, role, expertise)
        self.mesh = mesh
        self.journal = journal
        self.clock = clock
        self.entropy = entropy
        self.settings = settings
        self.store = ControlStore(database)
        self.log: Log | None = None
        self.leader: Leader | None = None
        self.lock = trio.Lock()
        self.dissolving = False
        self.obstacle = ""
        """Why this peer does not lead a log of which it is the only voter."""
        self.others: dict[str, str] = {}
        """Other founded meshes in reach: mesh id → peer that told."""
        self._hlc = HybridClock(me.peer_id[-8:])
        self._events = events
        self._folds: list[ControlFold] = []
        self._watchers: list[Callable[[], None]] = []
        self._ever: set[str] = set()
        self.following = Following(self)
        self.discovery = Discovery(self)
        journal.set_membership(self.is_member)
        mesh.set_gate(self.may_open)

    # ── the interface ──────────────────────────────────────────────────────────────────────────────────────────────

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
        return self.leader is not None and self.leader.leads and not self.dissolving

    @property
    def voters(self) -> tuple[str, ...]:
        return self.log.roster.voters if self.log else ()

    @property
    def members(self) -> dict[str, Member]:
        return self.log.roster.members if self.log else {}

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
        if self.log is None:
            return self.discovery.detail
        if self.obstacle:
            return self.obstacle
        words = []
        if self.state == "no_admin":
            words.append(
                f"No admin: {self.name(self.admin)} is the only voter and has not been heard. Running tasks go on, new ones wait"
            )
        elif self.log.roster.provisional:
            words.append("A mesh of one: it joins the first other mesh it meets")
        words += [
            f"Another mesh ({mesh_id[:8]}) is in reach through {self.name(peer)}; two founded meshes do not merge by themselves"
            for mesh_id, peer in self.others.items()
        ]
        return ". ".join(words)

    def fold(self, fold: ControlFold) -> None:
        self._folds.append(fold)

    def on_change(self, handler: Callable[[], None]) -> None:
        self._watchers.append(handler)

    async def propose(self, type_: str, data: dict[str, Any], *, request: dict[str, Any] | None = None) -> ControlEntry:
        if self.log is None:
            raise NoMesh(self.detail)
        if not self.is_admin or self.leader is None:
            raise NotAdmin(f"The admin is {self.name(self.admin)}")
        return await self.leader.propose(type_, data, request)

    def admin_heard_s(self) -> float | None:
        if self.is_admin:
            return 0.0
        return self.following.heard_s() if self.admin else None

    def admin_reachable(self) -> bool:
        """Whether the admin was heard lately."""
        heard = self.admin_heard_s()
        return heard is not None and heard <= self.parameters["admin_timeout_s"]

    # ── who may what ───────────────────────────────────────────────────────────────────────────────────────────────

    def is_member(self, peer_id: str) -> bool:
        """A member of the present mesh; this peer always is."""
        return peer_id == self.me.peer_id or peer_id in self.members

    def may_open(self, peer_id: str, protocol: str) -> bool:
        """The mesh's gate: strangers reach only what joining needs."""
        return self.is_member(peer_id) or protocol.startswith(OPEN_TO_STRANGERS)

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
        """Load what is on disk and replay the folds; as the only voter, lead again in a new term."""
        current = self.store.current_mesh()
        for mesh_id in self.store.meshes():
            loaded, entries = self.store.load(mesh_id)
            self._ever |= loaded.roster.ever
            if mesh_id == current:
                self.log = loaded
            self._replay(entries)
        if self.log is not None and self.log.roster.voters == (self.me.peer_id,):
            await self._lead_again(self.log)

    async def _lead_again(self, current: Log) -> None:
        if self.store.bound_to() != self.settings.binding:
            self.obstacle = (
                "This control log was copied or restored from another place, so it must not decide anything: the original may "
                "have gone on. Start the original data folder, or begin with an empty one"
            )
            log.error("⚠️ Not leading", reason=self.obstacle)
            return
        try:
            leader, _ = await Leader.stand(self.me, current, self.store, self.hlc)
        except MoreVoters as error:
            self.obstacle = str(error)
            log.error("⚠️ Not leading", reason=self.obstacle)  # noqa: TRY400 - a condition in words, not a fault
            return
        self._become_leader(leader, "leads again")
        self._replay_fresh(current)

    def _replay_fresh(self, current: Log) -> None:
        """The entry that opened the term was committed before the leader's listener was set."""
        entries = [e for e in self.store.load(current.mesh_id)[1] if e.index == current.index]
        self._replay(entries)

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        await self.mesh.join(topics.ELECTION)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.following.run)
            nursery.start_soon(self.discovery.run)
            task_status.started()

    async def leave(self) -> None:
        """An orderly stop. The only voter of a larger mesh says what that means."""
        if self.is_admin and len(self.members) > 1:
            self.say(
                "warning", "⚠️ This peer is the only voter: until it is back the mesh has no admin, and new tasks wait"
            )
        if self.leader is not None:
            self.leader.stop()

    # ── changing mesh and role, under the lock ─────────────────────────────────────────────────────────────────────

    async def found(self) -> None:
        """Found a mesh of one."""
        async with self.lock:
            if self.log is not None:
                return
            founder = self.who.member("master")
            wished = {k: v for k, v in self.settings.parameters.items() if k in parameters.BOUNDS}
            leader, made, entry = await Leader.found(
                self.me, self.store, self.hlc, founder, wished, self.entropy.bytes(16).hex(), self.settings.binding
            )
            self.log = made
            self._ever |= made.roster.ever
            self._become_leader(leader, "founded a mesh")
            self._replay([entry])
            self.changed()

    def _become_leader(self, leader: Leader, how: str) -> None:
        self.leader = leader
        leader.on_commit = self._committed
        self.say("info", f"🗳️ Term {leader.election.term}: 📢 candidacy of {self.who.agent_id}, the only voter")
        self.say("info", f"🏆 {self.who.agent_id} is the winner of term {leader.election.term}")
        self.say(
            "info",
            f"👑 {self.who.agent_id} {how} and is its admin: mesh {str(self.mesh_id)[:8]}, term {leader.election.term}",
        )

    def _committed(self, entries: list[ControlEntry], commit: Commit) -> None:
        self._replay(entries)
        self.following.announce(entries, commit)
        self.changed()

    def adopt(self, new: Log, entries: list[ControlEntry]) -> None:
        """Belong to ``new``, whose entries were just verified and stored."""
        if self.leader is not None:
            self.leader.stop()
            self.leader = None
        self.obstacle = ""
        self.log = new
        self.others.pop(new.mesh_id, None)
        self.applied(entries)

    def applied(self, entries: list[ControlEntry]) -> None:
        """Entries of the present mesh were verified and stored."""
        if self.log is not None:
            self._ever |= self.log.roster.ever
        self._replay(entries)
        self.changed()

    def _replay(self, entries: list[ControlEntry]) -> None:
        for entry in entries:
            for fold in self._folds:
                try:
                    fold.apply(entry)
                except Exception:
                    log.exception("A fold failed on a control entry", index=entry.index, type=entry.type)

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
