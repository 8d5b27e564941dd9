"""One engine, built: every part by its name, in the order in which each needs the ones before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

from chorus_tui import __version__
from chorus_tui.contract.models.decisions import ProposeDecision
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.ai.chain import ModelChain
from chorus_tui.engine.ai.configuration import build_models
from chorus_tui.engine.ai.prompts import Prompts
from chorus_tui.engine.ai.voice import Voice
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.assistance.parts import Parts as AssistanceParts
from chorus_tui.engine.assistance.service import AssistanceService
from chorus_tui.engine.clock import Clock, Entropy, SystemClock, SystemEntropy
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.control.parameters import FAST
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.settings import ControlSettings, Fare
from chorus_tui.engine.coordination.parts import Parts as CoordinationParts
from chorus_tui.engine.coordination.service import CoordinationService
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.decisions.parts import Parts as DecisionParts
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.repositories import GitRepositories
from chorus_tui.engine.execution.settings import DEFAULT_MEMORY_MB, ExecutionSettings, default_cpus
from chorus_tui.engine.hmmm.parts import Parts as RoomParts
from chorus_tui.engine.hmmm.service import HmmmService
from chorus_tui.engine.hmmm.thread import Line
from chorus_tui.engine.inbox.service import InboxService
from chorus_tui.engine.journal import store as feed_store
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.flow import MIB, Limits
from chorus_tui.engine.journal.forks import Resolutions
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.licensing.license import License
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.peers.service import Load, PeerService, Self
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.runtime import learning
from chorus_tui.engine.runtime.docker_watch import DockerWatch
from chorus_tui.engine.runtime.mismatches import Mismatches
from chorus_tui.engine.settings import Settings
from chorus_tui.engine.shhh.redactor import Redactor, StreamRedactor
from chorus_tui.engine.slurp.rules import path_of
from chorus_tui.engine.slurp.service import SlurpService
from chorus_tui.engine.tasks.agent_at_work import Mind
from chorus_tui.engine.tasks.inbox import TaskInbox
from chorus_tui.engine.tasks.naming import named_blobs
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.tasks.worker import Skills
from chorus_tui.engine.vault.age_identity import AgeIdentity
from chorus_tui.engine.vault.sealing import AgeSealing, Sealing

LEASE = "lease_s"
VOTE_WITHIN = "1d"
"""So long members may vote on what a room agreed on."""
RECALL_S = 3.0
"""So long the admin may take to tell an agent what is known, before it begins without."""


@dataclass(slots=True)
class Engine:
    """All parts of one peer."""

    kind: Literal["agent", "human"]
    settings: Settings
    license: License
    folder: DataFolder
    identity: Identity
    agent_id: str
    key: network_key.NetworkKey
    tokens: Tokens
    redactor: Redactor
    clock: Clock
    entropy: Entropy
    events: EventBus
    feeds: SqliteDatabase
    decisions: SqliteDatabase
    mesh: Libp2pMesh
    journal: FeedJournal
    blobs: FileBlobs
    control: ControlService
    executor: DockerExecutor
    docker: DockerWatch
    models: ModelChain
    prompts: Prompts
    tasks: TaskService
    peers: PeerService
    deciding: DecisionService
    coordination: CoordinationService
    assistance: AssistanceService
    hmmm: HmmmService
    inbox: InboxService
    slurp: SlurpService
    sealing: Sealing
    voice: Voice | None
    started_at: float
    draining: bool = False

    def close(self) -> None:
        """Close the stores."""
        self.feeds.close()
        self.decisions.close()

    @property
    def max_tasks(self) -> int:
        """Tasks at once; a person's own engine takes none by itself."""
        return self.settings.max_tasks if self.kind == "agent" else 0


