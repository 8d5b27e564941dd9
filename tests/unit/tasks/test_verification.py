"""Done is shown, not claimed: a result with checks is accepted only when they passed somewhere else, if there is an elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.contract.models.task_spec import Budget, TaskSpec
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.tasks.acts import Act, AdminState
from chorus_tui.engine.tasks.board import Board, ref
from chorus_tui.engine.tasks.routing import Agent, Offer
from chorus_tui.engine.tasks.rules import decide
from chorus_tui.engine.tasks.verification import ALONE_S, HOPELESS_S
from tests.unit.tasks.test_rules import EVERYBODY, ME, MESH, OTHER, PARAMETERS, TASK, WORKER, agent, decided, fold, said

SPEC = TaskSpec(title="t", commands=["make"], checks=["make test"], budget=Budget(containers=3))
ANNOUNCED = said(ME, 0, "task_announcement", spec=SPEC.model_dump())
DONE = said(WORKER, 1, "task_complete", attempt=1, result=TaskResult(outcome="completed").model_dump())
GRANT = decided(2, "task_granted", cites=ANNOUNCED, attempt=1, worker=WORKER.peer_id, lease_s=60)


def checked(who: Any, seq: int, verdict: str, about: Entry = DONE) -> Entry:
    return said(who, seq, "task_checked", attempt=1, result=about.hash, verdict=verdict, detail=f"{verdict} it did")


class Mesh:
    """A board and an admin over time; every act it decides is committed at once."""

    def __init__(self, *agents: Agent, feed: tuple[Entry, ...] = (ANNOUNCED, DONE)) -> None:
        self.board: Board = fold(list(feed), [GRANT])
        self.state, self.agents, self.now, self.index = AdminState(), list(agents), 10.0, 3

    def hear(self, entry: Entry) -> None:
        from chorus_tui.engine.protocol import messages

        message = messages.check(entry.type, entry.data)
        assert message is not None
        self.board.apply(entry, message)

    def round(self, seconds: float = 0.0, **offers: int) -> list[Act]:
        """Let time pass, then decide; ``offers`` by name of the agent."""
        self.now += seconds
        for one in self.agents:
            self.state.offers[one.peer_id] = Offer(one.peer_id, offers.get(one.name, 9), (), self.now)
        acts = decide(self.board, MESH, self.state, self.agents, self.now, PARAMETERS, EVERYBODY)
        for act in acts:
            self.board.decided(decided(self.index, act.type_, **{k: v for k, v in act.data.items() if k != "task_id"}))
            self.index += 1
        return acts

    @property
    def task(self) -> Any:
        return self.board.tasks[MESH, TASK]


def named(who: Any, name: str, **fields: Any) -> Agent:
    return Agent(who.peer_id, name, live=fields.pop("live", True), docker=True, **{"max_tasks": 1, **fields})


def test_another_member_checks_before_anything_is_accepted():
    """Not the worker while somebody else is there; passed checks are cited by the acceptance."""
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"))
    (asked,) = mesh.round()
    assert (asked.type_, asked.data["checker"], asked.data["result_hash"]) == (
        "task_check_granted", OTHER.peer_id, DONE.hash,
    )  # fmt: skip
    assert mesh.round() == []

    passed = checked(OTHER, 0, "passed")
    mesh.hear(passed)
    (accepted,) = mesh.round()

    assert (accepted.type_, accepted.data["check"], accepted.data["checked_by"]) == (
        "task_accepted", ref(passed), OTHER.peer_id,
    )  # fmt: skip
    assert mesh.task.check.said.verdict == "passed"


def test_failing_checks_end_the_task_as_not_verified():
    """Whatever its worker claims."""
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"))
    mesh.round()
    mesh.hear(checked(OTHER, 0, "failed"))
    (failed,) = mesh.round()

    assert (failed.type_, failed.data["reason"]) == ("task_failed", "not verified: failed it did")
    assert mesh.task.terminal == "failed"


def test_only_the_word_of_the_one_who_was_asked_counts():
    """Another's, or one on another result, changes nothing."""
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"))
    mesh.hear(checked(ME, 1, "passed"))
    mesh.hear(checked(WORKER, 2, "passed"))
    assert [act.type_ for act in mesh.round()] == ["task_check_granted"]

    other_result = said(WORKER, 3, "task_complete", attempt=2, result=TaskResult(outcome="completed").model_dump())
    mesh.hear(checked(OTHER, 0, "passed", other_result))

    assert mesh.round() == []


def test_alone_the_worker_checks_its_own_result_after_a_while():
    """Its slot is free again, though it holds the task; that it was alone is shown by who checked."""
    mesh = Mesh(named(WORKER, "worker"))
    assert mesh.round() == []
    (asked,) = mesh.round(ALONE_S, worker=0)

    assert (asked.type_, asked.data["checker"]) == ("task_check_granted", WORKER.peer_id)


def test_somebody_busy_is_waited_for():
    """Another member without room is better than the worker itself."""
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"))

    assert mesh.round(other=0) == mesh.round(60, other=0) == []
    assert [act.data["checker"] for act in mesh.round(other=1)] == [OTHER.peer_id]


