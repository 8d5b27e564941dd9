"""The doors themselves: scopes, tokens, problems, limits, probes, on a real Unix socket and real TCP ports."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
import structlog
import trio

from chorus_tui.contract.models.status import Hello
from chorus_tui.contract.models.tasks import AnnounceTask, TaskRef
from chorus_tui.contract.operations import Scope
from chorus_tui.engine.api.connections import MOST
from chorus_tui.engine.api.doors import CannotListen
from chorus_tui.engine.control.interface import NoMesh
from tests.integration.doors.served import TASK, refuse, serve, until


def ask(served, verb, path, *, token=None, unix=False, **arguments):
    """One request; gives status, headers and the parsed or raw body."""

    async def go():
        connector = aiohttp.UnixConnector(str(served.socket)) if unix else None
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **arguments.pop("headers", {})}
        url = "http://localhost" if unix else served.url
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(verb, f"{url}{path}", headers=headers, **arguments) as answer,
        ):
            body = await answer.read()
            return answer.status, answer.headers, json.loads(body) if "json" in answer.content_type else body

    return asyncio.run(go())


def test_socket_caller_is_admin_and_known(served):
    """The Unix socket needs no token; its caller has the admin scope and the user's name."""
    status, _, _ = ask(served, "POST", "/api/v1/engine/stop", unix=True)
    name, _, caller = served.seen[-1]

    assert (status, name, caller.scope, caller.via) == (200, "engine.stop", Scope.ADMIN, "socket")
    assert caller.person


@pytest.mark.parametrize("token", [None, "wrong", "é"])
def test_tcp_needs_a_token(served, token):
    """No token or a wrong one is 401, and the handler never runs."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, got, body = ask(served, "GET", "/api/v1/hello", headers=headers)

    assert status == 401
    assert got["WWW-Authenticate"].startswith("Bearer")
    assert got["Content-Type"] == "application/problem+json"
    assert body["type"] == "urn:chorus:problem:token"
    assert served.seen == []


def test_scopes(tmp_path):
    """A token does what its scope allows and no more; the refusal names the scope needed."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        spec = {"spec": {"title": "t", "commands": ["true"]}}
        got = {
            scope: [
                ask(served, "GET", "/api/v1/hello", token=served.token[scope])[0],
                ask(served, "POST", "/api/v1/tasks", token=served.token[scope], json=spec)[0],
                ask(served, "POST", "/api/v1/engine/stop", token=served.token[scope])[0],
            ]
            for scope in Scope
        }
        refused = ask(served, "POST", "/api/v1/engine/stop", token=served.token[Scope.READ])[2]

    assert got == {Scope.READ: [200, 403, 403], Scope.OPERATE: [200, 200, 403], Scope.ADMIN: [200, 200, 200]}
    assert "'admin'" in refused["title"]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_rebinding(served, headers):
    """A foreign page cannot reach the API by rebinding its name, even with a token."""
    status, _, _ = ask(served, "GET", "/api/v1/hello", token=served.token[Scope.ADMIN], headers=headers)

    assert status == 403
    assert served.seen == []


def test_wrong_fields_are_named(tmp_path):
    """A request that does not validate is 422 with each wrong field, unknown ones too."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        wrong = {"spec": {"title": "", "commands": ["true"], "timeout_s": 0, "colour": "red"}}
        status, _, body = ask(served, "POST", "/api/v1/tasks", unix=True, json=wrong)

    assert status == 422
    assert set(body["fields"]) == {"spec.title", "spec.timeout_s", "spec.colour"}


def test_idempotency_key_header(tmp_path):
    """The header Idempotency-Key fills the field of that name."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        spec = {"spec": {"title": "t", "commands": ["true"]}}
        ask(served, "POST", "/api/v1/tasks", unix=True, json=spec, headers={"Idempotency-Key": "k1"})
        _, request, _ = served.seen[-1]

    assert isinstance(request, AnnounceTask)
    assert request.idempotency_key == "k1"


def test_our_own_error_tells_nothing(tmp_path):
    """An unexpected error is 500 with an id that is in the log too; no trace and no text of it leaves."""

    def broken(_):
        raise RuntimeError("the password is hunter2")

    with structlog.testing.capture_logs() as logs, serve(tmp_path / "d", {"status.show": broken}) as served:
        status, _, body = ask(served, "GET", "/api/v1/status", unix=True)

    assert status == 500
    assert "hunter2" not in json.dumps(body)
    assert "Traceback" not in json.dumps(body)
    assert logs[0]["error_id"] in body["detail"]


@pytest.mark.parametrize(
    ("error", "status"), [(NoMesh("waiting for an admin"), 503), (TimeoutError(), 504), (PermissionError("x"), 500)]
)
def test_known_errors(tmp_path, error, status):
    """Errors of the engine's rooms have their own status and their own words."""

    def fails(_):
        raise error

    with serve(tmp_path / "d", {"status.show": fails}) as served:
        assert ask(served, "GET", "/api/v1/status", unix=True)[0] == status


