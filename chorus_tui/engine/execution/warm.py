"""Sandboxes that wait started, so that a task begins at once. The rules are in :mod:`.warm_rules`.

A sandbox is given to one task and never comes back: what a task leaves in it goes with it. While it waits it belongs to
no task, and its lifeline and its labels end it like any other. A task sets the lifeline to its own time when it takes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import Change
from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.execution.profile import LIFELINE_MARGIN_S, Origin, container, task_user
from chorus_tui.engine.execution.sandbox import Sandbox, created, started
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.warm_rules import IDLE_S, LONGEST_TASK_S, Kind, free_memory_mb, missing, surplus

_log = structlog.get_logger(__name__)
WARM_TASK = "warm"
"""What stands on the task's label of a sandbox that was started before its task was known: labels never change."""
LOOK_S = 5.0
SETTLE_S = 1.0
"""After a wish, at most: the engine works for the tasks that have begun alone, which mostly are over sooner."""


def free_on_this_machine_mb() -> float:
    """MiB that programs can still get."""
    return free_memory_mb(Path("/proc/meminfo").read_text(encoding="ascii").splitlines())


@dataclass(slots=True)
class _Waiting:
    kind: Kind
    sandbox: Sandbox
    held: AsyncExitStack
    since: float


class WarmPool:
    """At most ``settings.warm`` sandboxes wait. Nothing waits unless :meth:`tend` runs."""

    def __init__(
        self, api: DockerApi, settings: ExecutionSettings, run: str, wall: Callable[[], float],
        free_mb: Callable[[], float] = free_on_this_machine_mb,
    ) -> None:  # fmt: skip
        self._api = api
        self._settings = settings
        self._run = run
        self._wall = wall
        self._free_mb = free_mb
        self._most = settings.warm
        self._waiting: list[_Waiting] = []
        self._wished: dict[Kind, float] = {}
        self._images: dict[str, tuple[str, dict[str, Any]]] = {}
        self._wake = trio.Event()
        self._at_work = 0
        self._calm = Change()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A task has a sandbox inside, or gets or loses it: nothing is made for others meanwhile, for a moment."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._calm.tell()

    def wish(self, kind: Kind, name: str, image: dict[str, Any]) -> None:
        """A task of this kind runs now: another may follow. ``name`` and ``image`` describe the image."""
        self._wished[kind] = trio.current_time()
        self._images[kind.image_id] = (name, image)
        self._wake.set()

    async def take(self, kind: Kind, lifetime_s: int, held: AsyncExitStack) -> Sandbox | None:
        """A waiting sandbox of this kind, from here on in the care of ``held``; None when there is none that lives."""
        while lifetime_s <= LONGEST_TASK_S + LIFELINE_MARGIN_S:
            found = next((one for one in self._waiting if one.kind == kind), None)
            if found is None:
                return None
            self._waiting.remove(found)
            # What was entered when it was made is left when the task ends, or right now if it is dead.
            held.push_async_exit(found.held)
            try:
                await found.sandbox.set_lifetime(lifetime_s)
                if await found.sandbox.running():
                    return found.sandbox
            except ExecutionError as error:
                _log.info("a waiting sandbox was lost", error=str(error))
        return None

    async def tend(self) -> None:
        """Make and drop until cancelled; then none waits any more."""
        try:
            while True:
                with trio.move_on_after(LOOK_S):
                    await self._wake.wait()
                    with trio.move_on_after(SETTLE_S):
                        if self._at_work:
                            await self._calm.next.wait()
                self._wake = trio.Event()
                await self._drop_surplus()
                await self._make_missing()
        finally:
            await self.empty()

    async def empty(self) -> None:
        """Remove all that wait, and make no more until the next wish."""
        self._wished.clear()
        with trio.CancelScope(shield=True):
            while self._waiting:
                await self._waiting.pop().held.aclose()

    async def stop(self) -> None:
        """None waits from here on."""
        self._most = 0
        await self.empty()

    async def _drop_surplus(self) -> None:
        now = trio.current_time()
        self._wished = {kind: at for kind, at in self._wished.items() if now - at < IDLE_S}
        used = {kind.image_id for kind in self._wished}
        self._images = {image_id: image for image_id, image in self._images.items() if image_id in used}
        there = [(one.kind, one.since) for one in self._waiting]
        for at in sorted(surplus(self._wished, there, self._most, now=now, free_mb=self._free_mb()), reverse=True):
            await self._waiting.pop(at).held.aclose()

    async def _make_missing(self) -> None:
        there = [one.kind for one in self._waiting]
        kinds = missing(self._wished, there, self._most, now=trio.current_time(), free_mb=self._free_mb())
        for kind in kinds:
            try:
                made = await self._make(kind)
            except ExecutionError as error:
                # The next task of its kind meets the trouble itself, says it, and wishes anew.
                _log.info("no sandbox could be made to wait", error=str(error))
                self._wished.pop(kind, None)
                return
            if self._most and kind in self._wished:
                self._waiting.append(made)
            else:
                await made.held.aclose()

    async def _make(self, kind: Kind) -> _Waiting:
        name, image = self._images[kind.image_id]
        pair = secrets.randbelow(1 << 16)
        deadline = int(self._wall()) + IDLE_S + LONGEST_TASK_S + 3 * LIFELINE_MARGIN_S
        origin = Origin(WARM_TASK, 0, self._settings.owner, self._run, deadline)
        lifetime = IDLE_S + LIFELINE_MARGIN_S
        body = container(kind.image_id, image, kind.bounds, origin, pair=pair, lifetime_s=lifetime)
        async with AsyncExitStack() as stack:
            named = f"chorus-{WARM_TASK}-{secrets.token_hex(8)}"
            sandbox = await stack.enter_async_context(created(self._api, named, body, task_user(pair), name))
            await stack.enter_async_context(started(self._api, sandbox))
            return _Waiting(kind, sandbox, stack.pop_all(), trio.current_time())
