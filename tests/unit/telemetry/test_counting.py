"""Counters of what was said and decided: once each, from the start on, whatever is replayed."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import Spent, TaskResult
from chorus_tui.engine.protocol.messages import TaskComplete
from chorus_tui.engine.runtime.figures.counting import Counting, Decided

STARTED = 1_000.0


def entry(seq: int, *, author: str = "me", epoch: str = "e", type_: str = "task_complete", at_ms: int = 2_000_000):
    """As the journal's fold gives it."""
    header = SimpleNamespace(author=author, epoch=epoch, seq=seq, hlc=f"{at_ms}:0:node")
    return SimpleNamespace(header=header, type=type_)


def result(outcome: str = "completed", **fields) -> TaskComplete:
    """A result's message."""
    made = TaskResult(
        outcome=outcome, phases={"pulling": 1.0, "running": 2.0}, max_memory_mb=3, output_bytes=70, **fields
    )
    return TaskComplete(task_id="01HZZZZZZZZZZZZZZZZZZZZZZZ", mesh_id="0" * 64, attempt=1, result=made)


def decision(index: int, type_: str, at_ms: int = 2_000_000, **data):
    """As the control log's fold gives it."""
    return SimpleNamespace(mesh_id="m", index=index, type=type_, hlc=f"{at_ms}:0:node", data=data)


def counting(announced=lambda _key: None) -> Counting:
    return Counting("me", STARTED, announced)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_an_entry_counts_once_however_often_it_is_folded(seqs):
    """A fold that begins anew after an erasure gives everything again; numbers known are passed over."""
    fold = counting()
    for seq in seqs:
        fold.apply(entry(seq), result())
        fold.reset()
    reached, once = -1, 0
    for seq in seqs:
        once += seq > reached
        reached = max(reached, seq)

    assert fold.completed == once


def test_what_was_made_before_the_start_does_not_count():
    """A replay of the journal, and the log that a newcomer fetches, move nothing."""
    fold = counting()
    fold.apply(entry(0, at_ms=900_000), result())
    Decided(fold).apply(decision(1, "task_granted", at_ms=900_000))

    assert (fold.completed, fold.said.total(), fold.decided.total(), fold.durations.count) == (0, 0, 0, 0)


def test_own_results_fill_the_figures_of_work_and_those_of_others_do_not():
    """Outcomes, durations, phases, memory, output, steps, and why it could not be run."""
    fold = counting()
    fold.apply(entry(0), result(spent=Spent(steps=4)))
    fold.apply(entry(1), result("error", reason="image_missing"))
    fold.apply(entry(0, author="other"), result())

    assert (fold.completed, fold.failed, fold.agent_steps, dict(fold.errors)) == (1, 1, 4, {"image_missing": 1})
    assert (fold.durations.count, fold.durations.sum, fold.phases["running"].sum) == (2, 6.0, 4.0)
    assert (fold.peak_memory.sum, fold.output.sum) == (6 * 2**20, 140)
    assert fold.said.total() == 3


def test_a_grant_tells_how_long_its_task_waited():
    """By the clocks of announcer and admin; never less than nothing."""
    fold = counting({("m", "a"): 1_990_000, ("m", "b"): 2_500_000}.get)
    for index, task_id in enumerate("abc", 1):
        fold.decide(decision(index, "task_granted", task_id=task_id))

    assert (fold.waits.count, fold.waits.sum) == (2, 10.0)
    assert fold.decided["task_granted"] == 3
