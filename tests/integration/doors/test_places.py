"""Places at the doors: no caller takes all, the owner always has some, and one is taken until the work behind it has ended."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
import trio

from chorus_tui.contract.models.tasks import TaskRef
from chorus_tui.contract.operations import Scope
from tests.integration.doors.served import TASK, serve, until

SPEC = {"spec": {"title": "t", "commands": ["true"]}}


def session(served, secret=None):
    """Of the owner at the socket, or of a token."""
    if secret is None:
        return aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(str(served.socket)))
    return aiohttp.ClientSession(served.url, headers={"Authorization": f"Bearer {secret}"})


async def status(one, verb, path, **arguments):
    async with one.request(verb, path, **arguments) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("bound", "path"),
    [("calls.MAX_CALLS", "/api/v1/status"), ("following.MOST_READERS", "/api/v1/events?topics=log")],
)
def test_one_token_shuts_out_nobody(tmp_path, monkeypatch, bound, path):
    """A token has a quarter of the places at most, all tokens together three; the owner at the socket comes in all the same."""
    monkeypatch.setattr(f"chorus_tui.engine.api.{bound}", 8)
    state = {"waiting": 0}

    async def forever():
        state["waiting"] += 1
        await trio.sleep_forever()

    async def held(served, one, number):
        """``number`` more requests that last, each once it has its place."""
        tasks = []
        for _ in range(number):
            before = served.server.clients()
            tasks.append(asyncio.ensure_future(one.get(path)))
            await until(lambda seen=before: served.server.clients() > seen)
        return tasks

    async def go(served):
        secrets = [served.token[scope] for scope in Scope] + [served.tokens.issue(Scope.READ, "", None)[1]]
        async with (
            session(served, secrets[0]) as first, session(served, secrets[1]) as second, session(served, secrets[2]) as third,
            session(served, secrets[3]) as fourth, session(served) as owner,
        ):  # fmt: skip
            tasks = await held(served, first, 2)
            alone = await status(first, "GET", path)
            for other in (second, third):
                tasks += await held(served, other, 2)
            crowd = await status(fourth, "GET", path)
            tasks += await held(served, owner, 2)
            full = await status(owner, "GET", path)
            for task in tasks:
                task.cancel()
            for answer in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(answer, aiohttp.ClientResponse):
                    answer.close()
        return alone, crowd, full

    with serve(tmp_path / "d", {"status.show": lambda _: forever()}) as served:
        assert asyncio.run(go(served)) == (429, 429, 429)


def test_a_change_holds_its_place_until_it_has_ended(tmp_path, monkeypatch):
    """A change whose caller has left goes on, so it still counts; once it has ended there is room again, also when it failed."""
    monkeypatch.setattr("chorus_tui.engine.api.calls.MAX_CALLS", 4)
    state = {"begun": 0}

    async def slowly():
        state["begun"] += 1
        while "go" not in state:
            await trio.sleep(0.01)
        if state["begun"] == 1:
            raise ValueError("nobody hears it")
        return TaskRef(task_id=TASK)

    async def go(served):
        async with session(served, served.token[Scope.OPERATE]) as one:
            leaving = asyncio.ensure_future(one.post("/api/v1/tasks", json=SPEC))
            await until(lambda: state["begun"] == 1)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            # The server has seen by now that it left: it answers on another connection.
            await one.get("/healthz")
            await asyncio.sleep(0.2)
            meanwhile = await status(one, "POST", "/api/v1/tasks", json=SPEC)
            state["go"] = True
            await until(lambda: not served.server._routes.calls.running)
            return meanwhile, await status(one, "POST", "/api/v1/tasks", json=SPEC)

    with serve(tmp_path / "d", {"tasks.announce": lambda _: slowly()}) as served:
        assert asyncio.run(go(served)) == (429, 200)
    assert state["begun"] == 2


def test_a_revoked_token_ends_its_reads_at_once(tmp_path):
    """Whoever waits for an answer with a token that is revoked gets 401 then; a change goes on, others wait on."""
    state = {"begun": 0, "ended": 0}

    async def forever():
        state["begun"] += 1
        try:
            await trio.sleep_forever()
        finally:
            state["ended"] += 1

    async def slowly():
        state["begun"] += 1
        while "go" not in state:
            await trio.sleep(0.01)
        return TaskRef(task_id=TASK)

    async def go(served):
        token, secret = served.tokens.issue(Scope.OPERATE, "", None)
        async with session(served, secret) as one, session(served, served.token[Scope.READ]) as other:
            asked = [
                asyncio.ensure_future(status(one, "GET", "/api/v1/status")),
                asyncio.ensure_future(status(one, "POST", "/api/v1/tasks", json=SPEC)),
                asyncio.ensure_future(status(other, "GET", "/api/v1/status")),
            ]
            await until(lambda: state["begun"] == 3)
            await asyncio.to_thread(served.tokens.revoke, token.token_id)
            async with asyncio.timeout(20):
                read = await asked[0]
            await until(lambda: state["ended"] == 1)
            left = asked[2].done()
            state["go"] = True
            changed = await asked[1]
            asked[2].cancel()
            return read, changed, left

    with serve(tmp_path / "d", {"status.show": lambda _: forever(), "tasks.announce": lambda _: slowly()}) as served:
        assert asyncio.run(go(served)) == (401, 200, False)
    assert state["ended"] == 2


def test_a_body_that_comes_after_the_revocation_is_not_carried_out(tmp_path):
    """A token shown before it was revoked opens nothing for what is read of the request only then."""

    async def go(served):
        token, secret = served.tokens.issue(Scope.OPERATE, "", None)
        entered, revoked = asyncio.Event(), asyncio.Event()

        async def body():
            yield b'{"spec": {"title": "t", '
            entered.set()
            await revoked.wait()
            yield b'"commands": ["true"]}}'

        async with session(served, secret) as one:
            asked = asyncio.ensure_future(
                status(one, "POST", "/api/v1/tasks", data=body(), headers={"Content-Type": "application/json"})
            )
            await entered.wait()
            await until(lambda: served.server._routes.calls.running == 1)
            await asyncio.to_thread(served.tokens.revoke, token.token_id)
            revoked.set()
            return await asked

    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        assert asyncio.run(go(served)) == 401
        assert served.seen == []
