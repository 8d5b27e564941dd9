"""Trio made to replay: one source of chance for the order of tasks, and processes that can be stopped.

Trio runs what is ready in batches, each in an order of chance. Inside lies a switch, made for Hypothesis, that sorts a
batch by the age of its tasks before it is shuffled by a source that can be seeded. Together with the mock clock, which
jumps when all tasks wait, this makes a run a function of its seed.

A stopped process (SIGSTOP, a closed lid) is one whose tasks are not scheduled. Its timers go off and its messages come
in, but nothing of it runs until it goes on. Trio has no door for this, so :class:`Stopped` stands before
``Runner.reschedule``.

Both reach into trio; :data:`TRIO` is the version they were written for, and any other is refused. Everything of that
kind is in this file.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, cast

import trio
from trio._core import _run

from chorus_tui.engine.simulated_time import light_sleep

TRIO = "0.35."
"""The release line whose insides are known here."""


class WrongTrio(Exception):
    """This trio is another one than the simulator was written for."""


@contextmanager
def deterministic(seed: int | str) -> Iterator[None]:
    """Inside the block, runs of trio with a mock clock depend on ``seed`` alone. Raises :class:`WrongTrio`."""
    here = version("trio")
    if not here.startswith(TRIO):
        raise WrongTrio(f"The simulator was written for trio {TRIO}x and does not replay with {here}")
    inside: Any = _run
    before = inside._ALLOW_DETERMINISTIC_SCHEDULING, inside._r  # noqa: SLF001 - see above
    inside._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001 - see above
    inside._r = random.Random(f"scheduler {seed}")  # noqa: S311, SLF001 - for simulations only
    # The collector runs the ends of abandoned generators at moments that no seed decides.
    collects = gc.isenabled()
    gc.disable()
    try:
        with light_sleep():
            yield
    finally:
        inside._ALLOW_DETERMINISTIC_SCHEDULING, inside._r = before  # noqa: SLF001 - see above
        if collects:
            gc.enable()


class Stopped:
    """Processes that are stopped, each known by the task it began with."""

    def __init__(self) -> None:
        self._held: dict[trio.lowlevel.Task, list[tuple[trio.lowlevel.Task, tuple[Any, ...]]]] = {}

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Inside the block, tasks of stopped processes are not scheduled."""
        runner: Any = _run.Runner
        reschedule: Callable[..., None] = runner.reschedule

        def gate(this: Any, task: trio.lowlevel.Task, *outcome: Any) -> None:
            root = self._stopped_root(task) if self._held else None
            if root is None:
                reschedule(this, task, *outcome)
            else:
                # Trio must see a task that cannot be woken a second time.
                cast("Any", task)._abort_func = None  # noqa: SLF001 - what reschedule does
                self._held[root].append((task, outcome))

        runner.reschedule = gate
        try:
            yield
        finally:
            runner.reschedule = reschedule

    def stop(self, root: trio.lowlevel.Task) -> None:
        """From now on nothing below ``root`` runs. Idempotent."""
        self._held.setdefault(root, [])

    def go_on(self, root: trio.lowlevel.Task) -> None:
        """Everything below ``root`` runs again; what became ready meanwhile does so now. Idempotent."""
        for task, outcome in self._held.pop(root, []):
            trio.lowlevel.reschedule(task, *outcome)

    def _stopped_root(self, task: trio.lowlevel.Task) -> trio.lowlevel.Task | None:
        return next((above for above in ancestors(task) if above in self._held), None)


def ancestors(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """The task and those it runs under, outwards."""
    seen: trio.lowlevel.Task | None = task
    while seen is not None:
        yield seen
        seen = seen.parent_nursery.parent_task if seen.parent_nursery is not None else None