def test_problem_of_a_handler(tmp_path):
    """A problem that a handler raises arrives as it is."""
    with serve(tmp_path / "d", {"tasks.show": refuse(404, "not-found", "No such task")}) as served:
        status, _, body = ask(served, "GET", f"/api/v1/tasks/{TASK}", unix=True)

    assert (status, body["title"]) == (404, "No such task")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 400),
        (b"\xff\xfe", {"Content-Type": "application/json"}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b'"' + b"x" * (1 << 20) + b'"', {"Content-Type": "application/json"}, 413),
    ],
)
def test_bad_bodies(tmp_path, body, headers, status):
    """Broken, deep, foreign and huge bodies are each refused with a problem; the engine goes on."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        got, _, problem = ask(served, "POST", "/api/v1/tasks", unix=True, data=body, headers=headers)

        assert got == status
        assert problem["title"]
        assert ask(served, "GET", "/api/v1/hello", unix=True)[0] == 200


def test_huge_header(served):
    """A header over 8 KiB is refused with a problem; the engine goes on."""
    status, headers, problem = ask(served, "GET", "/api/v1/hello", unix=True, headers={"X-Large": "x" * 20_000})

    assert (status, problem["type"]) == (431, "urn:chorus:problem:head-too-large")
    assert headers["Content-Type"] == "application/problem+json"
    assert ask(served, "GET", "/api/v1/hello", unix=True)[0] == 200


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/api/v1/tasks/..%2f..%2fetc", "/api/v1/nope", "/%00"])
def test_no_such_path(tmp_path, path):
    """Paths that are no operation, traversal among them, reach no handler."""
    with serve(tmp_path / "d", {"tasks.show": refuse(404, "not-found", "none")}) as served:
        status, _, _ = ask(served, "GET", path, unix=True)

        assert status in {400, 404, 422}
        assert served.seen == []


def test_operation_without_handler_is_absent(served):
    """What the engine does not offer is 404, is not in its OpenAPI, and not in its greeting."""
    status, _, problem = ask(served, "GET", "/api/v1/peers", unix=True)
    _, _, document = ask(served, "GET", "/openapi.json", unix=True)
    _, _, hello = ask(served, "GET", "/api/v1/hello", unix=True)

    assert (status, problem["type"]) == (404, "urn:chorus:problem:unknown-operation")
    operations = {path for path in document["paths"] if path.startswith("/api/v1/")}
    assert operations == {"/api/v1/hello", "/api/v1/engine/stop", "/api/v1/events"}
    assert hello["operations"] == ["engine.hello", "engine.stop"]


def test_probes_need_no_token(served):
    """Probes and metrics answer on both ports, without a token, and don't count as clients."""
    health = f"http://127.0.0.1:{served.server.health_port}"

    async def get(url):
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    paths = ("/healthz", "/startupz", "/ready", "/health", "/api/health", "/metrics")
    for base in (served.url, health):
        assert [asyncio.run(get(base + path))[0] for path in paths] == [200] * 6
    assert asyncio.run(get(health + "/metrics"))[1] == "chorus_up 1\n"
    assert asyncio.run(get(health + "/api/v1/hello"))[0] == 404
    assert served.server.clients() == 0

    served.ready.append("draining")
    status, body = asyncio.run(get(health + "/ready"))

    assert (status, json.loads(body)["reasons"]) == (503, ["draining"])


def test_read_is_cancelled_with_its_caller(tmp_path):
    """A caller that leaves takes its waiting read with it; nothing stays behind in the engine."""
    state = {}

    async def waits():
        state["began"] = True
        try:
            await trio.sleep_forever()
        finally:
            state["ended"] = True

    async def leave(served):
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(served.socket))) as session:
            call = asyncio.create_task(session.get(f"http://localhost/api/v1/tasks/{TASK}/wait"))
            await until(lambda: "began" in state)
            assert served.server.clients() == 1
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await until(lambda: "ended" in state)

    with serve(tmp_path / "d", {"tasks.wait": lambda _: waits()}) as served:
        asyncio.run(leave(served))

    assert state == {"began": True, "ended": True}


def test_port_in_use_is_said(tmp_path, served, monkeypatch):
    """A port that is taken stops the start with a text for people, and leaves no socket behind."""
    from tests.integration.doors import served as module

    real = module.Address
    monkeypatch.setattr(module, "Address", lambda host, _, name: real(host, served.server.api_port, name))
    with pytest.raises(CannotListen, match="CHORUS_API_PORT"), serve(tmp_path / "other"):
        pass


def test_socket_is_gone_after_stop(tmp_path):
    """Stopping removes the socket."""
    with serve(tmp_path / "d") as served:
        path = served.socket
        assert path.exists()

    assert not path.exists()


def test_hello_is_typed(served):
    """The greeting is a Hello."""
    _, _, body = ask(served, "GET", "/api/v1/hello", unix=True)

    assert Hello.model_validate(body).agent_id == "me"


