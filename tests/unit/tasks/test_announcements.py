"""Two announcements under one id: what people agreed to is what runs, or nothing runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.control.interface import ControlEntry, Member
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.tasks import approval, claims, ids
from chorus_tui.engine.tasks.acts import AdminState
from chorus_tui.engine.tasks.board import Board, ref
from chorus_tui.engine.tasks.rules import decide
from chorus_tui.engine.tasks.task import Task
from chorus_tui.engine.tasks.waiting import held_back, waiting_for
from tests.unit.tasks.boards import (
    EVERYBODY,
    ME,
    MESH,
    OTHER,
    PARAMETERS,
    WORKER,
    agent,
    an_offer,
    apply,
    decision,
    entry,
)

TASK = ids.ulid(1.0, b"\1" * 10)


def announced(who: Identity, epoch: int, title: str, **fields: Any) -> Entry:
    spec = TaskSpec(title=title, commands=[title], **{"approval": "always", **fields})
    return entry(who, 0, "task_announcement", {"task_id": TASK, "spec": spec.model_dump()}, epoch=epoch)


HARMLESS = announced(ME, 5, "harmless")
SWAPS = {
    "same author, an epoch that sorts before": announced(ME, 0, "evil", allowed_hosts=["example.com"]),
    "same author, an epoch that sorts after": announced(ME, 9, "evil", allowed_hosts=["example.com"]),
    "an author that sorts before": announced(min(WORKER, OTHER, key=lambda who: who.peer_id), 5, "evil"),
    "an author that sorts after": announced(max(WORKER, OTHER, key=lambda who: who.peer_id), 5, "evil"),
}
SAID_AGAIN = announced(ME, 7, "harmless")
FEEDS = [HARMLESS, SAID_AGAIN, *SWAPS.values()]


def word(index: int, who: str, about: Entry, type_: str = "task_approved") -> ControlEntry:
    """A person's word on one announcement."""
    one = decision(index, type_, TASK, reason="", announcement=about.hash)
    return replace(one, request={"text": canonical.encode({"peer_id": who}).decode(), "sig": ""})


def grant(index: int, about: Entry) -> ControlEntry:
    return decision(index, "task_granted", TASK, request=ref(about), attempt=1, worker=WORKER.peer_id, lease_s=60)


def released(index: int) -> ControlEntry:
    return decision(index, "task_released", TASK, attempt=1, reason="lost")


def board_of(feeds: list[Entry], log: list[ControlEntry]) -> Board:
    board = Board()
    for one in feeds:
        apply(board, one)
    for one in log:
        board.decided(one)
    return board


def of(board: Board) -> Task:
    return board.tasks[MESH, TASK]


def acts(board: Board) -> list[str]:
    state = AdminState(offers=an_offer())
    return [act.type_ for act in decide(board, MESH, state, [agent()], 10.0, PARAMETERS, EVERYBODY)]


SAYINGS = st.tuples(st.sampled_from(["ann", "ben", "grant", "release", "deny"]), st.integers(0, len(FEEDS) - 1))


@given(st.sets(st.integers(0, len(FEEDS) - 1), min_size=1), st.lists(SAYINGS, max_size=6), st.data())
def test_what_the_control_log_named_first_is_the_task_for_everybody(heard, said, data):
    """Whatever was announced under an id and in whatever order feeds and decisions arrive: all boards agree; what was first
    named counts or nothing does; no word and no grant about another announcement counts; in a conflict nothing is granted."""
    feeds, sayings = [FEEDS[n] for n in heard], [(who, FEEDS[n]) for who, n in said]
    log = []
    for n, (who, about) in enumerate(sayings):
        made = {
            "grant": grant(n + 2, about),
            "release": released(n + 2),
            "deny": word(n + 2, "cy", about, "task_denied"),
        }
        log.append(made.get(who) or word(n + 2, who, about))
    board = board_of(feeds, log)
    late = board_of([], log)
    for one in data.draw(st.permutations(feeds)):
        apply(late, one)
    task = of(board)
    named = [about.hash for who, about in sayings if who != "release"]

    assert (task.announced, task.conflict, task.approvals) == (
        of(late).announced,
        of(late).conflict,
        of(late).approvals,
    )
    assert len(task.grants) == len(of(late).grants)
    if named:
        assert task.announced is None or task.announced.hash == named[0]
        about_it = {who for who, about in sayings if about.hash == named[0]}
        assert set(task.approvals) == about_it & {"ann", "ben"}
        assert (task.denied is not None) == ("deny" in about_it)
        assert bool(task.grants) == ("grant" in about_it)
    else:
        assert task.conflict == (
            len({(one.author, one.data["spec"]["title"], str(one.data["spec"])) for one in feeds}) > 1
        )
    if task.conflict:
        assert "task_granted" not in acts(board)
        assert "two different announcements" in held_back(task, board)
    assert acts(board) == acts(late)


