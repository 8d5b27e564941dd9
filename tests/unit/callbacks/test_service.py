"""Callbacks at work: called once it has ended, tried again in time, over a restart too, and seen on the task."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import trio

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.callbacks import rules, store
from chorus_tui.engine.callbacks.calling import Failed
from chorus_tui.engine.callbacks.service import CallbackService, Parts
from chorus_tui.engine.clock import SystemEntropy
from chorus_tui.engine.journal.database import InlineDatabase

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
URL = "https://ci.example/hook"
LISTED = rules.targets(["ci.example"])


def view(task_id=TASK):
    return models.TaskView(
        task_id=task_id, title="t", state="completed", priority="medium", announcer="p", announcer_name="p", announced_at=1.0,
        spec=TaskSpec(title="t", commands=["true"]), mesh_id="m", attempts=[], result=None, confirmed=True,
    )  # fmt: skip


class Tasks:
    """Tasks that end when they are told to."""

    def __init__(self):
        self.done = None
        self.gone = False

    def handlers(self):
        async def announce(_request, _caller):
            return models.TaskRef(task_id=TASK)

        async def show(_request, _caller):
            return view()

        return {"tasks.announce": announce, "tasks.show": show, "tasks.wait": show}

    def ended(self, _task_id):
        if self.gone:
            raise Problem(409, "withdrawn", "The task does not count any more")
        return self.done


class Service:
    """One that answers with ``answers``, then with 200."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    async def __call__(self, place, headers, body):
        self.calls.append((trio.current_time(), place, headers, body))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, str):
            raise Failed(answer)
        return answer


@pytest.fixture
def made():
    """What makes a service; called again it is a restart on what was stored."""
    disk: list[InlineDatabase] = []

    def make(post, tasks, *, listed=LISTED, secret="s" * 16, with_store=True):
        # No threads, which the test's clock would not wait for.
        database = InlineDatabase(store.SCHEMA, disk[-1].image() if disk else None)
        disk.append(database)
        clock = SimpleNamespace(wall=lambda: 1_000.0 + trio.current_time())
        kept = store.CallbackStore(database) if with_store else None
        return CallbackService(Parts(tasks, kept, listed, secret, post, lambda value: value, clock, SystemEntropy()))

    return make


def announced(url=URL):
    return models.AnnounceTask(spec=TaskSpec(title="t", commands=["true"]), callback_url=url)


async def state(service):
    return (await service.handlers()["tasks.show"](models.TaskRef(task_id=TASK), None)).callback


async def test_called_when_it_has_ended(made, autojump_clock):
    """Not before its end; then once, signed, with the task in the body."""
    tasks, post = Tasks(), Service()
    service = made(post, tasks)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        await service.handlers()["tasks.announce"](announced(), None)
        await trio.sleep(60)
        assert (post.calls, (await state(service)).state) == ([], "waiting")
        tasks.done = view()
        await trio.sleep(600)
        nursery.cancel_scope.cancel()
    ((_, place, headers, body),) = post.calls

    assert place.url == URL
    assert json.loads(body)["task"]["task_id"] == TASK
    assert headers["X-Chorus-Signature"] == rules.signature("s" * 16, int(headers["X-Chorus-Timestamp"]), body)
    assert (await state(service)).state == "delivered"


async def test_who_sees_the_task_sees_no_secret_of_the_address(made):
    """A token in the path or the query is the service's and the announcer's alone; whom the end is told to, everybody may know."""
    service = made(Service(), Tasks())
    secret = "hooks/T0kEn?key=s3cReT"
    await service.handlers()["tasks.announce"](announced(f"https://ci.example/{secret}"), None)

    assert (await state(service)).url == "https://ci.example/…"


async def test_tried_again_over_a_restart(made, autojump_clock):
    """After failures it is tried again in time, by the next start of the engine too, as the same delivery."""
    tasks, first = Tasks(), Service("it cannot be reached", 503)
    tasks.done = view()
    service = made(first, tasks)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        await service.handlers()["tasks.announce"](announced(), None)
        with trio.fail_after(60):
            while len(first.calls) < 2:
                await trio.sleep(1)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    told = await state(service)
    assert (told.state, told.tries, told.problem) == ("waiting", 2, "it answered 503")
    assert (service.made, service.waiting()) == ({"delivered": 0, "failed": 2, "given_up": 0}, 1)

    second = Service()
    again = made(second, tasks)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(again.run)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()

    assert 4 <= first.calls[1][0] - first.calls[0][0] <= 8
    assert len(second.calls) == 1
    assert {call[2]["X-Chorus-Delivery"] for call in [*first.calls, *second.calls]} == {
        first.calls[0][2]["X-Chorus-Delivery"]
    }
    assert (await state(again)).state == "delivered"
    assert (again.made, again.waiting()) == ({"delivered": 1, "failed": 0, "given_up": 0}, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"listed": rules.targets(["other.example"])}, "CHORUS_CALLBACK_HOSTS"), ({"gone": True}, "does not count")],
)
async def test_given_up_and_said(made, autojump_clock, change, why):
    """A host that is not listed any more is not called, nor is one for a task that is gone; the task says why."""
    tasks, post = Tasks(), Service()
    service = made(post, tasks)
    await service.handlers()["tasks.announce"](announced(), None)
    tasks.done, tasks.gone = view(), change.get("gone", False)
    again = made(post, tasks, listed=change.get("listed", LISTED))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(again.run)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    told = await state(again)

    assert post.calls == []
    assert told.state == "given_up"
    assert why in told.problem
    assert again.made["given_up"] == 1


@pytest.mark.parametrize(
    ("options", "url"),
    [({"with_store": False}, URL), ({"secret": ""}, URL), ({}, "https://evil.example/"), ({}, "http://ci.example/")],
)
async def test_refused_before_it_is_announced(made, options, url):
    """An address that will not be called is refused with the announcement, not found out afterwards."""
    tasks = Tasks()
    service = made(Service(), tasks, **options)
    with pytest.raises(Problem) as caught:
        await service.handlers()["tasks.announce"](announced(url), None)

    assert list(caught.value.fields) == ["callback_url"]


async def test_announced_twice_is_called_once(made, autojump_clock):
    """The same task announced again, as after a lost answer, keeps its one delivery."""
    tasks, post = Tasks(), Service()
    service = made(post, tasks)
    for _ in range(2):
        await service.handlers()["tasks.announce"](announced(), None)
    tasks.done = view()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run)
        await trio.sleep(30)
        nursery.cancel_scope.cancel()
    await service.handlers()["tasks.announce"](announced(), None)

    assert len(post.calls) == 1
    assert (await state(service)).state == "delivered"
