"""What every answer keeps, whatever was asked: one answer a key, a rate, pages, sites, refusals as problems."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest
import trio

from chorus_tui.contract.models.tasks import TaskList, TaskRef, TaskRow
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from tests.integration.doors.served import TASK, serve, until
from tests.integration.doors.test_server import ask

SPEC = {"spec": {"title": "t", "commands": ["true"]}}


def announce(served, key, spec=SPEC, scope=Scope.OPERATE, **arguments):
    headers = {"Idempotency-Key": key}
    return ask(served, "POST", "/api/v1/tasks", token=served.token[scope], json=spec, headers=headers, **arguments)


def test_one_answer_a_key(tmp_path):
    """The same key with the same request is carried out once, with another request 422; keys of two callers are two."""
    other = {"spec": {"title": "other", "commands": ["true"]}}
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        first, again = announce(served, "k"), announce(served, "k")
        spaced = announce(served, "k", {"spec": {"commands": ["true"], "title": "t"}})
        refused = announce(served, "k", other)
        before = len(served.seen)
        admins = announce(served, "k", scope=Scope.ADMIN)

        assert (first[0], first[2]) == (again[0], again[2]) == (200, {"task_id": TASK})
        assert ("Idempotency-Replayed" in first[1], again[1]["Idempotency-Replayed"]) == (False, "true")
        assert (spaced[0], spaced[1].get("Idempotency-Replayed")) == (200, "true")
        assert (refused[0], refused[2]["type"]) == (422, "urn:chorus:problem:idempotency-key")
        assert (before, len(served.seen), admins[1].get("Idempotency-Replayed")) == (1, 2, None)


def test_a_key_is_no_way_around_the_scope(tmp_path):
    """A key, also one that has an answer, does not spare a caller its scope."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        announce(served, "k")
        assert announce(served, "k", scope=Scope.READ)[0] == 403