@pytest.mark.parametrize("swap", SWAPS)
def test_a_yes_to_one_is_never_a_yes_to_another(swap):
    """Announced, approved, swapped: what was approved is granted, and stays what it was after the grant and after the end."""
    evil, yes = SWAPS[swap], word(2, "ann", HARMLESS)
    board = board_of([HARMLESS, evil], [yes])
    (act,) = decide(board, MESH, AdminState(offers=an_offer()), [agent()], 10.0, PARAMETERS, EVERYBODY)
    only_evil = board_of([evil], [yes])

    assert act.request == ref(HARMLESS)
    assert acts(only_evil) == []
    for log in ([yes, grant(3, HARMLESS)], [yes, grant(3, HARMLESS), decision(4, "task_accepted", TASK, attempt=1)]):
        assert of(board_of([HARMLESS, evil], log)).announced.spec.title == "harmless"
    assert of(board_of([HARMLESS, evil], [yes, grant(3, evil)])).grants == []


@pytest.mark.parametrize("swap", SWAPS)
def test_before_anybody_spoke_a_second_announcement_stops_the_task_and_both_can_end_it(swap):
    """Nothing is granted, nobody can agree, and the reason says what to do; the cancellation names what it ended."""
    evil = SWAPS[swap]
    board = board_of([HARMLESS, evil], [])
    cancel = entry(ME, 1, "task_cancel_request", {"task_id": TASK}, epoch=5)

    assert acts(board) == []
    for refused in (approval.refusal(of(board), "ann", [agent()], approve=True), held_back(of(board), board)):
        assert "two different announcements" in refused
    apply(board, cancel)
    own = replace(EVERYBODY, cancel=lambda who, announcer: who == announcer)
    (act,) = decide(board, MESH, AdminState(), [], 10.0, PARAMETERS, own)
    assert (act.type_, act.data["announcement"]) == ("task_cancelled", of(board).announced.hash)


def test_a_conflict_about_what_nobody_has_to_agree_to_is_not_granted_either():
    """Neither to a worker nor by hand; a task that waits for nothing but the conflict says so."""
    board = board_of([announced(ME, 5, "one", approval="auto"), announced(OTHER, 5, "other", approval="auto")], [])
    person = Member(WORKER.peer_id, "w", "human", "", (), "decision", 2)

    assert acts(board) == []
    assert "two different announcements" in claims.refusal(of(board), board, person)
    assert "two different announcements" in waiting_for(of(board), board, [agent()], admin=True)


def test_one_wish_said_twice_is_no_conflict():
    """A peer whose disk was lost carries a task on again: the same words of the same author stand for each other."""
    board = board_of([announced(ME, 5, "harmless", approval="auto"), announced(ME, 7, "harmless", approval="auto")], [])

    assert not of(board).conflict
    assert acts(board) == ["task_granted"]


def test_what_names_no_announcement_counts_for_nothing():
    """Neither a person's word nor an admin's grant; and a task that was cancelled is told as it was then."""
    bare = replace(word(2, "ann", HARMLESS), data={"task_id": TASK, "reason": ""})
    board = board_of([HARMLESS], [bare, decision(3, "task_granted", TASK, attempt=1, worker=WORKER.peer_id)])
    assert (of(board).approvals, of(board).grants, acts(board)) == ({}, [], [])

    ended = decision(4, "task_cancelled", TASK, reason="", announcement=HARMLESS.hash)
    for feeds in (FEEDS, FEEDS[::-1]):
        assert of(board_of(feeds, [ended])).announced.spec.title == "harmless"
