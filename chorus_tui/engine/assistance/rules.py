"""Who answers a question, and when it is whose turn. Pure: every peer finds the same order without talking about it.

Those that fit are put in an order by lot, drawn from the hash of the question; the first three answer at once. Each that stands
behind them steps in after a while, as long as answers are missing. A mentor is not drawn: the one with the best record for this
kind of work comes first, and only one is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.assistance.requests import Question, Reply
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.talk import MAX_HOPS
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import fits

MOST_ANSWERS = {"help": 3, "expertise": 3, "mentorship": 1}
STEP_S = 15.0
"""So much later each one behind the first steps in."""
NO_HELP_S = 60.0
STALE_S = 600.0
"""Nobody answers by itself what was asked longer ago."""


@dataclass(frozen=True, slots=True)
class Helper:
    """A member as the mesh knows it. ``voice``: a language model answers for it."""

    peer_id: str
    role: str
    expertise: tuple[str, ...]
    live: bool
    voice: bool


def knows(areas: Iterable[str], expertise: Iterable[str]) -> bool:
    """Whether one of ``areas`` is among what somebody knows, compared as topic parts."""
    return bool({topics.part(one) for one in areas} & {topics.part(one) for one in expertise})


def suited(question: Question, helper: Helper, spec: TaskSpec | None) -> bool:
    """Whether the mesh granted this member what the question asks for. A call for help without an area asks for what its task
    does."""
    if helper.peer_id == question.author:
        return False
    if question.to_roles and not knows(question.to_roles, [helper.role]):
        return False
    if question.expertise:
        return knows(question.expertise, helper.expertise)
    return question.kind != "help" or spec is None or fits(spec, helper.role, helper.expertise)


def in_turn(question: Question, helpers: Iterable[Helper], spec: TaskSpec | None, board: Board) -> list[str]:
    """Peer ids of those that may answer by themselves, the first first."""
    able = [one for one in helpers if one.live and one.voice and suited(question, one, spec)]
    drawn = sorted(able, key=lambda one: hashlib.sha256(f"{question.hash} {one.peer_id}".encode()).digest())
    if question.kind != "mentorship":
        return [one.peer_id for one in drawn]
    kind, mesh_id = (spec.kind if spec else ""), (question.task[0] if question.task else "")
    return [
        one.peer_id for one in sorted(drawn, key=lambda one: worth(board, mesh_id, one.peer_id, kind), reverse=True)
    ]


def worth(board: Board, mesh_id: str, peer_id: str, kind: str) -> tuple[float, int]:
    """A mentor's record: the share of its goals of this kind that were accepted, then how many; of all goals without a kind."""
    good = bad = 0
    for task in board.of_mesh(mesh_id):
        announced = task.announced
        if announced is None or not announced.spec.goal or (kind and announced.spec.kind != kind):
            continue
        ends = [grant.ended for grant in task.grants if grant.worker == peer_id]
        good += ends.count("accepted")
        bad += sum(end in ("failed", "budget_exhausted", "expired", "released") for end in ends)
    return ((good + 1) / (good + bad + 2), good)


def due(question: Question, replies: list[Reply], me: str, order: list[str], age_s: float) -> bool:
    """Whether this peer is to answer now. Whoever said that it cannot help leaves its place to the next."""
    said = {reply.author: reply.can_help for reply in replies}
    if me not in order or me in said or age_s > STALE_S:
        return False
    most = MOST_ANSWERS[question.kind]
    if sum(said.values()) >= most:
        return False
    before = [peer for peer in order[: order.index(me)] if said.get(peer, True)]
    return age_s >= max(0, len(before) - most + 1) * STEP_S


def may_pass_on(question: Question, area: str, helpers: Iterable[Helper], me: str) -> bool:
    """Whether a question may be put to those who know ``area``: three hops at most, and somebody else must know it."""
    if question.hops >= MAX_HOPS or question.sealed or question.kind == "mentorship" or not area:
        return False
    if knows([area], question.expertise):
        return False
    return any(h.live and h.peer_id not in (me, question.author) and knows([area], h.expertise) for h in helpers)


def unheard(question: Question, answers: list[Reply], age_s: float, *, called: bool, at_work: bool) -> bool:
    """Whether people are to be called now: a worker asked, and nobody has helped it in time."""
    return question.kind == "help" and at_work and not answers and not called and age_s >= NO_HELP_S