def test_two_at_once_are_carried_out_once(tmp_path):
    """While the first runs, a second with the same key waits for its answer, also when the first caller leaves."""
    state = {"runs": 0}

    async def slowly():
        state["runs"] += 1
        while "go" not in state:
            await trio.sleep(0.01)
        return TaskRef(task_id=TASK)

    async def both(served):
        headers = {"Authorization": f"Bearer {served.token[Scope.OPERATE]}", "Idempotency-Key": "k"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def send():
                async with session.post(f"{served.url}/api/v1/tasks", json=SPEC) as answer:
                    return await answer.json()

            first, second = asyncio.ensure_future(send()), asyncio.ensure_future(send())
            await until(lambda: state["runs"] == 1)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            state["go"] = True
            return await second, await send()

    with serve(tmp_path / "d", {"tasks.announce": lambda _: slowly()}) as served:
        assert asyncio.run(both(served)) == ({"task_id": TASK}, {"task_id": TASK})
    assert state["runs"] == 1


@pytest.mark.parametrize("status", [409, 429, 503])
def test_what_was_refused_is_tried_again(tmp_path, status):
    """A refusal is not kept for its key, so that the request can be sent again."""
    count = []

    def refuses(_):
        count.append(1)
        raise Problem(status, "x", "no")

    with serve(tmp_path / "d", {"tasks.announce": refuses}) as served:
        assert [announce(served, "k")[0], announce(served, "k")[0]] == [status, status]
    assert len(count) == 2


@pytest.mark.parametrize("key", ["x" * 129, "a b"])
def test_bad_key(tmp_path, key):
    """A key that is too long or has blanks is 422 and names the header."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        status, _, problem = announce(served, key)

    assert (status, list(problem["fields"])) == (422, ["Idempotency-Key"])


def test_rate_of_a_token(tmp_path):
    """Over its rate a token is told when to come again; another token, the socket and probes are not held up."""
    with serve(tmp_path / "d", rate=0.01) as served:
        mine, others = served.token[Scope.READ], served.token[Scope.ADMIN]
        statuses = [ask(served, "GET", "/api/v1/hello", token=mine)[0] for _ in range(3)]
        status, headers, problem = ask(served, "GET", "/api/v1/hello", token=mine)

        assert statuses == [200, 429, 429]
        assert (status, problem["type"]) == (429, "urn:chorus:problem:rate")
        assert 20 <= int(headers["Retry-After"]) <= 100
        assert ask(served, "GET", "/api/v1/hello", token=others)[0] == 200
        assert [ask(served, "GET", "/api/v1/hello", unix=True)[0] for _ in range(5)] == [200] * 5
        assert ask(served, "GET", "/healthz")[0] == 200


def test_wrong_tokens_are_slowed_down_too(tmp_path):
    """Whoever tries tokens is soon refused without a look, and that holds up nobody with a right one."""
    with serve(tmp_path / "d", rate=0.01) as served:
        statuses = [ask(served, "GET", "/api/v1/hello", token=f"wrong-{i}")[0] for i in range(3)]

        assert statuses == [401, 429, 429]
        assert ask(served, "GET", "/api/v1/hello", token=served.token[Scope.READ])[0] == 200


def row(number):
    return TaskRow(
        task_id=f"{number:026d}", title="t", state="running", priority="medium", announcer="a", announcer_name="a", announced_at=number,
    )  # fmt: skip


def test_pages_of_a_list(tmp_path):
    """Page after page gives every task once, also while others come and go; a cursor of other filters is 422."""
    board = {number: row(number) for number in range(10)}

    def listed(_):
        return TaskList(tasks=[board[number] for number in sorted(board, reverse=True)])

    with serve(tmp_path / "d", {"tasks.list": listed}) as served:

        def get(**query):
            return ask(served, "GET", "/api/v1/tasks", unix=True, params=query)

        seen, cursor = [], {}
        while True:
            status, _, body = get(limit=3, **cursor)
            assert status == 200
            seen += [int(task["task_id"]) for task in body["tasks"]]
            if body["next"] is None:
                break
            cursor = {"cursor": body["next"]}
            # A newer one comes, and the one given last goes.
            board[100 + len(seen)] = row(100 + len(seen))
            del board[seen[-1]]
        wrong = get(limit=3, state="running", **cursor)
        whole = get()
        beyond = {get(limit=limit)[0] for limit in (0, 1001, "x", 1.5)}

    assert seen == list(range(9, -1, -1))
    assert (wrong[0], list(wrong[2]["fields"])) == (422, ["cursor"])
    assert whole[2]["next"] is None
    assert beyond == {422}


SITE = {"Origin": "https://portal.example"}


def test_no_other_site_unless_listed(tmp_path):
    """Without the setting a page of another site gets nothing, and no header tells its browser to let it."""
    with serve(tmp_path / "d") as served:
        status, headers, _ = ask(served, "GET", "/api/v1/hello", token=served.token[Scope.READ], headers=SITE)
        asked = ask(served, "OPTIONS", "/api/v1/hello", headers={**SITE, "Access-Control-Request-Method": "GET"})

    assert (status, asked[0]) == (403, 403)
    assert not any(name.startswith("Access-Control") for name in [*headers, *asked[1]])


def test_listed_site(tmp_path):
    """A page of a listed site may ask, with its token, is told of refusals too, and no other site gains by it."""
    with serve(tmp_path / "d", cors_origins=frozenset({SITE["Origin"]})) as served:
        token = served.token[Scope.READ]
        good = ask(served, "GET", "/api/v1/hello", token=token, headers=SITE)
        refused = ask(served, "GET", "/api/v1/hello", headers=SITE)
        other = ask(served, "GET", "/api/v1/hello", token=token, headers={"Origin": "https://evil.example"})
        before = ask(served, "OPTIONS", "/api/v1/hello", headers={**SITE, "Access-Control-Request-Method": "POST"})

    assert (good[0], refused[0], other[0], before[0]) == (200, 401, 403, 204)
    for headers in (good[1], refused[1], before[1]):
        assert (headers["Access-Control-Allow-Origin"], headers["Vary"]) == (SITE["Origin"], "Origin")
        assert "Access-Control-Allow-Credentials" not in headers
    assert "Authorization" in before[1]["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in other[1]


def test_further_names(tmp_path):
    """A name in the setting may stand in the Host header."""
    with serve(tmp_path / "d", allowed_hosts=frozenset({"api.example"})) as served:
        hello = {"token": served.token[Scope.READ]}
        assert ask(served, "GET", "/api/v1/hello", headers={"Host": "api.example"}, **hello)[0] == 200
        assert ask(served, "GET", "/api/v1/hello", headers={"Host": "evil.example"}, **hello)[0] == 403


def test_docs_in_a_browser(served):
    """The page asks for the token as a browser can give it, and that opens the pages alone, no operation."""
    token = "Basic " + base64.b64encode(f"anybody:{served.token[Scope.READ]}".encode()).decode()
    asked = ask(served, "GET", "/docs")
    page = ask(served, "GET", "/docs", headers={"Authorization": token})

    assert (asked[0], asked[1]["WWW-Authenticate"].partition(" ")[0]) == (401, "Basic")
    assert page[0] == 200
    assert page[1]["Content-Security-Policy"].startswith("default-src 'none'")
    assert b"engine.hello" in page[2]
    assert ask(served, "GET", "/openapi.json", headers={"Authorization": token})[0] == 200
    for path, verb in (("/api/v1/hello", "GET"), ("/api/v1/engine/stop", "POST")):
        assert ask(served, verb, path, headers={"Authorization": token})[0] == 401
    for wrong in ("Basic", "Basic !", "Basic bm9jb2xvbg==", "Basic " + "A" * 5000):
        assert ask(served, "GET", "/docs", headers={"Authorization": wrong})[0] == 401


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"GET /api/v1/hello HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00 no http at all\r\n\r\n", 400),
        (b"GET /api/v1/hello HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (
            b"GET /api/v1/hello HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(200)) + b"\r\n",
            400,
        ),
    ],
)
def test_what_is_no_request_is_a_problem_too(served, lines, status):
    """What cannot be read as a request, or has too long a head, gets problem details, and the engine goes on."""

    async def send():
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.api_port)
        writer.write(lines)
        answer = await asyncio.wait_for(reader.read(), 40)
        writer.close()
        return answer

    head, _, body = asyncio.run(send()).partition(b"\r\n\r\n")

    assert head.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status))
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert ask(served, "GET", "/healthz")[0] == 200


def test_refusals_name_what_is_taken(served):
    """405 lists the methods of a path; a query beside a POST, or a field where nothing is asked for, is not passed over."""
    status, headers, _ = ask(served, "DELETE", "/api/v1/hello", unix=True)
    in_query = ask(served, "POST", "/api/v1/engine/stop?drain_s=1", unix=True)
    unknown = ask(served, "GET", "/api/v1/hello?colour=red", unix=True)

    assert (status, headers["Allow"]) == (405, "GET")
    assert (in_query[0], list(in_query[2]["fields"])) == (422, ["drain_s"])
    assert (unknown[0], list(unknown[2]["fields"])) == (422, ["colour"])


def test_what_only_looks_like_it_is_refused(tmp_path):
    """A number in quotes is no number, and what no text can hold is no JSON."""
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        quoted = {"spec": {**SPEC["spec"], "timeout_s": "60"}}
        status, _, problem = ask(served, "POST", "/api/v1/tasks", unix=True, json=quoted)
        headers = {"Content-Type": "application/json"}
        others = [
            ask(served, "POST", "/api/v1/tasks", unix=True, data=body, headers=headers)[0]
            for body in (rb'{"idempotency_key": "\ud800"}', b'{"spec": NaN}', b"\x00", b'{"a": 1} {}')
        ]

    assert (status, list(problem["fields"])) == (422, ["spec.timeout_s"])
    assert others == [400, 400, 400, 400]


@pytest.mark.parametrize("limit", ["9" * 5_000, f"-{'9' * 5_000}", f"1.{'0' * 5_000}", "1e999"])
def test_a_number_beyond_measure_is_refused_by_name(tmp_path, limit):
    """However many digits a number in the query has, the answer is 422 with its field."""
    with serve(tmp_path / "d", {"tasks.list": TaskList(tasks=[])}) as served:
        status, _, problem = ask(served, "GET", f"/api/v1/tasks?limit={limit}", unix=True)

    assert (status, list(problem["fields"])) == (422, ["limit"])
