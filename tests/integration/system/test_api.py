"""The API of one real engine: every door with every kind of token, callbacks, and whatever schemathesis makes up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chorus_tui import locations
from tests.integration.system.hook import Hook
from tests.integration.system.peers import Peer, eventually, mesh
from tests.support.api_fuzzing import found, fuzz
from tests.support.patience import PATIENCE

SECRET = "a-secret-to-sign-with"
EXAMPLES = int(os.environ.get("CHORUS_TEST_API_EXAMPLES", "1"))
"""Cases an operation; the big counts are a row of the soak."""


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def peer(tmp_path_factory, hook) -> Iterator[Peer]:
    settings = {
        "CHORUS_UCXI_ENABLED": "true", "CHORUS_API_RATE": "100000", "CHORUS_FEED_PER_MINUTE": "100000",
        "CHORUS_CALLBACK_HOSTS": hook.host, "CHORUS_CALLBACK_SECRET": SECRET,
    }  # fmt: skip
    with mesh(tmp_path_factory.mktemp("api")) as made:
        (alpha,) = made.grow("alpha", **settings)
        yield alpha


@pytest.fixture(scope="module")
def url(peer) -> str:
    port = re.findall(r"api_port\W+(\d+)", peer.log.read_text())[-1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def tokens(peer, url) -> dict[str, str | None]:
    """A token of each kind, made by the command line."""

    def new(scope: str, *more: str) -> str:
        done = peer.run("token", "new", "--scope", scope, "--name", f"for {scope}", *more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    expiring = new("admin", "--expires", "1s")
    made: dict[str, str | None] = {"none": None, "wrong": "chorus-admin-" + "A" * 43, "expired": expiring}
    made |= {scope: new(scope) for scope in ("read", "operate", "admin")}
    made["revoked"] = new("admin")
    identifier = hashlib.sha256(str(made["revoked"]).encode()).hexdigest()[:12]
    assert f"Revoked {identifier}" in peer.run("token", "revoke", identifier).stdout
    headers = {"Authorization": f"Bearer {expiring}"}
    eventually(
        "the token has expired",
        lambda: httpx.get(f"{url}/api/v1/hello", headers=headers, timeout=240).status_code == 401,
    )
    return made


SCOPES = {"read": 1, "operate": 2, "admin": 3}
DOORS = {
    # door: verb, path, scope needed, status with a token that does
    "read": ("GET", "/api/v1/status", "read", 200),
    "operate": ("POST", "/api/v1/tasks", "operate", 422),
    "admin": ("GET", "/api/v1/tokens", "admin", 200),
    "original": ("GET", "/api/hypercore/logs", "read", 200),
    "SSE": ("GET", "/api/v1/events?topics=log", "read", 200),
    "WebSocket": ("WS", "/api/v1/events?topics=log", "read", 101),
    "export": ("GET", "/api/v1/journal/export", "admin", 200),
    "stored": ("GET", "/api/v1/ucxl/stored", "admin", 422),
    "UCXI stored": ("GET", "/ucxi/v1/content?raw=true", "admin", 400),
    "UCXI content": ("GET", "/ucxi/v1/content", "read", 400),
    "UCXI read": ("GET", "/ucxi/v1/query", "read", 200),
    "UCXI write": ("PUT", "/ucxi/v1/content", "operate", 400),
    "UCXI stream": ("GET", "/ucxi/v1/subscribe", "read", 200),
    "openapi": ("GET", "/openapi.json", "read", 200),
    "docs": ("GET", "/docs", "read", 200),
}
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip


def test_every_door_with_every_token(peer, url, tokens):
    """None, a wrong, an expired and a revoked one open nothing on TCP; each other one what its scope allows. On the socket the engine's
    own user needs none, and one that is shown counts there too. Probes need none anywhere."""
    socket = str(locations.socket_path(peer.data_dir))
    doors = {
        "tcp": httpx.Client(base_url=url, timeout=120),
        "socket": httpx.Client(
            transport=httpx.HTTPTransport(uds=socket, verify=False), base_url="http://engine", timeout=120
        ),
    }

    def status(door: str, verb: str, path: str, token: str | None) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        headers |= UPGRADE if verb == "WS" else {}
        with doors[door].stream("GET" if verb == "WS" else verb, path, headers=headers) as answer:
            return answer.status_code

    def wanted(door: str, kind: str, scope: str, good: int) -> int:
        if kind == "none" and door == "socket":
            return good
        if kind not in SCOPES:
            return 401
        return good if SCOPES[kind] >= SCOPES[scope] else 403

    seen, expected = {}, {}
    for door in doors:
        for kind, token in tokens.items():
            for name, (verb, path, scope, good) in DOORS.items():
                seen[door, kind, name] = status(door, verb, path, token)
                expected[door, kind, name] = wanted(door, kind, scope, good)
            seen[door, kind, "probe"] = status(door, "GET", "/healthz", token)
            expected[door, kind, "probe"] = 200
    for client in doors.values():
        client.close()

    assert seen == expected


def test_tokens_are_listed_without_their_secrets(peer, tokens):
    """The list names scope, purpose and last use; neither it nor any file or log of the engine has a token that was issued."""
    rows = {row["name"]: row for row in peer.json("token", "list")["tokens"]}
    shown = peer.run("token", "list").stdout
    issued = [str(tokens[kind]) for kind in (*SCOPES, "expired", "revoked")]

    assert rows["for read"]["last_used_at"] is not None
    assert "made with the data folder (admin)" in rows
    assert not any(secret in shown for secret in issued)
    eventually("use is written down", (peer.data_dir / "api.tokens.json").exists)
    for file, content in peer.written():
        assert not any(secret.encode() in content for secret in issued), file
    assert (peer.data_dir / "api.tokens.json").stat().st_mode & 0o777 == 0o600


def a_repository(folder: Path) -> str:
    folder.mkdir(parents=True)
    (folder / "secret.txt").write_text("what only the owner reads\n")
    for line in (["init", "-q"], ["add", "."], ["-c", "user.name=o", "-c", "user.email=o@x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *line], check=True)
    return str(folder)


def test_a_token_names_no_repository_of_the_engines_machine(peer, url, tokens, tmp_path):
    """Whatever its scope and its door, a token names no path, and the refusal tells nothing of what there is; with a folder given by the
    owner it names what lies there. The owner at the socket names any. Nobody gives a folder over the network."""
    within, outside = a_repository(tmp_path / "given" / "shop"), a_repository(tmp_path / "beside")
    done = peer.run("token", "new", "--scope", "operate", "--folder", str(tmp_path / "given"))
    assert done.returncode == 0, done.stderr
    folder_token = done.stdout.strip()

    def announce(path: str, token: str | None, **door) -> httpx.Response:
        spec = {"title": "read it", "commands": ["cat secret.txt"], "repository": path, "approval": "always"}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(timeout=60, **door) as client:
            return client.post("/api/v1/tasks", json={"spec": spec}, headers=headers)

    tcp = {"base_url": url}
    socket = str(locations.socket_path(peer.data_dir))

    def unix() -> dict[str, Any]:
        return {"transport": httpx.HTTPTransport(uds=socket), "base_url": "http://engine"}

    refused = [
        announce(path, tokens[scope], **door)
        for path in (outside, str(tmp_path / "nothing"), "/etc") for scope in ("operate", "admin") for door in (tcp, unix())
    ]  # fmt: skip
    assert {answer.status_code for answer in refused} == {403}
    assert len({answer.text for answer in refused}) == 1
    assert announce(outside, folder_token, **tcp).status_code == 403
    assert announce(str(tmp_path / "given" / ".." / "beside"), folder_token, **unix()).status_code == 403

    taken = announce(within, folder_token, **tcp)
    owners = announce(outside, None, **unix())
    assert (taken.status_code, owners.status_code) == (200, 200), (taken.text, owners.text)
    for answer in (taken, owners):
        task_id = answer.json()["task_id"]
        assert peer.task(task_id)["spec"]["repository"].startswith("sha256:")
        peer.run("task", "cancel", task_id)

    given = {"scope": "operate", "folder": str(tmp_path)}
    made = httpx.post(
        f"{url}/api/v1/tokens", json=given, headers={"Authorization": f"Bearer {tokens['admin']}"}, timeout=240
    )
    assert (made.status_code, made.json()["fields"]) == (403, {"folder": "this folder is out of reach"})


def test_the_greeting_says_who_asks(peer, url):
    """The person of the token, by the word of the admin who made it; at the socket the user there. A front signs commits so, and offers
    no key beyond the scope that it is told."""
    made = peer.run("token", "new", "--scope", "read", "--person", "ben").stdout.strip()
    greeted = httpx.get(f"{url}/api/v1/hello", headers={"Authorization": f"Bearer {made}"}, timeout=240).json()

    assert (greeted["person"], greeted["peer_id"], greeted["scope"]) == ("ben", peer.peer_id, "read")
    mine = peer.get("/api/v1/hello")
    assert (mine["person"], mine["scope"]) == (pwd.getpwuid(os.getuid()).pw_name, "admin")


def test_a_part_of_a_blob_beyond_its_end_is_empty(peer, url, tokens):
    """Also from a place that no file system holds: the answer is the size and no bytes."""
    assert peer.run("ucxl", "put", "ucxl://ana:tester@shop:api/*^/far.txt", "-", stdin="near").returncode == 0
    digest = "sha256:" + hashlib.sha256(b"near").hexdigest()
    for offset in (2, 4, 2**44, 2**53 - 1):
        answer = httpx.get(
            f"{url}/api/v1/blobs/{digest}?offset={offset}",
            headers={"Authorization": f"Bearer {tokens['read']}"},
            timeout=240,
        )
        assert (answer.status_code, answer.json().get("size")) == (200, 4), answer.text
        assert base64.b64decode(answer.json()["data"]) == b"near"[offset:]


def test_the_status_tells_how_much_went_on_lately(peer):
    """A span of a real engine, also for those who come late: it founded a mesh and said so, alone it heard nothing."""
    eventually("the first span has ended", lambda: peer.status()["rates"])
    spans = {one["name"]: one["per_second"] for one in peer.status()["rates"]}

    assert set(spans) == {"heard", "said", "entries"}
    assert (max(spans["heard"]), max(spans["entries"]) > 0) == (0, True)
    assert re.search(
        r"lately +messages in 0/s, messages out [\d.]+/s, entries kept [\d.]+/s", peer.run("status").stdout
    )


def test_an_ended_task_calls_back(peer, hook):
    """Whoever announced it is called when it has ended, again after an answer that is none, signed, the same delivery each time; the task
    shows how that stands."""
    hook.answers = [302, 200]
    task_id = peer.announce(
        "--title", "call me", "--command", "true", "--approval", "always", "--callback-url", f"http://{hook.host}/hook?job=7",
    )  # fmt: skip
    waiting = peer.task(task_id)["callback"]
    peer.run("task", "cancel", task_id)
    done = eventually(
        "it was delivered", lambda: (told := peer.task(task_id)["callback"])["state"] == "delivered" and told, 30
    )
    (first, _), (headers, body) = hook.calls
    at = headers["X-Chorus-Timestamp"]
    signed = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()

    assert (waiting["state"], waiting["tries"]) == ("waiting", 0)
    assert (done["tries"], done["problem"]) == (2, "")
    assert headers["X-Chorus-Signature"] == f"v1={signed}"
    assert headers["X-Chorus-Delivery"] == first["X-Chorus-Delivery"]
    assert headers["Host"] == hook.host
    told = json.loads(body)
    assert (told["event"], told["task"]["task_id"], told["task"]["state"]) == ("task_ended", task_id, "cancelled")
    assert "delivered, 2 tries" in peer.run("task", "show", task_id).stdout


@pytest.mark.parametrize("address", ["https://evil.example/", "http://127.0.0.1:1/", "file:///etc/passwd"])
def test_only_listed_hosts_are_called(peer, address):
    """Another address is refused with the announcement, which names the field and the way out."""
    spec = {"title": "x", "commands": ["true"]}
    status, problem = peer.post("/api/v1/tasks", {"spec": spec, "callback_url": address})

    assert (status, list(problem["fields"])) == (422, ["callback_url"])


def test_events_of_a_real_engine(url, tokens):
    """A program with plain HTTP and a read token hears how the engine is, with ids to go on from."""
    headers = {"Authorization": f"Bearer {tokens['read']}"}
    with httpx.stream("GET", f"{url}/api/v1/events?topics=status", headers=headers, timeout=120) as answer:
        names = [line for line in _some(answer, 4) if line.startswith(("event: ", "id: "))]

    assert names[0] == "event: hello"
    assert re.fullmatch(r"id: [0-9a-f]{8}-\d+", names[1])


def _some(answer: httpx.Response, most: int) -> Iterator[str]:
    for number, line in enumerate(answer.iter_lines()):
        yield line
        if number >= most:
            return


@pytest.fixture(scope="module")
def document(url, tokens, tmp_path_factory) -> Path:
    """The engine's own description, in a file."""
    path = tmp_path_factory.mktemp("description") / "openapi.json"
    path.write_bytes(
        httpx.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {tokens['read']}"}, timeout=240).content
    )
    return path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(peer, url, tokens, document):
    """Examples, coverage, fuzzing and sequences of calls with an admin's token find no answer that the description does not have, no error of
    the engine's own, nothing taken that breaks the schema; and the engine lives, with all that it had."""
    before = peer.status()
    phases = "examples,coverage,fuzzing,stateful"
    run = fuzz(document, url, tokens["admin"], phases=phases, examples=EXAMPLES, seed=1, seconds=280 * PATIENCE)

    assert not found(run)
    after = peer.status()
    assert (after["mesh_id"], after["peer_id"], after["draining"]) == (before["mesh_id"], before["peer_id"], False)
    assert peer.probe("/healthz") == 200


