"""The client: calls, the event stream with its merging, lost connections, contract versions."""

import asyncio
import json
import os
import socket
import threading

import aiohttp
import pytest
import trio

from chorus_tui.client import ContractRefused, EngineGone
from chorus_tui.client.launcher import attach, attach_url
from chorus_tui.client.socket_client import SocketClient
from chorus_tui.contract.models.tasks import ReadOutput, TaskRef
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.runtime import asking
from chorus_tui.locations import socket_path
from tests.integration.doors.served import TASK, serve, until


async def collect(stream, enough):
    """Batches until ``enough`` says so of the events so far."""
    events, dropped = [], 0
    async with asyncio.timeout(80):
        async for batch in stream:
            events += batch.events
            dropped += batch.dropped
            if enough(events, dropped):
                return events, dropped
    return events, dropped


def test_attach_and_call(served):
    """Over the socket and over TCP the same greeting comes back; a wrong token is a Problem."""

    async def go():
        local = await attach(served.data)
        remote = await attach_url(served.url, served.token[Scope.READ])
        names = local.hello.agent_id, remote.hello.agent_id
        states = local.connection.state, remote.connection.state
        offers = local.offers("engine.stop"), local.offers("peers.list")
        await local.close()
        await remote.close()
        with pytest.raises(Problem):
            await attach_url(served.url, "wrong")
        return names, states, offers

    assert asyncio.run(go()) == (("me", "me"), ("connected", "connected"), (True, False))


def test_a_token_at_the_socket_bounds_scope_and_names_the_person(served):
    """Each call and stream over the socket shows the token: its scope holds, its person acts, also in the first question."""
    _, secret = served.tokens.issue(Scope.READ, "", None, "ana")

    async def go():
        client = SocketClient(served.socket, secret)
        await client.greet()
        with pytest.raises(Problem) as refused:
            await client.call("engine.stop")
        stream = client.events(["status"])
        await anext(stream)
        await stream.aclose()
        await client.close()
        return refused.value.status

    assert asyncio.run(go()) == 403
    assert {(one.scope, one.person, one.via) for _, _, one in served.seen} == {(Scope.READ, "ana", "socket")}


def test_fields_travel(tmp_path):
    """Path parts, query fields and defaults of a request arrive as they were given."""
    with serve(tmp_path / "d", {"tasks.output": lambda _: TaskRef(task_id=TASK)}) as served:

        async def go():
            client = await attach(served.data)
            with pytest.raises(Problem, match="not understood"):
                await client.call("tasks.output", ReadOutput(task_id=TASK, offset=7))
            await client.close()

        asyncio.run(go())

        assert served.seen[-1][1] == ReadOutput(task_id=TASK, offset=7)


def closed(_folder, _patch):
    """As it is."""


def of_another(folder, patch):
    """Its owner is not who asks. Only root gives folders away; for everybody else it is who asks that changes."""
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    else:
        stranger = os.geteuid() + 1
        patch.setattr("os.geteuid", lambda: stranger)


def moved_away(folder, _patch):
    """Somebody who may write the folder above has put a link in its place."""
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


