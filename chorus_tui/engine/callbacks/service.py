"""Callbacks at work: taken with an announcement, made when the task has ended, tried again until somebody has it.

It stands before the operations that announce and show a task, so that the tasks themselves know nothing of it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
import trio

from chorus_tui.contract.hosts import Target
from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.callbacks import rules
from chorus_tui.engine.callbacks.calling import Failed, Post
from chorus_tui.engine.callbacks.rules import Callback, NotAllowed
from chorus_tui.engine.callbacks.store import MOST_WAITING, CallbackStore
from chorus_tui.engine.clock import Clock, Entropy

log = structlog.get_logger("chorus.callbacks")

LOOK_S: Final = 1.0
AT_ONCE: Final = 8

Handler = Callable[[Any, Any], Awaitable[Any]]


class Tasks(Protocol):
    """What is needed of the tasks."""

    def handlers(self) -> dict[str, Handler]:
        """Their operations."""
        ...

    def ended(self, task_id: str) -> models.TaskView | None:
        """The task, or the one that goes on from it, once it has ended. Raises :class:`Problem` when it does not count any more."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of. ``secret`` signs; empty: nothing is called. ``redact`` is the way out of every text."""

    tasks: Tasks
    store: CallbackStore | None
    listed: frozenset[Target]
    secret: str
    post: Post
    redact: Callable[[Any], Any]
    clock: Clock
    entropy: Entropy


class CallbackService:
    """Of one engine."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._calling: set[str] = set()
        self._limit = trio.Semaphore(AT_ONCE)
        self.made: Counter[str] = Counter({"delivered": 0, "failed": 0, "given_up": 0})
        """Calls so far, by what came of them."""

    def waiting(self) -> int:
        """Calls that nobody has got yet."""
        return self._parts.store.waiting() if self._parts.store is not None else 0

    def handlers(self) -> dict[str, Handler]:
        """The operations on tasks that know of callbacks, in the place of those that don't."""
        plain = self._parts.tasks.handlers()

        async def announce(request: models.AnnounceTask, caller: Any) -> models.TaskRef:
            store = self._checked(request.callback_url) if request.callback_url else None
            done: models.TaskRef = await plain["tasks.announce"](request, caller)
            if store is not None and store.get(done.task_id) is None:
                delivery = self._parts.entropy.bytes(16).hex()
                await store.put(Callback(done.task_id, request.callback_url, delivery))
            return done

        async def show(request: models.TaskRef, caller: Any) -> models.TaskView:
            return self._shown(await plain["tasks.show"](request, caller))

        async def wait(request: models.WaitTask, caller: Any) -> models.TaskView:
            return self._shown(await plain["tasks.wait"](request, caller))

        return {"tasks.announce": announce, "tasks.show": show, "tasks.wait": wait}

    def _checked(self, url: str) -> CallbackStore:
        """Raises :class:`Problem` unless ``url`` may be called."""
        parts = self._parts
        if parts.store is None or not parts.secret:
            missing = "CHORUS_CALLBACK_HOSTS" if parts.store is None else "CHORUS_CALLBACK_SECRET"
            raise invalid({"callback_url": f"this engine calls nobody back; its operator may set {missing}"})
        try:
            rules.place(url, parts.listed)
        except NotAllowed as error:
            raise invalid({"callback_url": str(error)}) from None
        if parts.store.waiting() >= MOST_WAITING:
            raise Problem(429, "too-many-callbacks", f"{MOST_WAITING} calls wait already", retry_after_s=60.0)
        return parts.store

    def _shown(self, view: models.TaskView) -> models.TaskView:
        """With the call for it; the call stands under the id with which it was announced, also when it goes on under another."""
        store = self._parts.store
        known = (store.get(view.task_id) or store.get(view.continues)) if store is not None else None
        if known is None:
            return view
        told = models.TaskCallback(
            url=rules.shown(known.url), state=known.state, tries=known.tries, last_at=known.last_at, problem=known.problem,
            next_at=known.next_at if known.state == "waiting" and known.tries else None,
        )  # fmt: skip
        return view.model_copy(update={"callback": told})

    def close(self) -> None:
        """Close the store."""
        if self._parts.store is not None:
            self._parts.store.close()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Call whoever is due, until cancelled."""
        task_status.started()
        store = self._parts.store
        if store is None:
            await trio.sleep_forever()
            return
        async with trio.open_nursery() as nursery:
            while True:
                for callback in store.due(self._parts.clock.wall()):
                    if callback.task_id not in self._calling:
                        await self._begin(nursery, store, callback)
                await trio.sleep(LOOK_S)

    async def _begin(self, nursery: trio.Nursery, store: CallbackStore, callback: Callback) -> None:
        now = self._parts.clock.wall()
        try:
            view = self._parts.tasks.ended(callback.task_id)
        except Problem as problem:
            gone = rules.given_up(callback, now, problem.title)
            await store.put(gone)
            self._note(gone)
            return
        if view is None:
            return
        self._calling.add(callback.task_id)
        nursery.start_soon(self._call, store, callback, view)

    async def _call(self, store: CallbackStore, callback: Callback, view: models.TaskView) -> None:
        try:
            async with self._limit:
                after = await self._try(callback, view)
            await store.put(after)
            self._note(after)
        finally:
            self._calling.discard(callback.task_id)

    async def _try(self, callback: Callback, view: models.TaskView) -> Callback:
        parts = self._parts
        now = parts.clock.wall()
        try:
            place = rules.place(callback.url, parts.listed)
        except NotAllowed as error:
            return rules.given_up(callback, now, str(error))
        body = json.dumps({"event": "task_ended", "task": parts.redact(view.model_dump(mode="json"))}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Chorus-Delivery": callback.delivery,
            "X-Chorus-Timestamp": str(int(now)),
            "X-Chorus-Signature": rules.signature(parts.secret, int(now), body),
        }
        try:
            return rules.tried(callback, now, await parts.post(place, headers, body), "")
        except Failed as error:
            return rules.tried(callback, now, None, str(error))

    def _note(self, callback: Callback) -> None:
        task, tries = callback.task_id, callback.tries
        self.made["failed" if callback.state == "waiting" else callback.state] += 1
        if callback.state == "given_up":
            log.warning("⚠️ A callback was given up", task_id=task, tries=tries, reason=callback.problem)
        elif callback.state == "delivered":
            log.info("📤 A callback was delivered", task_id=task, tries=tries)
