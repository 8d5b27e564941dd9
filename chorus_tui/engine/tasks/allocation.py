"""Why a worker was given a task: the candidates with the parts of their scores, as the admin says it and as it is shown. Pure.

It is told beside the grant and decides nothing. Only what the admin that made the grant says of that very grant is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chorus_tui.contract.models.tasks import Allocation, AllocationCandidate
from chorus_tui.engine.protocol.messages.roles import Candidate, WorkAllocation
from chorus_tui.engine.tasks.routing import WEIGHTS, Score
from chorus_tui.engine.tasks.task import Grant, Task

SHOWN = 8
"""Candidates told of, the best first: enough to see why, small enough for every grant."""


def told(task: Task, attempt: int, scored: list[tuple[Score, str]]) -> dict[str, Any]:
    """The message of a grant to the first of ``scored``, who are in order, each with a peer id."""
    candidates = [
        Candidate(peer_id=peer_id, score=score.total, parts=score.parts, words=score.words)
        for score, peer_id in scored[:SHOWN]
    ]
    more = len(scored) - len(candidates)
    reason = f"the best of {len(scored)} with room" if len(scored) > 1 else "the only one with room"
    said = WorkAllocation(
        task_id=task.key[1], mesh_id=task.key[0], attempt=attempt, worker=scored[0][1], weights=WEIGHTS, candidates=candidates,
        reason=f"{reason}; {more} are not listed" if more else reason,
    )  # fmt: skip
    return said.model_dump()


def of_grant(task: Task, grant: Grant, name: Callable[[str | None], str]) -> Allocation | None:
    """Why this grant was made, once its admin's word is here."""
    said = next(
        (
            one.said for one in sorted(task.thread.allocations.values(), key=lambda one: (one.at_ms, one.hash))
            if one.author == grant.by and (one.said.attempt, one.said.worker) == (grant.attempt, grant.worker)
        ), None,
    )  # fmt: skip
    if said is None:
        return None
    candidates = [
        AllocationCandidate(peer_id=one.peer_id, name=name(one.peer_id), score=one.score, parts=dict(one.parts), words=one.words)
        for one in said.candidates
    ]  # fmt: skip
    return Allocation(weights=dict(said.weights), candidates=candidates, reason=said.reason)