@pytest.mark.parametrize(
    ("meddle", "refused"),
    [
        (closed, False),
        (lambda folder, _patch: folder.chmod(0o777), True),
        (lambda folder, _patch: folder.chmod(0o730), True),
        (moved_away, True),
        (of_another, True),
    ],
    ids=["closed", "open to all", "open to a group", "a link", "of another user"],
)
def test_who_answers_where_others_can_put_a_socket_is_not_asked(tmp_path, monkeypatch, meddle, refused):
    """Neither a question nor a stream of events reaches it, nor what doctor asks; the refusal names the folder and the way out."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serve(tmp_path / "d") as served:
        client, told = SocketClient(served.socket), []
        meddle(served.socket.parent, monkeypatch)

        async def go():
            found = []
            for ask in (attach(served.data), client.call("engine.hello"), anext(client.events(["log"]))):
                try:
                    found.append(await ask)
                    if isinstance(found[-1], SocketClient):
                        await found[-1].close()
                except Problem as problem:
                    told.append(problem.detail)
            await client.close()
            return len(found)

        answered = asyncio.run(go()), trio.run(asking.ask, served.data, "/api/v1/hello") is not None
        served.socket.parent.chmod(0o700)

    assert answered == ((0, False) if refused else (3, True))
    assert bool(served.seen) is not refused
    assert all(str(served.socket.parent) in one and "XDG_RUNTIME_DIR" in one for one in told)


def test_nobody_there(tmp_path):
    """No socket, a stale socket file, and a closed port are each EngineGone."""
    path = socket_path(tmp_path)
    path.parent.mkdir(mode=0o700, parents=True)

    async def go():
        with pytest.raises(EngineGone):
            await attach(tmp_path)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
        with pytest.raises(EngineGone):
            await attach(tmp_path)
        with pytest.raises(EngineGone):
            await attach_url("http://127.0.0.1:9", "token")
        with pytest.raises(EngineGone):
            await attach_url("ftp://127.0.0.1", "token")

    asyncio.run(go())


@pytest.mark.parametrize("contract", [(2, 0), (0, 9)])
def test_other_major_is_refused(tmp_path, contract):
    """Another major version is refused with both versions and the way out, by greeting and by stream."""
    with serve(tmp_path / "d", contract=contract) as served:

        async def go():
            with pytest.raises(ContractRefused, match=rf"{contract[0]}\.{contract[1]}.*chorus-tui stop"):
                await attach(served.data)
            client = SocketClient(served.socket)
            with pytest.raises(ContractRefused):
                await anext(client.events(["log"]))
            state = client.connection.state
            await client.close()
            return state

        assert asyncio.run(go()) == "refused"


def test_newer_minor_is_welcome(tmp_path):
    """A newer minor version greets like any other."""
    with serve(tmp_path / "d", contract=(1, 99)) as served:

        async def go():
            client = await attach(served.data)
            await client.close()
            return client.hello.contract

        assert asyncio.run(go()) == (1, 99)


def test_stream_merges_by_key(served):
    """First a fresh batch; then of each keyed thing the newest, and every log line in order."""

    async def go():
        client = await attach(served.data)
        stream = client.events(["tasks", "log"])
        first = await anext(stream)
        for n in range(1000):
            served.events.publish("tasks", "t1", n)
            served.events.publish("log", None, n)
            served.events.publish("peers", "p", n)
        events, _ = await collect(stream, lambda e, _: sum(x.topic == "log" for x in e) == 1000 and e[-1].data == 999)
        await stream.aclose()
        await client.close()
        return first, events

    first, events = asyncio.run(go())

    assert (first.fresh, first.events) == (True, [])
    assert [e.data for e in events if e.topic == "log"] == list(range(1000))
    assert [e.data for e in events if e.topic == "tasks"][-1] == 999
    assert {e.topic for e in events} == {"tasks", "log"}
    assert [e.seq for e in events] == sorted(e.seq for e in events)


def test_slow_reader(served):
    """A reader that does not read holds nothing up and uses bounded memory: it is told what it missed."""
    line = "x" * 1000

    async def go():
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(served.socket))) as session,
            session.ws_connect("http://localhost/api/v1/events?topics=log", max_msg_size=0) as stream,
        ):
            assert "hello" in (await stream.receive_json())
            for _ in range(30_000):
                served.events.publish("log", None, line)
            dropped = got = 0
            async with asyncio.timeout(80):
                while dropped + got < 30_000:
                    frame = json.loads((await stream.receive()).data)
                    if isinstance(frame, dict):
                        dropped += frame["dropped"]
                    else:
                        got += len(frame)
            return dropped, got

    dropped, got = asyncio.run(go())

    assert dropped > 0
    assert dropped + got == 30_000


def test_closing_frees_the_feed(served, monkeypatch):
    """A subscriber that leaves, politely or not, leaves no feed; what it followed is told a while longer, then no more."""

    async def go():
        client = await attach(served.data)
        stream = client.events(["log"])
        await anext(stream)
        assert served.events.wanted("log")
        await stream.aclose()
        await client.close()
        assert served.events.wanted("log")
        monkeypatch.setattr("chorus_tui.engine.journal.events.LINGER_S", 0.0)
        await until(lambda: not served.events.wanted("log"))

    asyncio.run(go())


@pytest.mark.parametrize("topics", [["nope"], []])
def test_wrong_topic(served, topics):
    """A topic that is none ends the stream with a Problem, without trying again."""

    async def go():
        client = await attach(served.data)
        with pytest.raises(Problem):
            await anext(client.events(topics))
        await client.close()

    asyncio.run(go())


def test_reconnects_by_itself(tmp_path):
    """An engine that goes and comes back: the state says lost, then connected, and a fresh batch starts anew."""
    states = []

    async def follow():
        client = SocketClient(socket_path(tmp_path / "d"))
        client.on_connection = lambda connection: states.append(connection.state)
        stream = client.events(["log"])
        with serve(tmp_path / "d"):
            assert (await anext(stream)).fresh
        again = asyncio.ensure_future(anext(stream))
        await until(lambda: states[-1] == "lost")
        with serve(tmp_path / "d") as served:
            assert (await asyncio.wait_for(again, 40)).fresh
            served.events.publish("log", None, "back")
            assert (await anext(stream)).events[0].data == "back"
            await stream.aclose()
            await client.close()

    asyncio.run(follow())

    assert states == ["connected", "lost", "connected"]


def test_an_engine_that_listens_and_says_nothing_is_told_as_lost(tmp_path, monkeypatch):
    """Who watches is told before long, not after the minutes in which the library would give up, and it is tried again."""
    monkeypatch.setattr("chorus_tui.client.socket_client.GREETING_TIMEOUT_S", 0.2)
    data = tmp_path / "data"
    data.mkdir()
    path = socket_path(data)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def go():
        told = asyncio.Queue()
        client = SocketClient(path)
        client.on_connection = told.put_nowait

        async def follow():
            async for _ in client.events(["tasks"]):
                pass

        following = asyncio.create_task(follow())
        async with asyncio.timeout(80):
            lost = await told.get()
            again, _ = await asyncio.to_thread(listener.accept), await asyncio.to_thread(listener.accept)
        following.cancel()
        await client.close()
        again[0].close()
        return lost

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        lost = asyncio.run(go())

    assert (lost.state, "did not answer in time" in lost.detail) == ("lost", True)


def test_events_over_tcp(served):
    """The stream over TCP wants a token like every call, and a read one does."""

    async def go():
        client = SocketClient(served.url, served.token[Scope.READ])
        stream = client.events(["log"])
        assert (await anext(stream)).fresh
        served.events.publish("log", None, "line")
        line = (await anext(stream)).events[0].data
        await stream.aclose()
        await client.close()
        stranger = SocketClient(served.url)
        with pytest.raises(Problem) as caught:
            await anext(stranger.events(["log"]))
        await stranger.close()
        return line, caught.value.status

    assert asyncio.run(go()) == ("line", 401)


def test_a_call_that_waits_ends_at_once_when_it_is_given_up(tmp_path):
    """A server that accepts and never answers: whoever cancels the call waits for nothing, and no thread is left behind; one that
    answers something else is told as no engine."""
    path = tmp_path / "s"

    async def go():
        stuck, asked = asyncio.Event(), asyncio.Event()

        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            if stuck.is_set():
                writer.write(b"nonsense\r\n\r\n")
            else:
                await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(answer, path):
            client = SocketClient(path)
            call = asyncio.create_task(client.call("engine.hello"))
            await asked.wait()
            call.cancel()
            async with asyncio.timeout(8):
                with pytest.raises(asyncio.CancelledError):
                    await call
            stuck.set()
            with pytest.raises(EngineGone):
                await client.call("engine.hello")

    asyncio.run(go())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_") and thread.is_alive()]