def build(
    kind: Literal["agent", "human"], settings: Settings, license_: License, folder: DataFolder, identity: Identity,
    age: AgeIdentity, agent_id: str, key: network_key.NetworkKey, tokens: Tokens, redactor: Redactor, prompts: Prompts,
) -> Engine:  # fmt: skip
    """Build everything; opens the stores, no port. Raises ``StoreError``."""
    clock, entropy, events = SystemClock(), SystemEntropy(), EventBus()
    mesh = Libp2pMesh(identity, _mesh_config(settings, folder, key), clock, entropy)
    feeds = SqliteDatabase.open(folder.path / "journal.db", feed_store.SCHEMA)
    decisions = SqliteDatabase.open(folder.path / "control.db", control_store.SCHEMA)
    limits = Limits(settings.feed_per_minute, settings.feed_total_mb * MIB)
    journal = FeedJournal(identity, feeds, mesh, redactor.value, clock, entropy, events, __version__, limits=limits)
    blobs = FileBlobs(folder.path / "blobs", mesh, clock, entropy, settings.blob_quota_mb * MIB)
    control = ControlService(
        identity, agent_id, kind, settings.role, list(settings.expertise), decisions, mesh, journal, clock, entropy, events,
        _control_settings(settings, folder),
    )  # fmt: skip
    control.fold(Resolutions(journal))
    control.fold(journal.erasures)
    blobs.keeping.members = partial(getattr, control, "members")
    execution = _execution_settings(settings, identity.peer_id)
    executor = DockerExecutor(execution, clock)
    docker = DockerWatch(executor)
    models = build_models(settings, redactor.text, clock, entropy)
    max_tasks = settings.max_tasks if kind == "agent" else 0

    def load() -> Load:
        names = models.names() if models.available and max_tasks else ()
        return Load(tasks.worker.running, tasks.worker.draining, docker.languages if max_tasks else None, models=names)

    def fare() -> Fare:
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        return Fare(docker.languages is not None, max(0.0, 1.0 - busy))

    control.fare = fare
    me = Self(
        identity.peer_id, agent_id, kind, settings.role, tuple(settings.expertise), settings.specialization, settings.reports_to,
        __version__, max_tasks, settings.task_approval, age.recipient,
    )  # fmt: skip
    peers = PeerService(me, journal, control, mesh, clock, events, load)
    sealing = AgeSealing(identity.peer_id, age, redactor.value, peers.recipients)
    # A person's own engine speaks only when its person does.
    voice = Voice(models, prompts.system, settings.role, clock) if models.names() and kind == "agent" else None

    async def put_to_vote(line: Line) -> None:
        said = line.said
        request = ProposeDecision(
            title=said.message.strip().split("\n")[0][:200], description="\n\n".join(filter(None, (said.message, said.reasoning)))[:8_000],
            deadline=VOTE_WITHIN, issue_id=said.issue_id, thread_id=said.thread_id, to_roles=said.to_roles if said.sealed else [],
        )  # fmt: skip
        await deciding.proposing.agreed(line.hash, line.at_ms, request)

    hmmm = HmmmService(
        RoomParts(
            identity.peer_id, agent_id, journal, control, mesh, clock, entropy, events, sealing, redactor.text, voice,
            settings.templates_dir,
            lambda issue_id: tasks.project_of(issue_id),  # noqa: PLW0108 - the tasks are built below
            put_to_vote,
        )
    )  # fmt: skip

    async def recall(spec: TaskSpec, task_id: str) -> str:
        words = f"{spec.title} {spec.goal}"
        return learning.told(await slurp.ask(path_of(spec.project_id), words, task_id, RECALL_S))

    tasks = TaskService(
        Parts(
            identity.peer_id, agent_id, journal, control, mesh, blobs, executor, GitRepositories(execution), clock, entropy, events,
            partial(StreamRedactor, redactor), lambda: agents(peers), lambda: docker.languages,
            Skills(max_tasks, settings.role, tuple(settings.expertise), settings.task_approval), recall,
            Mind(models, prompts.system, redactor.text, settings.role) if models.names() else None, hmmm.planner,
        )
    )  # fmt: skip
    deciding = DecisionService(
        DecisionParts(identity.peer_id, kind, journal, control, blobs, sealing, clock, entropy, events)
    )  # fmt: skip
    blobs.keeping.names = lambda: chain(named_blobs(tasks.board), deciding.named_blobs())
    coordination = CoordinationService(
        CoordinationParts(
            identity.peer_id, agent_id, settings.reports_to, journal, control, mesh, clock, events, tasks.board, peers, tasks.name,
            tasks.touched, voice,
        )
    )  # fmt: skip
    tasks.coordinated = coordination.of_task
    assistance = AssistanceService(
        AssistanceParts(
            identity.peer_id,
            journal,
            control,
            mesh,
            clock,
            events,
            tasks.board,
            lambda: agents(peers),
            tasks.name,
            voice,
            sealing,
        )
    )

    slurp = SlurpService(
        identity.peer_id, journal, control, clock, {"task_accepted": learning.of_tasks(tasks.board)}
    )  # fmt: skip
    inbox = InboxService(
        [
            TaskInbox(tasks),
            hmmm.inbox,
            deciding.inbox,
            coordination.doors,
            assistance.doors,
            Mismatches(journal, control),
        ],
        events,
        clock,
    )

    def look_again() -> None:
        """What this peer can do has changed: offers that wait are looked at anew, and the others are told."""
        tasks.worker.nudge()
        peers.nudge()

    docker.on_change = models.on_change = look_again
    return Engine(
        kind, settings, license_, folder, identity, agent_id, key, tokens, redactor, clock, entropy, events, feeds, decisions,
        mesh, journal, blobs, control, executor, docker, models, prompts, tasks, peers, deciding, coordination, assistance, hmmm,
        inbox, slurp, sealing, voice, clock.wall(),
    )  # fmt: skip