@pytest.mark.parametrize("start", [b"", b"GET /api/v1/hello HTTP/1.1\r\nHost: local"])
def test_silent_connection_is_closed(tmp_path, monkeypatch, start):
    """A connection that never finishes the head of a request is closed, so that it holds nothing for ever."""
    monkeypatch.setattr("chorus_tui.engine.api.server.IDLE_S", 0.2)

    async def hang(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(start)
        got = await asyncio.wait_for(reader.read(), 40)
        writer.close()
        return got

    with serve(tmp_path / "d") as served:
        assert b"200" not in asyncio.run(hang(served.socket))


def test_one_connection_too_many_is_told_and_counted(tmp_path):
    """Those who say nothing hold half of the places of a TCP door at most for one address; the next is told why and closed, the Unix socket
    stays open, and a place that is left is free again."""

    async def crowd(served):
        async with contextlib.AsyncExitStack() as held:
            silent = [await asyncio.open_connection("127.0.0.1", served.server.api_port) for _ in range(MOST // 2)]
            for _, writer in silent:
                held.callback(writer.close)
            reader, writer = await asyncio.open_connection("127.0.0.1", served.server.api_port)
            refusal = await asyncio.wait_for(reader.read(), 40)
            writer.close()
            by_socket = await asyncio.to_thread(ask, served, "GET", "/api/v1/hello", unix=True)
        async with asyncio.timeout(40):
            while (await asyncio.to_thread(ask, served, "GET", "/api/v1/hello", token=served.token[Scope.READ]))[
                0
            ] != 200:
                continue
        return refusal, by_socket[0]

    with serve(tmp_path / "d") as served:
        refusal, by_socket = asyncio.run(crowd(served))
        counted = served.server.refused["503"]

    head, _, body = refusal.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ") and b"Retry-After" in head
    assert json.loads(body)["type"] == "urn:chorus:problem:too-many-connections"
    assert f"{MOST // 2} connections from this address" in json.loads(body)["detail"]
    assert by_socket == 200
    assert counted >= 1


def test_stop_says_goodbye(tmp_path):
    """A stopping engine closes event streams as going away, at once, and frees them."""

    async def follow(serving):
        with serving as served:
            session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(served.socket)))
            stream = await session.ws_connect("http://localhost/api/v1/events?topics=log")
            await stream.receive()
            assert served.server.clients() == 1
            leaving = asyncio.ensure_future(stream.receive())
            await asyncio.sleep(0)
            await asyncio.to_thread(served.stop)
            message = await asyncio.wait_for(leaving, 20)
            await session.close()
            return message.data, served.server.clients()

    assert asyncio.run(follow(serve(tmp_path / "d"))) == (aiohttp.WSCloseCode.GOING_AWAY, 0)


def test_slow_body(tmp_path, monkeypatch):
    """A body that does not arrive in time is 408, so that a trickle holds nothing for ever."""
    monkeypatch.setattr("chorus_tui.engine.api.requests.BODY_TIMEOUT_S", 0.1)

    async def trickle(path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /api/v1/engine/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        line = await asyncio.wait_for(reader.readline(), 40)
        writer.close()
        return line

    with serve(tmp_path / "d") as served:
        assert b" 408 " in asyncio.run(trickle(served.socket))
        assert served.seen == []


def test_refusals_are_counted_by_status(tmp_path):
    """Also those that never reached an operation: no token, no such path, a wrong field, too fast; answers and probes are not."""
    with serve(tmp_path / "d", {"tasks.show": refuse(409, "x", "Not so")}, rate=0.1) as served:
        for _ in range(2):
            ask(served, "GET", "/api/v1/hello")
        ask(served, "GET", "/nowhere", unix=True)
        ask(served, "GET", f"/api/v1/tasks/{TASK}", unix=True)
        ask(served, "POST", "/api/v1/engine/stop", unix=True, json={"drain_s": -1})
        ask(served, "GET", "/api/v1/hello", unix=True)
        served.ready.append("no")
        assert ask(served, "GET", "/ready")[0] == 503
        refused = {status: count for status, count in served.server.refused.items() if count}
        throttled = served.server.throttled

    assert refused == {"401": 1, "429": 1, "404": 1, "409": 1, "422": 1}
    assert throttled == 1


def test_too_many_calls(served, monkeypatch):
    """Calls over the bound are 429 at once; probes still answer."""
    monkeypatch.setattr("chorus_tui.engine.api.calls.MAX_CALLS", 0)

    assert ask(served, "GET", "/api/v1/hello", unix=True)[0] == 429
    assert ask(served, "GET", "/healthz", unix=True)[0] == 200


def test_originals_paths(tmp_path):
    """The original's paths are served, and want a token like the others."""
    with serve(tmp_path / "d", {"status.show": refuse(503, "x", "here")}) as served:
        assert ask(served, "GET", "/api/status", unix=True)[0] == 503
        assert ask(served, "GET", "/api/status")[0] == 401
