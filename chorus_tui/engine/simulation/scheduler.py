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
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import trio
from trio._core import _run

from chorus_tui.engine.simulated_time import light_sleep

TRIO = "0.35."
"""The release line whose insides are known here."""


class WrongTrio(Exception):
    """This trio is another one than the simulator was written for."""


POLLED_EVERY = 256
"""In so many rounds of the loop the machine is asked once for what comes from outside it, which is a person's Ctrl-C at most."""


class _Chance(random.Random):
    """Shuffles as its parent does, by the same draws, without a call for each of them."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        draw = self.getrandbits
        for last in range(len(x) - 1, 0, -1):
            count = last + 1
            bits = count.bit_length()
            other = draw(bits)
            while other >= count:
                other = draw(bits)
            x[last], x[other] = x[other], x[last]


class _Nothing:
    """What a task is woken with when it is told nothing: trio's own may be opened once, so it makes one for every wake."""

    def unwrap(self) -> None:
        pass


NOTHING = _Nothing()


@contextmanager
def deterministic(seed: int | str) -> Iterator[None]:
    """Inside the block, runs of trio with a mock clock depend on ``seed`` alone. Raises :class:`WrongTrio`."""
    here = version("trio")
    if not here.startswith(TRIO):
        raise WrongTrio(f"The simulator was written for trio {TRIO}x and does not replay with {here}")
    inside: Any = _run
    names = ("_ALLOW_DETERMINISTIC_SCHEDULING", "_r", "TheIOManager", "Instruments")
    before = {name: getattr(inside, name) for name in names}
    inside._ALLOW_DETERMINISTIC_SCHEDULING = True  # noqa: SLF001 - see above
    inside._r = _Chance(f"scheduler {seed}")  # noqa: SLF001 - for simulations only
    inside.TheIOManager = _seldom_polled(inside.TheIOManager)
    # Trio looks for instruments before and after whatever it does; in a plain dict it does so without a call of Python.
    inside.Instruments = lambda wanted: before["Instruments"](wanted) if wanted else {}
    # The collector runs the ends of abandoned generators at moments that no seed decides.
    collects = gc.isenabled()
    gc.disable()
    try:
        with light_sleep(), _light_time():
            yield
    finally:
        for name, value in before.items():
            setattr(inside, name, value)
        if collects:
            gc.enable()


def _seldom_polled(manager: Any) -> Any:
    """Trio's own door to sockets, of which a simulation has none: unless nothing can run, it is seldom looked at."""

    class Seldom(manager):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._rounds = 0

        def get_events(self, timeout: float) -> Any:
            self._rounds += 1
            if timeout > 0 or self._rounds % POLLED_EVERY == 0:
                return super().get_events(timeout)
            return ()

    return Seldom


@contextmanager
def _light_time() -> Iterator[None]:
    """Inside the block :func:`trio.current_time` asks the clock itself, not the one who asks the one who asks it."""
    before, context = trio.current_time, _run.GLOBAL_RUN_CONTEXT

    def current_time() -> float:
        try:
            return context.runner.clock.current_time()
        except AttributeError:  # outside a run: trio has words for it
            return before()

    trio.current_time = current_time
    try:
        yield
    finally:
        trio.current_time = before


class Stopped:
    """Processes that are stopped, each known by the task it began with."""

    def __init__(self) -> None:
        self._held: dict[trio.lowlevel.Task, list[tuple[trio.lowlevel.Task, tuple[Any, ...]]]] = {}
        self._known: dict[trio.lowlevel.Task, trio.lowlevel.Task | None] = {}
        """Below which stopped process a task is, as found since the last stop: a task never moves."""

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Inside the block, tasks of stopped processes are not scheduled.

        Nothing is done as often in a run as this, so the way of those that run on is trio's, without its detours.
        """
        runner: Any = _run.Runner
        reschedule: Callable[..., None] = runner.reschedule
        nothing_sent: Any = _run._NO_SEND  # noqa: SLF001 - see above
        held = self._held

        def gate(this: Any, task: Any, outcome: Any = nothing_sent) -> None:
            root = self._stopped_root(task) if held else None
            if root is None:
                assert task._next_send_fn is None, "a task was woken twice"  # noqa: SLF001 - trio's own rule
                task._next_send_fn = task.coro.send  # noqa: SLF001 - what reschedule does
                task._next_send = NOTHING if outcome is nothing_sent else outcome  # noqa: SLF001 - as above
                task._abort_func = task.custom_sleep_data = None  # noqa: SLF001 - as above
                this.runq.append(task)
            else:
                # Trio must see a task that cannot be woken a second time.
                task._abort_func = None  # noqa: SLF001 - what reschedule does
                held[root].append((task, (outcome,)))

        runner.reschedule = gate
        try:
            yield
        finally:
            runner.reschedule = reschedule

    def stop(self, root: trio.lowlevel.Task) -> None:
        """From now on nothing below ``root`` runs. Idempotent."""
        self._held.setdefault(root, [])
        self._known.clear()

    def go_on(self, root: trio.lowlevel.Task) -> None:
        """Everything below ``root`` runs again; what became ready meanwhile does so now. Idempotent."""
        self._known.clear()
        for task, outcome in self._held.pop(root, []):
            trio.lowlevel.reschedule(task, *outcome)

    def _stopped_root(self, task: trio.lowlevel.Task) -> trio.lowlevel.Task | None:
        try:
            return self._known[task]
        except KeyError:
            found = self._known[task] = next((above for above in ancestors(task) if above in self._held), None)
            return found


def ancestors(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """The task and those it runs under, outwards."""
    seen: trio.lowlevel.Task | None = task
    while seen is not None:
        yield seen
        seen = seen.parent_nursery.parent_task if seen.parent_nursery is not None else None