@pytest.mark.parametrize("kind", ["none", "read"])
def test_schemathesis_with_less(url, tokens, document, kind):
    """With a read token, and with none, every operation still answers as it is described."""
    run = fuzz(document, url, tokens[kind], phases="examples", examples=1, seed=1, seconds=100 * PATIENCE)

    assert not found(run)


PEER = "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
CONNECTS = {
    # what is asked: token, status
    "without a token": ("none", "/ip4/127.0.0.1/tcp/1", 401),
    "with too small a one": ("read", "/ip4/127.0.0.1/tcp/1", 403),
    "no address": ("operate", "over there", 422),
    "one without a peer's id, where nobody is": ("operate", "/ip4/127.0.0.1/tcp/1", 502),
    "one where nobody is": ("operate", f"/ip4/127.0.0.1/tcp/1/p2p/{PEER}", 502),
    "one with a peer's id that can be none": ("operate", "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWxxxx", 422),
    "too long": ("operate", "/ip4/127.0.0.1/tcp/1" * 200, 422),
}


def test_connect_answers_as_it_is_described(peer, url, tokens, document):
    """The operation that dials what it is told: each refusal has a status of its description and says why; its own address, and one of a
    peer that is there, are taken; nothing is dialled that was refused."""
    described = json.loads(document.read_text())["paths"]["/api/v1/peers/connect"]["post"]["responses"]
    told = {}
    for case, (kind, address, _) in CONNECTS.items():
        headers = {"Authorization": f"Bearer {tokens[kind]}"} if tokens[kind] else {}
        answer = httpx.post(f"{url}/api/v1/peers/connect", json={"address": address}, headers=headers, timeout=240)
        told[case] = answer.status_code
        assert str(answer.status_code) in described
        assert answer.json()["title"]
    with mesh(peer.data_dir.parent / "other") as made:
        made.folder.mkdir()
        other = made.add("other", CHORUS_AGENT_MAX_TASKS="0").ready()
        status, answer = peer.post("/api/v1/peers/connect", {"address": other.address})

        assert (status, answer["peer_id"]) == (200, other.peer_id)
        eventually("they are linked", lambda: other.peer_id in peer.connected())
    assert told == {case: status for case, (_, _, status) in CONNECTS.items()}


