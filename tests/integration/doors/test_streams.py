"""Streams of events that break off: gone on with where they were, told of what is gone, closed when their token is."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from chorus_tui.contract.operations import Scope
from tests.integration.doors.served import serve, until
from tests.support.patience import PATIENCE

PATH = "/api/v1/events"
TASK = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def frames(answer, enough):
    """Server-sent events as (name, id, data) until ``enough`` of them, or the end."""
    found, name, identifier = [], "message", None
    async with asyncio.timeout(60):
        async for raw in answer.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("id: "):
                identifier = line[4:]
            elif line.startswith("data: "):
                found.append((name, identifier, json.loads(line[6:])))
                name, identifier = "message", None
                if enough(found):
                    return found
    return found


def many(number):
    return lambda found: len(found) >= number


def read(served, topics, enough, *, after="", during=lambda: None, secret=None):
    """What a reader of server-sent events gets; ``during`` runs once it reads."""

    async def go():
        headers = {"Authorization": f"Bearer {secret or served.token[Scope.READ]}"}
        headers |= {"Last-Event-ID": after} if after else {}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{served.url}{PATH}", params={"topics": topics}) as answer,
        ):
            if answer.status != 200:
                return answer.status, await answer.json()
            assert answer.content_type == "text/event-stream"
            during()
            return await frames(answer, enough)

    return asyncio.run(go())


def test_events_as_sse(served):
    """First the greeting, then each event with an id to go on from."""

    def during():
        served.events.publish("tasks", "t1", {"n": 1})
        served.events.publish("log", None, {"text": "a\nb"})

    hello, first, second = read(served, "tasks,log", many(3), during=during)

    assert (hello[0], hello[2]["agent_id"]) == ("hello", "me")
    assert (first[2]["topic"], first[2]["key"], first[2]["data"]) == ("tasks", "t1", {"n": 1})
    assert second[2]["data"] == {"text": "a\nb"}
    assert [first[1], second[1]] == [f"{served.events.epoch}-{n}" for n in (1, 2)]


def test_sse_goes_on_where_it_was(served):
    """Every line and the newest state of each thing since the given id come first, then what is new: nothing twice, nothing lost."""
    for n in range(1, 8):
        served.events.publish("log", None, {"n": n})
        served.events.publish("tasks", "t", {"n": n})
    after = f"{served.events.epoch}-4"

    def during():
        served.events.publish("log", None, {"n": 8})

    got = read(served, "tasks,log", many(8), after=after, during=during)

    assert [name for name, _, _ in got] == ["hello"] + ["message"] * 7
    assert [(e["topic"], e["data"]["n"]) for _, _, e in got[1:]] == [
        ("log", 3), ("log", 4), ("log", 5), ("log", 6), ("log", 7), ("tasks", 7), ("log", 8),
    ]  # fmt: skip


@pytest.mark.parametrize("epoch", ["this", "another"])
def test_gap_is_told(served, monkeypatch, epoch):
    """When something since is gone, a typed event says so, of which topics, and why, before what is left."""
    served.events._kept._most_lines = 3
    for n in range(6):
        served.events.publish("log", None, {"n": n})
    served.events.publish("tasks", "t", {"n": 1})
    run = served.events.epoch if epoch == "this" else "00000000"
    got = read(served, "tasks,log", many(6), after=f"{run}-1")

    gap = got[1]
    assert (gap[0], gap[2]["after"]) == ("gap", f"{run}-1")
    assert gap[2]["topics"] == (["log"] if epoch == "this" else ["log", "tasks"])
    assert gap[2]["reason"] == ("too old" if epoch == "this" else "the engine was started anew")
    assert [event["data"]["n"] for name, _, event in got[2:]] == [3, 4, 5, 1]


@pytest.mark.parametrize("after", ["x", "0123abcd", "0123abcd-", "0123ABCD-1", "0123abcd--1", "0123abcd-" + "9" * 30])
def test_bad_position(served, after):
    """What is no id of an event is 422."""
    assert read(served, "log", many(1), after=after)[0] == 422


def test_websocket_goes_on_where_it_was(served):
    """The same over a WebSocket, by ``after``; a gap is a frame of its own."""
    for n in range(1, 4):
        served.events.publish("log", None, {"n": n})

    async def go(after):
        headers = {"Authorization": f"Bearer {served.token[Scope.READ]}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{served.url}{PATH}?topics=log&after={after}") as stream,
        ):
            return [
                await asyncio.wait_for(stream.receive_json(), 40) for _ in range(3 if after.startswith("0000") else 2)
            ]

    hello, events = asyncio.run(go(f"{served.events.epoch}-1"))
    gap = asyncio.run(go("00000000-1"))[1]

    assert hello["epoch"] == served.events.epoch
    assert [event["data"]["n"] for event in events] == [2, 3]
    assert gap["gap"]["topics"] == ["log"]


def test_revoked_token_ends_its_streams_at_once(served):
    """Revoking a token closes what it opened, over both carriers, and no other stream."""
    token, secret = served.tokens.issue(Scope.READ, "reader", None)

    async def go():
        mine = {"Authorization": f"Bearer {secret}"}
        other = {"Authorization": f"Bearer {served.token[Scope.READ]}"}
        url = f"{served.url}{PATH}?topics=log"
        async with aiohttp.ClientSession() as session:
            sse = await session.get(url, headers=mine)
            socket = await session.ws_connect(url, headers=mine)
            stays = await session.ws_connect(url, headers=other)
            await socket.receive()
            await stays.receive()
            began = time.monotonic()
            await asyncio.to_thread(served.tokens.revoke, token.token_id)
            told = await frames(sse, lambda _: False)
            closed = await asyncio.wait_for(socket.receive(), 40)
            took = time.monotonic() - began
            served.events.publish("log", None, {"n": 1})
            still = await asyncio.wait_for(stays.receive_json(), 40)
            again = await session.get(url, headers=mine)
            await stays.close()
            return told, closed, took, still, again.status

    told, closed, took, still, status = asyncio.run(go())

    assert (told[-1][0], told[-1][2]["status"]) == ("problem", 401)
    assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 4401)
    assert took < 5
    assert still[0]["data"] == {"n": 1}
    assert status == 401


def test_expired_token_ends_its_stream(served):
    """A stream lasts no longer than the token that opened it."""
    _, secret = served.tokens.issue(Scope.READ, "", time.time() + 6.0)
    began = time.time()
    got = read(served, "log", lambda _: False, secret=secret)

    assert (got[-1][0], got[-1][2]["status"]) == ("problem", 401)
    assert time.time() - began < 6 + 8 * PATIENCE


def test_slow_reader_is_bounded_and_told(served):
    """A reader that does not read costs no more memory than its feed, holds up nobody, and learns how much it missed."""

    def during():
        for n in range(60_000):
            served.events.publish("log", None, {"n": n, "text": "x" * 200})

    got = read(served, "log", lambda found: any(name == "dropped" for name, _, _ in found), during=during)
    dropped = next(data for name, _, data in got if name == "dropped")

    assert dropped["dropped"] > 0


def test_too_many_readers(served, monkeypatch):
    """Over the bound a reader is 429 with a time to come again."""
    monkeypatch.setattr("chorus_tui.engine.api.following.MOST_READERS", 0)
    status, problem = read(served, "log", many(1))

    assert (status, problem["retry_after_s"]) == (429, 1.0)


def test_stop_ends_sse_at_once(tmp_path):
    """A stopping engine tells its readers and waits for none."""

    async def go(served):
        headers = {"Authorization": f"Bearer {served.token[Scope.READ]}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            answer = await session.get(f"{served.url}{PATH}?topics=log")
            await until(lambda: served.server.clients() == 1)
            await asyncio.to_thread(served.stop)
            return await frames(answer, lambda _: False)

    with serve(tmp_path / "d") as served:
        began = time.monotonic()
        got = asyncio.run(go(served))

    assert (got[-1][0], got[-1][2]["status"]) == ("problem", 503)
    assert time.monotonic() - began < 5
