"""One engine, built: every part by its name, in the order in which each needs the ones before."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

from chorus_tui import __version__
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.ai.chain import ModelChain
from chorus_tui.engine.ai.configuration import build_models
from chorus_tui.engine.ai.prompts import Prompts
from chorus_tui.engine.ai.voice import Voice
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.assistance.parts import Parts as AssistanceParts
from chorus_tui.engine.assistance.service import AssistanceService
from chorus_tui.engine.backbeat.service import BeatService
from chorus_tui.engine.callbacks import rules as callback_rules
from chorus_tui.engine.callbacks import store as callback_store
from chorus_tui.engine.callbacks.calling import HttpPost
from chorus_tui.engine.callbacks.service import CallbackService
from chorus_tui.engine.callbacks.service import Parts as CallbackParts
from chorus_tui.engine.clock import Clock, Entropy, SystemClock, SystemEntropy
from chorus_tui.engine.collab.parts import Parts as CollabParts
from chorus_tui.engine.collab.service import CollabService
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.control.settings import Fare
from chorus_tui.engine.coordination.parts import Parts as CoordinationParts
from chorus_tui.engine.coordination.service import CoordinationService
from chorus_tui.engine.data_folder import DataFolder
from chorus_tui.engine.decisions.parts import Parts as DecisionParts
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.repositories import GitRepositories
from chorus_tui.engine.hmmm.parts import Parts as RoomParts
from chorus_tui.engine.hmmm.service import HmmmService
from chorus_tui.engine.inbox.service import InboxService
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.database import SqliteDatabase
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.flow import MIB, Limits
from chorus_tui.engine.journal.forks import Resolutions
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.licensing.gate import Gate
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.patches.parts import Parts as PatchParts
from chorus_tui.engine.patches.service import PatchService
from chorus_tui.engine.peers.service import Load, PeerService, Self
from chorus_tui.engine.peers.wish import RoleWish
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.records.service import RecordService
from chorus_tui.engine.runtime import joining, learning, settings_of_parts, stores
from chorus_tui.engine.runtime import memory as remembering
from chorus_tui.engine.runtime.docker_watch import DockerWatch
from chorus_tui.engine.runtime.memory import Memory
from chorus_tui.engine.runtime.mismatches import Mismatches
from chorus_tui.engine.runtime.secrecy.operations import ShhhOperations
from chorus_tui.engine.runtime.sources import Sources
from chorus_tui.engine.settings import Settings
from chorus_tui.engine.shhh import doors
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor
from chorus_tui.engine.slurp.rules import path_of
from chorus_tui.engine.slurp.service import SlurpService
from chorus_tui.engine.tasks.agent_at_work import Mind
from chorus_tui.engine.tasks.inbox import TaskInbox
from chorus_tui.engine.tasks.naming import named_blobs
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.tasks.worker import Skills
from chorus_tui.engine.vault.key_file import KeyFile
from chorus_tui.engine.vault.sealing import AgeSealing, Sealing

RECALL_S = 3.0
"""So long the admin may take to tell an agent what is known, before it begins without."""


@dataclass(slots=True)
class Engine:
    """All parts of one peer."""

    kind: Literal["agent", "human"]
    settings: Settings
    license: Gate
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
    patches: PatchService
    coordination: CoordinationService
    assistance: AssistanceService
    hmmm: HmmmService
    inbox: InboxService
    shhh: ShhhOperations
    slurp: SlurpService
    collab: CollabService
    memory: Memory
    records: RecordService
    sealing: Sealing
    voice: Voice | None
    mind: Mind | None
    wish: RoleWish
    beats: BeatService | None
    """None: switched off."""
    sources: Sources
    callbacks: CallbackService
    started_at: float
    draining: bool = False
    reload_problem: str = ""
    """Why the settings that were read anew do not count, in words."""
    later: tuple[str, ...] = ()
    """Variables whose new values need a restart."""

    def close(self) -> None:
        """Close the stores."""
        self.feeds.close()
        self.callbacks.close()
        self.decisions.close()

    @property
    def max_tasks(self) -> int:
        """Tasks at once; a person's own engine takes none by itself."""
        return self.settings.max_tasks if self.kind == "agent" else 0