def test_refusals_and_callbacks_are_counted(peer, url, hook):
    """What the doors refuse, by status, and what became of calls, in the metrics of the engine."""
    before = peer.metric("chorus_api_refused_total")
    httpx.get(f"{url}/api/v1/hello", headers={"Authorization": "Bearer wrong"}, timeout=240)
    after = peer.metric("chorus_api_refused_total")

    assert after['status="401"'] == before['status="401"'] + 1
    assert peer.metric("chorus_api_throttled_total") == {"": 0.0}
    assert peer.metric("chorus_callbacks_total")['outcome="delivered"'] >= 1
    assert peer.metric("chorus_callbacks_waiting") == {"": 0.0}


def test_the_originals_paths_answer_with_what_the_original_told(peer, url, tokens):
    """``/api/health``: P2P, DHT, tasks at work, capacity, when the admin was heard last; each check with its name, whether it is critical,
    how often and for how long it is asked, and its result in words. ``/api/hypercore/logs``: entries with author, time, the original's name
    of their type, data and hash, and filters."""
    peer.announce("--title", "told", "--command", "true", "--approval", "always")
    report = httpx.get(f"{url}/api/health", timeout=240).json()
    checks = {check["name"]: check for check in report["checks"]}

    assert {"peers", "DHT", "control log", "licence"} <= checks.keys()
    assert {"name", "level", "detail", "critical", "interval_s", "timeout_s"} <= checks["DHT"].keys()
    assert {"status", "active_tasks", "capacity", "admin_heard_s", "ready", "not_ready"} <= report.keys()

    def logs(**filters: str) -> list[dict]:
        headers = {"Authorization": f"Bearer {tokens['read']}"}
        return httpx.get(f"{url}/api/hypercore/logs", params=filters, headers=headers, timeout=240).json()["entries"]

    (entry,) = logs(type="task_announcement", author=peer.peer_id, limit="1")
    assert {"seq", "at", "author", "log_type", "body", "hash"} <= entry.keys()
    assert (entry["log_type"], entry["body"]["data"]["spec"]["title"]) == ("task_announced", "told")
    assert logs(type="goodbye") == []
    assert logs(author=PEER) == []
