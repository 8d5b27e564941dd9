"""What one feature needs of another, joined here because none knows another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from chorus_tui.contract.models.decisions import ProposeDecision
from chorus_tui.contract.models.patches import CreatePatch
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.backbeat.parts import Occupied, Rhythm
from chorus_tui.engine.backbeat.parts import Parts as BeatParts
from chorus_tui.engine.backbeat.service import BeatService
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.decisions.views import not_for_all
from chorus_tui.engine.hmmm.thread import Line
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.node import Libp2pMesh
from chorus_tui.engine.patches.facts import Ballot, Revision
from chorus_tui.engine.patches.parts import TaskChange
from chorus_tui.engine.patches.service import PatchService
from chorus_tui.engine.peers.service import PeerService
from chorus_tui.engine.runtime.docker_watch import DockerWatch
from chorus_tui.engine.settings import Settings
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks.service import TaskService

VOTE_WITHIN = "1d"
"""So long members may vote on what a room agreed on."""


def put_to_vote(deciding: Callable[[], DecisionService]) -> Callable[[Line], Awaitable[None]]:
    """What a room agreed on becomes a proposal to vote on, once."""

    async def put(line: Line) -> None:
        said = line.said
        request = ProposeDecision(
            title=beginning(said.message.strip().split("\n")[0], 200),
            description=beginning("\n\n".join(filter(None, (said.message, said.reasoning))), 8_000),
            deadline=VOTE_WITHIN, issue_id=said.issue_id, thread_id=said.thread_id, to_roles=said.to_roles if said.sealed else [],
        )  # fmt: skip
        await deciding().proposing.agreed(line.hash, line.at_ms, request)

    return put


def ballots_of(deciding: DecisionService) -> Callable[[Revision], list[Ballot]]:
    """Decisions that cite a revision of a patch, as patches see them."""

    def of(revision: Revision) -> list[Ballot]:
        found = []
        for case in deciding.book.citing(revision.hash):
            row, index = deciding.row(case), case.end.index if case.end else None
            why = not_for_all(case, revision.author, deciding.around())
            found.append(Ballot(row.decision_id, row.entry, row.state, row.outcome, index, why))
        return found

    return of


def patches_of(patches: PatchService) -> Callable[[str, str, str], Awaitable[str]]:
    """A shared text that ends becomes a patch of a document; its id."""

    async def make(address: str, text: str, title: str) -> str:
        request = CreatePatch(kind="context", address=address, content=text, title=beginning(title, 200))
        return (await patches.making.create(request, None)).patch_id

    return make


def changes_of(tasks: TaskService) -> Callable[[str], TaskChange]:
    """What a task has changed, once its result is accepted, as a patch is made of it."""

    def of(task_id: str) -> TaskChange:
        task = tasks.announcing.find(task_id)
        if task.announced is None or task.accepted is None or task.terminal != "completed":
            raise Problem(
                409, "not-accepted", "The task has no accepted result", "A patch is made of what was accepted."
            )
        spec, result = task.announced.spec, task.accepted.result
        if result.change is None:
            raise Problem(
                409, "no-change", "The task has changed no repository", "There is nothing to make a patch of."
            )
        name = spec.repository.rstrip("/").rpartition("/")[2].removesuffix(".git")
        repository = "" if spec.repository.startswith("sha256:") else name[:200]
        change = result.change
        return TaskChange(
            task.key[1], spec.title, result.summary, spec.project_id, repository, change.base, change.patch
        )

    return of


def beats(
    settings: Settings, me: str, agent_id: str, journal: Journal, control: Control, mesh: Libp2pMesh, clock: Clock,
    tasks: TaskService, docker: DockerWatch, peers: PeerService,
) -> BeatService | None:  # fmt: skip
    """This peer's part in the beat; None where it is switched off."""
    if not settings.backbeat_enabled:
        return None

    def occupied() -> Occupied:
        lacks = bool(peers.me.max_tasks) and not docker.state.available
        return Occupied(tasks.worker.running, f"Docker: {docker.state.problem}" if lacks else "")

    values = mesh.values
    rhythm = Rhythm(settings.cluster_id, settings.backbeat_endpoint, settings.backbeat_tempo_bpm, settings.backbeat_bar)
    return BeatService(
        BeatParts(
            me, agent_id, rhythm, journal, control, mesh, clock, tasks.board, occupied, (lambda: values.known) if values else None,
        )
    )  # fmt: skip