def agents(peers: PeerService) -> list[Agent]:
    """Peers that may work, as the directory knows them."""
    found = []
    for peer in peers.peers():
        capability = peers.said(peer.peer_id).capability
        if peer.member:
            found.append(
                Agent(
                    peer.peer_id, peer.name, peer.state == "connected", bool(capability and capability.docker), peer.role,
                    tuple(peer.expertise), tuple(capability.languages) if capability else (), peer.max_tasks or 0,
                    peer.status == "draining", peer.running or 0, capability.approval if capability else "auto",
                    bool(capability and capability.models),
                )
            )  # fmt: skip
    return found


def _mesh_config(settings: Settings, folder: DataFolder, key: network_key.NetworkKey) -> MeshConfig:
    """Without a key of its own a peer listens and looks around on this machine only."""
    return MeshConfig(
        data_dir=folder.path, listen_host="127.0.0.1" if key.loopback_only else settings.p2p_host, p2p_port=settings.p2p_port,
        bootstrap=list(settings.bootstrap_peers), network_key=key.key, loopback_only=key.loopback_only,
        mdns=settings.mdns_enabled, announce_addresses=list(settings.announce_addresses), agent_version=f"chorus-tui/{__version__}",
    )  # fmt: skip


def _control_settings(settings: Settings, folder: DataFolder) -> ControlSettings:
    grace = settings.discovery_grace_s
    if grace is None:
        grace = 10.0 if settings.bootstrap_peers else 3.0
    parameters = dict(FAST) if settings.election_profile == "fast" else {}
    if settings.task_lease_s is not None:
        parameters[LEASE] = settings.task_lease_s
    return ControlSettings(
        grace_s=grace, expect=settings.election_expect, bootstrap=tuple(settings.bootstrap_peers), parameters=parameters,
        binding=control_store.binding(folder.path / "control.db"),
        ephemeral=settings.ephemeral == "true" or (settings.ephemeral == "auto" and folder.ephemeral()),
    )  # fmt: skip


def _execution_settings(settings: Settings, owner: str) -> ExecutionSettings:
    return ExecutionSettings(
        owner=owner, docker_host=settings.docker_host, images=settings.images, registries=tuple(settings.image_registries),
        repository_hosts=tuple(settings.repository_hosts), sandbox_hosts=settings.sandbox_hosts,
        repository_credentials=settings.repository_credentials,
        repository_ca=settings.repository_ca, max_cpus=settings.sandbox_max_cpus or default_cpus(),
        max_memory_mb=settings.sandbox_max_memory_mb or DEFAULT_MEMORY_MB, warm=settings.sandbox_warm,
    )  # fmt: skip
