"""One simulated peer: the engine's own services on a simulated clock, network and disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import trio

from chorus_tui.engine.assistance.parts import Parts as AssistanceParts
from chorus_tui.engine.assistance.service import AssistanceService
from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.settings import ControlSettings
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.coordination.parts import Parts as CoordinationParts
from chorus_tui.engine.coordination.service import CoordinationService
from chorus_tui.engine.decisions.parts import Parts as DecisionParts
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.hmmm.parts import Parts as RoomParts
from chorus_tui.engine.hmmm.service import HmmmService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.mesh.simulated import SimulatedMesh
from chorus_tui.engine.patches.parts import Parts as PatchParts
from chorus_tui.engine.patches.service import PatchService
from chorus_tui.engine.peers.service import Load, PeerService, Self
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.runtime import joining
from chorus_tui.engine.runtime.engine import agents
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.simulation.disk import Stores
from chorus_tui.engine.simulation.stand_ins import (
    AnnouncedOnly,
    NoBlobs,
    NoSeals,
    NoVault,
    Plain,
    SimulatedExecutor,
    nobody_holds,
    nothing_kept,
    nothing_known,
)
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.tasks.worker import Skills
from chorus_tui.engine.ucxl.parts import Parts as ContentParts
from chorus_tui.engine.ucxl.service import UcxlService

Kind = Literal["agent", "human"]
LANGUAGES = ("python",)
VERSION = "simulated"


@dataclass(slots=True)
class Peer:
    """One life of one peer, from its start to its crash."""

    name: str
    identity: Identity
    clock: SimulatedClock
    stores: Stores
    events: EventBus
    mesh: SimulatedMesh
    journal: FeedJournal
    control: ControlService
    executor: SimulatedExecutor
    tasks: TaskService
    peers: PeerService
    deciding: DecisionService
    patches: PatchService
    coordination: CoordinationService
    assistance: AssistanceService
    hmmm: HmmmService
    contents: UcxlService
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    root: trio.lowlevel.Task | None = None
    alive: bool = True
    stopped: bool = False
    nursery: trio.Nursery | None = None

    @property
    def peer_id(self) -> str:
        return str(self.identity.peer_id)

    async def live(self, up: trio.Event) -> None:
        """Run every service, in the order of the engine's runtime, until the crash; ``up`` tells that all have started."""
        self.root = trio.lowlevel.current_task()
        with self.scope:
            async with trio.open_nursery() as nursery:
                self.nursery = nursery
                await nursery.start(self.mesh.run)
                for topic in topics.EVERYBODYS:
                    await self.mesh.join(topic)
                await self.control.open()
                await self.journal.open()
                for service in (
                    self.journal.run,
                    self.control.run,
                    self.tasks.run,
                    self.peers.run,
                    self.deciding.run,
                    self.patches.run,
                    self.coordination.run,
                    self.assistance.run,
                    self.hmmm.run,
                    self.contents.run,
                ):
                    await nursery.start(service)
                up.set()

    def voter_sets(self) -> list[tuple[Seat, ...]]:
        """The sets of voters in this peer's log, those of an entry that is not decided yet included."""
        consensus = self.control.consensus
        if consensus is None:
            return []
        voters = consensus.core.voters
        return [seats for seats in (voters.seats, voters.before) if seats]

    @property
    def seat(self) -> Seat | None:
        """From where it votes, or would."""
        return self.control.consensus.seat if self.control.consensus is not None else None

    def do(self, act: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Let something happen inside this peer; it ends with the peer."""
        if self.nursery is not None and self.alive:
            self.nursery.start_soon(act, *arguments)


def build(
    name: str, kind: Kind, identity: Identity, mesh: SimulatedMesh, stores: Stores, clock: SimulatedClock, entropy: Entropy,
    events: EventBus, settings: ControlSettings, max_tasks: int,
) -> Peer:  # fmt: skip
    """As :func:`chorus_tui.engine.runtime.engine.build` does it; nothing runs yet."""
    journal = FeedJournal(identity, stores.feeds, mesh, lambda value: value, clock, entropy, events, VERSION)
    control = ControlService(
        identity, name, kind, "", [], stores.decisions, mesh, journal, clock, entropy, events, settings
    )  # fmt: skip
    executor = SimulatedExecutor()

    def load() -> Load:
        return Load(tasks.worker.running, tasks.worker.draining, LANGUAGES if max_tasks else None)

    me = Self(identity.peer_id, name, kind, "", (), "", "", VERSION, max_tasks)
    peers = PeerService(me, journal, control, mesh, clock, events, load)
    hmmm = HmmmService(
        RoomParts(
            identity.peer_id, name, journal, control, mesh, clock, entropy, events, NoSeals(), str,
        )
    )  # fmt: skip
    tasks = TaskService(
        Parts(
            identity.peer_id, name, journal, control, mesh, NoBlobs(), executor, None, clock, entropy, events, Plain,
            lambda: agents(peers), lambda: LANGUAGES if max_tasks else None, Skills(max_tasks, "", ()), nothing_known,
        )
    )  # fmt: skip
    deciding = DecisionService(
        DecisionParts(identity.peer_id, kind, journal, control, AnnouncedOnly(journal), NoSeals(), clock, entropy, events)
    )  # fmt: skip
    contents = UcxlService(
        ContentParts(
            identity.peer_id, kind, journal, control, NoBlobs(), NoVault(), clock, events, str, nobody_holds, nothing_kept,
        )
    )  # fmt: skip
    patches = PatchService(
        PatchParts(
            identity.peer_id, kind, journal, control, NoBlobs(), clock, entropy, events, str, joining.ballots_of(deciding),
            deciding.proposing.propose, joining.changes_of(tasks), contents,
        )
    )  # fmt: skip
    coordination = CoordinationService(
        CoordinationParts(
            identity.peer_id,
            name,
            journal,
            control,
            mesh,
            clock,
            events,
            tasks.board,
            peers,
            tasks.name,
            tasks.touched,
        )
    )
    tasks.coordinated = coordination.of_task
    assistance = AssistanceService(
        AssistanceParts(
            identity.peer_id, journal, control, mesh, clock, events, tasks.board, lambda: agents(peers), tasks.name, str
        )
    )
    return Peer(
        name,
        identity,
        clock,
        stores,
        events,
        mesh,
        journal,
        control,
        executor,
        tasks,
        peers,
        deciding,
        patches,
        coordination,
        assistance,
        hmmm,
        contents,
    )