def test_a_checker_that_is_lost_or_cannot_is_replaced_within_the_containers_of_the_budget():
    """Each try costs one; then the budget is used up, and the reason names the last."""
    third = type(ME)(b"\7" * 32)
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"), named(third, "third"))
    (first,) = mesh.round()
    asked = OTHER if first.data["checker"] == OTHER.peer_id else third
    mesh.hear(checked(asked, 0, "error"))
    assert [act.type_ for act in mesh.round()] == ["task_check_ended"]
    (second,) = mesh.round()
    assert second.data["checker"] not in (asked.peer_id, WORKER.peer_id)
    assert mesh.round() == mesh.round(60) == []
    assert [act.type_ for act in mesh.round(6)] == ["task_check_ended"]
    (end,) = mesh.round()

    assert end.type_ == "task_budget_exhausted"
    assert "3 containers (budget.containers) used up" in end.data["reason"]
    assert "its checker was lost" in end.data["reason"]


def test_when_nobody_can_run_the_checks_the_task_fails_and_says_so():
    """The worker alone, and its own sandbox fails: not verified, after a while in which somebody might have come."""
    mesh = Mesh(named(WORKER, "worker"))
    mesh.round()
    mesh.round(ALONE_S)
    mesh.hear(checked(WORKER, 2, "error"))
    assert [act.type_ for act in mesh.round()] == ["task_check_ended"]
    assert mesh.round(1) == []
    (end,) = mesh.round(HOPELESS_S)

    assert (end.type_, "nobody could run its checks" in end.data["reason"]) == ("task_failed", True)


def test_a_worker_does_not_check_what_another_could_not():
    """A result that only its own worker can bring is not verified by it: not while somebody who tried in vain is there. One that is gone by
    then did not try in vain."""
    mesh = Mesh(named(WORKER, "worker"), named(OTHER, "other"))
    mesh.round()
    mesh.hear(checked(OTHER, 0, "error"))
    assert [act.type_ for act in mesh.round()] == ["task_check_ended"]
    mesh.agents[1] = named(OTHER, "other", live=False)
    assert mesh.round(1) == []
    mesh.agents[1] = named(OTHER, "other")
    assert mesh.round(ALONE_S) == []
    (end,) = mesh.round(HOPELESS_S)
    assert (end.type_, "nobody could run its checks; error" in end.data["reason"]) == ("task_failed", True)

    lonely = Mesh(named(WORKER, "worker"), named(OTHER, "other"))
    lonely.round()
    lonely.hear(checked(OTHER, 0, "error"))
    lonely.round()
    lonely.agents[1] = named(OTHER, "other", live=False)
    lonely.round()
    assert [act.data["checker"] for act in lonely.round(ALONE_S)] == [WORKER.peer_id]


def test_a_result_that_waits_for_checks_takes_no_room_and_no_lease():
    """Its worker may have other work meanwhile; a checker has one less; the worker's death does not undo the result."""
    mesh = Mesh(named(WORKER, "worker", live=False), named(OTHER, "other"))
    mesh.round()
    mesh.round()

    assert [act.type_ for act in mesh.round(1000)] == ["task_check_ended"]
    assert (mesh.task.terminal, mesh.task.grants[-1].ended) == ("", "")


@given(st.lists(st.sampled_from(["passed", "failed", "error", "time", "away", "back", "cancel"]), max_size=14))
def test_whatever_happens_nothing_is_accepted_unchecked_and_a_task_ends_once(events):
    """Checkers that answer anything, vanish and come back: an acceptance always cites checks that passed."""
    mesh, seq, ends = Mesh(named(WORKER, "worker"), named(OTHER, "other")), 5, []
    for event in events:
        grant = mesh.task.checking
        if event in ("passed", "failed", "error") and grant is not None:
            who = OTHER if grant.checker == OTHER.peer_id else WORKER
            mesh.hear(checked(who, seq, event))
            seq += 1
        elif event in ("away", "back"):
            mesh.agents[1] = named(OTHER, "other", live=event == "back")
        elif event == "cancel":
            mesh.hear(said(ME, 9, "task_cancel_request"))
        acts = mesh.round(70.0 if event == "time" else 1.0)
        tried = {one.checker for one in mesh.task.checks_of(1) if one.ended}
        for act in acts:
            assert not ends, "nothing is decided after the end"
            if act.type_ == "task_check_granted" and act.data["checker"] == WORKER.peer_id:
                assert not (mesh.agents[1].live and OTHER.peer_id in tried), "another who is there could not"
            if act.type_ == "task_accepted":
                assert act.data["check"] in [
                    c.cite for c in mesh.task.thread.checked.values() if c.said.verdict == "passed"
                ]
            if act.type_ in ("task_accepted", "task_failed", "task_cancelled", "task_budget_exhausted"):
                ends.append(act.type_)
        held = [grant for grant in mesh.task.check_grants if not grant.ended]
        assert len(held) <= 1


@pytest.mark.parametrize(
    ("goal", "models", "expected"), [("reach it", False, []), ("reach it", True, ["task_granted"])]
)
def test_a_goal_is_granted_to_an_agent_with_a_model_only(goal, models, expected):
    """Without a model an agent takes commands only."""
    announced = said(ME, 0, "task_announcement", spec=TaskSpec(title="t", goal=goal).model_dump())
    mesh = Mesh(agent(WORKER, models=models))
    mesh.board = fold([announced], [])

    assert [act.type_ for act in mesh.round()] == expected