def build(  # noqa: PLR0915 - one list of parts, in the order in which each needs the ones before
    kind: Literal["agent", "human"], settings: Settings, folder: DataFolder, identity: Identity,
    key_file: KeyFile, agent_id: str, key: network_key.NetworkKey, tokens: Tokens, redactor: Redactor, sources: Sources,
) -> Engine:  # fmt: skip
    """Build everything; opens the stores, no port. Raises ``StoreError``."""
    clock, entropy, typed = SystemClock(), SystemEntropy(), redactor.at(doors.TYPED).text
    events = EventBus(redactor.at(doors.EVENT).value)
    mesh = Libp2pMesh(identity, settings_of_parts.mesh_config(settings, folder, key, sources.stagger_s), clock, entropy)
    feeds = stores.open_store(folder.path, stores.JOURNAL)
    decisions = stores.open_store(folder.path, stores.CONTROL)
    journal = FeedJournal(
        identity,
        feeds,
        mesh,
        redactor.at(doors.FEED).value,
        clock,
        entropy,
        events,
        __version__,
        limits=Limits(settings.feed_per_minute, settings.feed_total_mb * MIB),
    )
    blobs = FileBlobs(folder.path / "blobs", mesh, clock, entropy, settings.blob_quota_mb * MIB)
    control = ControlService(
        identity, agent_id, kind, settings.role, list(settings.expertise), decisions, mesh, journal, clock, entropy, events,
        settings_of_parts.control_settings(settings, folder, sources.stagger_s),
    )  # fmt: skip
    control.wishes.redact = redactor.at(doors.CONTROL).value
    control.fold(Resolutions(journal))
    control.fold(journal.erasures)
    blobs.keeping.members = partial(getattr, control, "members")
    execution = settings_of_parts.execution_settings(settings, identity.peer_id)
    executor = DockerExecutor(execution, clock, partial(StreamRedactor, redactor.at(doors.OUTPUT)))
    docker = DockerWatch(executor)
    models = build_models(settings, redactor.at(doors.PROMPT).text, clock, entropy)
    max_tasks = settings.max_tasks if kind == "agent" else 0  # as Engine.max_tasks, which is not built yet

    def load() -> Load:
        most = peers.me.max_tasks
        names = models.names() if models.available and most else ()
        return Load(tasks.worker.running, tasks.worker.draining, docker.languages if most else None, models=names)

    def fare() -> Fare:
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        return Fare(docker.languages is not None, max(0.0, 1.0 - busy))

    control.fare = fare
    me = Self(
        identity.peer_id, agent_id, kind, settings.role, tuple(settings.expertise), settings.specialization, settings.reports_to,
        __version__, max_tasks, settings.task_approval, key_file.own.recipient,
    )  # fmt: skip
    peers = PeerService(me, journal, control, mesh, clock, events, load)
    sealing = AgeSealing(identity.peer_id, key_file.own, redactor.at(doors.SEALED).value, peers.recipients)

    def recipient_of(peer_id: str) -> str:
        role = peers.said(peer_id).role
        return role.age_recipient if role is not None else ""

    memory = remembering.build(
        kind,
        identity,
        key_file,
        journal,
        control,
        mesh,
        blobs,
        clock,
        events,
        redactor.at(doors.CONTENT).text,
        recipient_of,
    )
    mind = (
        Mind(models, sources.prompts.system, redactor.at(doors.TRANSCRIPT).text, settings.role)
        if models.names()
        else None
    )
    # A person's own engine speaks only when its person does.
    speaks = models.names() and kind == "agent"
    prompt = redactor.at(doors.PROMPT).text
    voice = Voice(models, sources.prompts.system, settings.role, clock, prompt) if speaks else None

    hmmm = HmmmService(
        RoomParts(
            identity.peer_id, agent_id, journal, control, mesh, clock, entropy, events, sealing, typed, voice,
            settings.templates_dir,
            lambda issue_id: tasks.project_of(issue_id),  # noqa: PLW0108 - the tasks are built below
            joining.put_to_vote(lambda: deciding),  # built below, as the tasks are
        )
    )  # fmt: skip

    async def recall(spec: TaskSpec, task_id: str) -> str:
        words = f"{spec.title} {spec.goal}"
        return learning.told(await slurp.ask(path_of(spec.project_id), words, task_id, RECALL_S))

    tasks = TaskService(
        Parts(
            identity.peer_id, agent_id, journal, control, mesh, blobs, executor, GitRepositories(execution), clock, entropy, events,
            partial(StreamRedactor, redactor.at(doors.OUTPUT)), lambda: agents(peers), lambda: docker.languages,
            Skills(max_tasks, settings.role, tuple(settings.expertise), settings.task_approval), recall,
            mind, hmmm.planner,
        )
    )  # fmt: skip
    records = RecordService(identity.peer_id, journal, control, tasks.board, memory.keeper, clock)
    deciding = DecisionService(
        DecisionParts(identity.peer_id, kind, journal, control, memory.keeper, sealing, clock, entropy, events)
    )  # fmt: skip
    patches = PatchService(
        PatchParts(
            identity.peer_id, kind, journal, control, blobs, clock, entropy, events, typed, joining.ballots_of(deciding),
            deciding.proposing.propose, joining.changes_of(tasks), memory.contents,
        )
    )  # fmt: skip
    blobs.keeping.names = lambda: chain(
        named_blobs(tasks.board), memory.contents.named_blobs(), patches.named_blobs(), collab.named_blobs()
    )
    coordination = CoordinationService(
        CoordinationParts(
            identity.peer_id, agent_id, journal, control, mesh, clock, events, tasks.board, peers, tasks.name,
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
            typed,
            voice,
            sealing,
        )
    )

    slurp = SlurpService(
        identity.peer_id, journal, control, clock, {"task_accepted": learning.settled_by(tasks.board, lambda: control.members)}
    )  # fmt: skip
    collab = CollabService(
        CollabParts(
            identity.peer_id, agent_id, kind, journal, control, mesh, blobs, clock, entropy, events, typed, voice,
            memory.contents, joining.patches_of(patches),
        )
    )  # fmt: skip
    shhh = ShhhOperations(redactor, blobs, journal, control.name, settings.shhh_rules_file, settings.shhh_deny)
    inbox = InboxService(
        [
            TaskInbox(tasks),
            hmmm.inbox,
            deciding.inbox,
            patches.inbox,
            coordination.doors,
            assistance.doors,
            collab.inbox,
            Mismatches(journal, control),
            shhh,
        ],
        events,
        clock,
    )

    def look_again() -> None:
        """What this peer can do has changed: offers that wait are looked at anew, and the others are told."""
        tasks.worker.nudge()
        peers.nudge()

    docker.on_change = models.on_change = look_again
    gate = settings_of_parts.gate(settings, folder, identity, clock, entropy)
    return Engine(
        kind, settings, gate, folder, identity, agent_id, key, tokens, redactor, clock, entropy, events, feeds, decisions,
        mesh, journal, blobs, control, executor, docker, models, sources.prompts, tasks, peers, deciding, patches, coordination, assistance,
        hmmm, inbox, shhh, slurp, collab, memory, records, sealing, voice, mind, RoleWish(lambda: peers.me, control),
        joining.beats(settings, identity.peer_id, agent_id, journal, control, mesh, clock, tasks, docker, peers), sources,
        _callbacks(settings, folder, tasks, redactor, clock, entropy), clock.wall(),
    )  # fmt: skip


def _callbacks(
    settings: Settings, folder: DataFolder, tasks: TaskService, redactor: Redactor, clock: Clock, entropy: Entropy
) -> CallbackService:
    """Only who may call somebody, or has, keeps a file of it."""
    listed = callback_rules.targets(settings.callback_hosts)
    kept = listed or (folder.path / stores.CALLBACKS).exists()
    database = stores.open_store(folder.path, stores.CALLBACKS) if kept else None
    store = callback_store.CallbackStore(database) if database is not None else None
    return CallbackService(
        CallbackParts(
            tasks,
            store,
            listed,
            settings.callback_secret,
            HttpPost(listed),
            redactor.at(doors.CALLBACK).value,
            clock,
            entropy,
        )
    )


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
