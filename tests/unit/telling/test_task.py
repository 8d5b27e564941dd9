"""Three lines side by side, each of which says only what is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import CommandResult, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Verification
from chorus_tui.telling.task import budget, result_of, steerable, three_lines
from tests.unit.telling.views import CHANGE, goal, view

COMMANDS = TaskSpec(title="t", commands=["true"])
DONE = TaskResult(outcome="completed", summary="all mended", change=CHANGE)
RAN = [
    CommandResult(command="true", exit_code=0, seconds=0.1),
    CommandResult(command="pytest -q", exit_code=1, seconds=2),
]


def told(task):
    """Line by name."""
    return {line.name: line for line in three_lines(task)}


def test_an_agents_word_is_told_as_its_word():
    """Whoever says that a goal is reached has shown nothing by it: no line looks good before the checks passed."""
    lines = told(view("result_in", goal(), DONE, accepted=False))

    assert lines["execution"].text == "its agent says that the goal is reached; reported, not confirmed"
    assert {line.tone for line in lines.values()} <= {"none", "open"}


def test_without_checks_nothing_is_verified():
    """However well it ended, also when the mesh has accepted it."""
    line = told(view("completed", goal(checks=[]), DONE))["verification"]

    assert (line.text, line.tone) == ("no checks: nothing is verified", "none")


@pytest.mark.parametrize(
    ("shown", "words", "tone"),
    [
        (Verification(state="passed", by="p-g", by_name="grace"), "2 checks passed in a fresh sandbox, run by grace, another member", "good"),
        (Verification(state="passed", by="p-a", by_name="ada", own_worker=True), "run by ada, its own worker", "good"),
        (Verification(state="failed", by_name="grace", checks=RAN), "failed: check 2 of 2 ended with exit code 1, run by grace", "bad"),
        (Verification(state="failed", by_name="grace", detail="the patch does not apply"), "failed: the patch does not apply", "bad"),
        (Verification(state="running", by_name="grace"), "grace, another member, runs 2 checks", "open"),
        (Verification(state="waiting", detail="nobody has room"), "2 checks to run: nobody has room", "open"),
        (Verification(state="error", detail="no image"), "not verified: no image", "bad"),
        (Verification(), "not verified: none of 2 checks was run", "none"),
    ],
    ids=["passed", "own worker", "failed", "does not apply", "running", "waiting", "error", "not run"],
)  # fmt: skip
def test_the_verification_says_by_whom_and_what_failed(shown, words, tone):
    """Another member or its own worker; the number of the check and its code; only a pass looks good."""
    line = told(view("completed", goal(), DONE, verification=shown))["verification"]

    assert words in line.text
    assert line.tone == tone


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (view("completed", goal(), DONE), "4 files, +12 -3: a.py, b.py and 2 more"),
        (view("completed", COMMANDS, TaskResult(outcome="completed", exit_code=0)), "none: the task has no repository"),
        (view("completed", goal(), TaskResult(outcome="completed")), "nothing of the repository differs"),
        (view("failed", goal(), TaskResult(outcome="error"), accepted=False), "none came with the result"),
        (view("running", goal()), "none yet"),
        (view("cancelled", goal()), "none came"),
        (view("completed", goal(), DONE.model_copy(update={"change": CHANGE.model_copy(update={"left_out": "x.bin: too big"})})), "left out: x.bin: too big"),
    ],
    ids=["changed", "no repository", "same", "error", "running", "cancelled", "left out"],
)  # fmt: skip
def test_the_change_says_how_much_and_what_was_left_out(task, words):
    """No change, nothing different and none known are three different words."""
    assert words in told(task)["change"].text


@pytest.mark.parametrize(
    ("task", "words", "tone"),
    [
        (view("completed", COMMANDS, TaskResult(outcome="completed", exit_code=0, phases={"running": 1.2})), "ended with exit code 0 after 1.2 s", "good"),
        (view("failed", COMMANDS, TaskResult(outcome="failed", exit_code=3)), "failed: exit code 3", "bad"),
        (view("budget_exhausted", goal(), TaskResult(outcome="budget_exhausted", reason="steps", detail="24 steps used")), "out of budget: 24 steps used", "bad"),
        (view("failed", goal(), TaskResult(outcome="failed", reason="stopped"), accepted=False), "failed: stopped; reported, not accepted", "bad"),
        (view("running", goal()), "under way", "open"),
        (view("running", goal(), paused=True), "paused between two steps", "open"),
        (view("announced", goal(), holder="", attempts=[]), "not begun", "none"),
        (view("cancelled", goal()), "ended without a result", "none"),
    ],
    ids=["exit 0", "exit 3", "budget", "not accepted", "under way", "paused", "announced", "cancelled"],
)  # fmt: skip
def test_the_execution_says_how_it_ended(task, words, tone):
    """In the worker's own words where it gave some; what was not accepted says so."""
    line = told(task)["execution"]

    assert words in line.text
    assert line.tone == tone


@given(st.integers(0, 10_000), st.integers(0, 10**8), st.floats(0, 1e5))
def test_a_budget_names_what_is_used_and_what_is_allowed(steps, tokens, seconds):
    """Steps, tokens and seconds, each with its bound, during the work and after it."""
    spec = goal(budget={"steps": 7, "tokens": 1234}, timeout_s=99)
    spent = Spent(steps=steps, prompt_tokens=tokens, seconds=seconds)

    for live, head in ((True, f"step {steps} of 7"), (False, f"{steps} of 7 steps")):
        words = budget(spec, spent, live=live)

        assert words.startswith(head)
        assert f"{tokens:,} of 1,234 tokens" in words
        assert words.endswith(f"{seconds:,.0f} of 99 s")


def test_a_budget_of_which_nothing_was_told_is_its_bounds():
    """Nothing used is not claimed."""
    assert budget(goal(), None, live=True) == "at most 24 steps, 200,000 tokens, 600 s"


def test_the_result_shown_is_the_accepted_one():
    """Only without one, the last that was reported."""
    other = TaskResult(outcome="failed")
    both = view("completed", goal(), DONE).model_copy(update={"attempts": view("failed", goal(), other).attempts})

    assert result_of(both) == DONE
    assert result_of(view("failed", goal(), other, accepted=False)) == other
    assert result_of(view("running", goal())) is None


@pytest.mark.parametrize(
    ("task", "can"),
    [
        (view("running", goal()), True),
        (view("running", COMMANDS), False),
        (view("collecting", goal()), False),
        (view("result_in", goal(), DONE, accepted=False), False),
        (view("completed", goal(), DONE), False),
        (view("waiting", goal(), holder="", attempts=[]), False),
        (view("running", goal(), attempts=[{"attempt": 1, "worker": "p-a", "worker_name": "ada", "granted_at": 1, "by_hand": True}]), False),
    ],
    ids=["an agent", "commands", "collecting", "result in", "ended", "waiting", "by hand"],
)  # fmt: skip
def test_only_an_agent_at_work_is_steered(task, can):
    """Commands, people, and what is over have no steps between which anything could wait."""
    assert steerable(task) is can
