"""What watches engines from outside, on real ones: probes under every fault, metrics in a real Prometheus, alerts, doctor, bundle."""

from __future__ import annotations

import re
import signal
import subprocess
import tarfile
import threading
from contextlib import contextmanager
from functools import partial

import httpx
import pytest
import trio

from chorus_tui.engine.execution.profile import LABEL_OWNER
from chorus_tui.engine.telemetry import catalogue
from tests.integration.system.alerting.of_the_machine import descriptors, open_files
from tests.integration.system.peers import Mesh, Peer, containers, eventually
from tests.integration.system.prometheus import api_port, prometheus
from tests.support.between import before_docker, before_port
from tests.support.docker_engine import SOCKET
from tests.support.held_port import held_port
from tests.support.scripted_model import MODEL, ScriptedModel

ANSWERS_S = 8
"""Patient with a busy machine, and less than the ten seconds for which a look at a Docker that hangs lasts: nobody shall wait for it."""
TOKENS = [f"ghp_{number:02}{'abcdefghij' * 4}"[:40] for number in range(60)]


def announced(peer: Peer, title: str, *commands: str) -> str:
    """A task's id."""
    status, answer = peer.post("/api/v1/tasks", {"spec": {"title": title, "commands": list(commands)}})
    assert status == 200, answer
    return answer["task_id"]


def state(peer: Peer, task_id: str) -> str:
    return peer.task(task_id).get("state", "")


class Liveness:
    """Asks ``/healthz`` and ``/startupz`` ten times a second, from before a fault to after it. ``ending``: it was told to stop, so its
    door may close; that it does not answer at an open door is never right."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._over = threading.Event()
        self.answers: set[tuple[str, int | str]] = set()
        self.ending = False
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        with httpx.Client(base_url=self._url, timeout=ANSWERS_S) as client:
            while not self._over.wait(0.1):
                for path in ("/healthz", "/startupz"):
                    try:
                        self.answers.add((path, client.get(path).status_code))
                    except httpx.TransportError as error:
                        if self.ending and not isinstance(error, httpx.TimeoutException):
                            return
                        self.answers.add((path, type(error).__name__))

    @contextmanager
    def watching(self):
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()


@pytest.fixture
def ports():
    """Two at which nothing listens before the test does."""
    with held_port() as one, held_port() as other:
        yield one, other


def reasons(url: str) -> tuple[int, list[str]]:
    """What ``/ready`` says."""
    answer = httpx.get(f"{url}/ready", timeout=240)
    return answer.status_code, answer.json()["reasons"]


@pytest.mark.docker
@pytest.mark.timeout(400)
async def test_liveness_never_fails_and_readiness_says_exactly_why_not(tmp_path, base_image, ports):
    """One engine through all faults: Docker missing, its provider missing, no peer, full, draining. It lives throughout, is never
    failing, and names each reason as long as it holds; doctor finds the same from outside, with the way out."""
    port, _ = ports
    docker = tmp_path / "docker.sock"
    peer = Peer(
        tmp_path, "tried", DOCKER_HOST=f"unix://{docker}", CHORUS_AI_PROVIDER="ollama", OLLAMA_ENDPOINT=f"http://127.0.0.1:{port}",
        OLLAMA_MODEL=MODEL, CHORUS_AGENT_MAX_TASKS="1", CHORUS_DRAIN_TIMEOUT="60",
    ).start()  # fmt: skip
    run = partial(trio.to_thread.run_sync, abandon_on_cancel=True)
    try:
        await run(peer.ready)
        url = f"http://127.0.0.1:{api_port(peer)}"
        with Liveness(api_port(peer)).watching() as alive:
            await run(partial(eventually, "it founded", lambda: peer.status().get("mesh_id")))
            await run(
                partial(
                    eventually, "both are missed", lambda: [r[:7] for r in reasons(url)[1]] == ["Docker:", "models:"]
                )
            )
            report = await run(partial(httpx.get, f"{url}/health", timeout=240))
            levels = {check["name"]: check["level"] for check in report.json()["checks"]}
            found = await run(partial(peer.run, "doctor", "--json"))

            assert reasons(url)[0] == 503
            assert (report.status_code, report.json()["status"]) == (200, "degraded")
            assert {name for name, level in levels.items() if level != "healthy"} == {"peers", "Docker", "models"}
            assert {"control log", "licence", "disk", "feeds", "keys", "DHT"} <= levels.keys()
            assert [check["name"] for check in report.json()["checks"] if check["critical"]] == ["control log"]
            assert (report.json()["active_tasks"], report.json()["capacity"], report.json()["admin_heard_s"]) == (
                0,
                1,
                0.0,
            )
            assert found.returncode == 1
            for word in ("there is no socket", "docker.io", "models: ollama", "engine: Docker", '"engine":true'):
                assert word in found.stdout

            docker.symlink_to(SOCKET)
            model = ScriptedModel([], port=port)
            async with trio.open_nursery() as nursery:
                await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), model.serve, port)
                await run(partial(eventually, "it is ready", lambda: reasons(url) == (200, []), 90))
                first = await run(announced, peer, "Fills it", "sleep 10")
                await run(partial(eventually, "it is full", lambda: reasons(url)[1] == ["full: 1 of 1 tasks run"], 90))
                assert reasons(url)[0] == 503
                await run(partial(eventually, "it is done", lambda: state(peer, first) == "completed", 90))
                await run(partial(eventually, "there is room again", lambda: reasons(url) == (200, [])))

                last = await run(announced, peer, "Runs on", "sleep 15")
                await run(partial(eventually, "it runs", lambda: state(peer, last) == "running", 90))
                alive.ending = True
                peer.signal(signal.SIGTERM)
                await run(partial(eventually, "it drains", lambda: "draining" in reasons(url)[1], 10))
                assert reasons(url)[0] == 503
                assert await run(peer.stop) == 0
                nursery.cancel_scope.cancel()
        assert alive.answers == {("/healthz", 200), ("/startupz", 200)}
        assert "Traceback" not in peer.log.read_text()
    finally:
        peer.stop()


def remove_sandboxes(owner: str) -> None:
    """Those that an engine could not remove, of which the lifelines would make an end."""
    left = containers(f"{LABEL_OWNER}={owner}") if owner else []
    if left:
        subprocess.run(["docker", "rm", "-fv", *left], check=True, capture_output=True)


@pytest.mark.docker
@pytest.mark.timeout(400)
async def test_a_docker_and_a_provider_that_hang_stall_nothing(tmp_path, base_image, ports):
    """Both take connections and never answer: the engine starts all the same, lives, says so word by word, works again when they do, and
    ends in its time while Docker still hangs, with a task on it."""
    run = partial(trio.to_thread.run_sync, abandon_on_cancel=True)
    port, behind = ports
    there = tmp_path / "docker.sock"
    peer = Peer(
        tmp_path, "patient", DOCKER_HOST=f"unix://{there}", CHORUS_AI_PROVIDER="ollama", OLLAMA_ENDPOINT=f"http://127.0.0.1:{port}",
        OLLAMA_MODEL=MODEL, CHORUS_AGENT_MAX_TASKS="2", CHORUS_DRAIN_TIMEOUT="2",
    )  # fmt: skip
    hangs = [
        f"Docker: the Docker Engine at unix://{there} did not answer within 10 s",
        f"models: ollama at http://127.0.0.1:{port} did not answer a look within 10 s",
    ]
    async with (
        before_docker(there, SOCKET) as docker,
        before_port(port, behind) as provider,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), ScriptedModel([], port=behind).serve, behind)
        docker.hang()
        provider.hang()
        owner = ""
        try:
            await run(peer.start)
            await run(peer.ready)
            owner = peer.peer_id
            assert docker.first_at is not None
            assert trio.current_time() - docker.first_at < 10, "the engine waited for Docker before it answered"
            url = f"http://127.0.0.1:{api_port(peer)}"
            with Liveness(api_port(peer)).watching() as alive:
                await run(partial(eventually, "both hang", lambda: reasons(url) == (503, hangs), 40))
                docker.go_on()
                provider.go_on()
                await run(partial(eventually, "both answer", lambda: reasons(url) == (200, []), 90))
                first = await run(announced, peer, "Ends", "true")
                await run(partial(eventually, "it is done", lambda: state(peer, first) == "completed", 90))

                last = await run(announced, peer, "Is cut off", "sleep 600")
                await run(partial(eventually, "it runs", lambda: state(peer, last) == "running", 90))
                docker.hang()
                provider.hang()
                await run(partial(eventually, "both hang again", lambda: reasons(url) == (503, hangs), 120))
                report = await run(partial(httpx.get, f"{url}/health", timeout=240))
                assert (report.status_code, report.json()["status"], report.json()["active_tasks"]) == (
                    200,
                    "degraded",
                    1,
                )

                alive.ending = True
                began = trio.current_time()
                peer.signal(signal.SIGTERM)
                assert await run(peer.stop) == 0
                took = trio.current_time() - began
            assert alive.answers == {("/healthz", 200), ("/startupz", 200)}
            assert took < 30, "sandboxes that cannot be removed keep it for a few seconds each"
        finally:
            await run(peer.stop)
            # What still waits never reaches Docker: a sandbox made now would be nobody's.
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await run(remove_sandboxes, owner)


FAULTS = (
    "ChorusSecretsRedacted", "ChorusDockerDown", "ChorusTasksStuck", "ChorusDescriptorsLow", "ChorusDown", "ChorusAdminOutOfReach",
    "ChorusAlone", "ChorusNoAdmin",
)  # fmt: skip
"""Alerts that the test makes fire; the others, and these as well, have their faults in :mod:`tests.integration.system.alerting`."""


def forget_all_bytes(peers: list[Peer]) -> None:
    """Take every stored blob from their disks."""
    for peer in peers:
        for path in peer.data_dir.glob("blobs/*/*"):
            path.unlink()


def use(made: Mesh) -> None:
    """Work that moves what is counted: tasks that complete and fail, a record, the DHT with and without what is asked for."""
    alpha, *_ = made.peers
    good = announced(
        alpha, "Computes", "timeout 4 sh -c 'while :; do :; done' || true", "dd if=/dev/zero of=/tmp/x bs=1M count=8"
    )
    bad = announced(alpha, "Fails", "false")
    address = "ucxl://alpha:member@shop:notes/*^/a.txt"
    assert alpha.run("ucxl", "put", address, stdin="words").returncode == 0
    for task_id, end in ((good, "completed"), (bad, "failed")):
        eventually(f"{task_id} ends", lambda task_id=task_id, end=end: state(alpha, task_id) == end, 90)
    worker = alpha.task(good)["holder_name"]
    record = f"ucxl://{worker}:member@any:{good}/*^/decisions/result"
    eventually("its record is kept", lambda: alpha.get("/api/v1/ucxl/stored", address=record), 60)
    eventually("and put into the DHT", lambda: _puts(made), 60)
    forget_all_bytes(made.peers)
    eventually("found in the DHT", lambda: alpha.get("/api/v1/ucxl/stored", address=record), 30)
    assert alpha.get("/api/v1/ucxl/stored", address=address) is None, "a document is not in the DHT"


def _puts(made: Mesh) -> bool:
    texts = [httpx.get(f"http://127.0.0.1:{api_port(peer)}/metrics", timeout=240).text for peer in made.peers]
    return any(re.search(r'chorus_dht_queries_total\{kind="put"\} [1-9]', text) for text in texts)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(500)
def test_a_prometheus_sees_three_peers_and_alerts_fire_and_clear(tmp_path, fresh_mesh):
    """A real Prometheus scrapes three real peers: all it gets is of the catalogue and clean; the original's names move with real work;
    real faults make alerts fire, and their end clears them."""
    docker = tmp_path / "docker.sock"
    docker.symlink_to(SOCKET)
    fast = {"CHORUS_ELECTION_PROFILE": "fast", "DOCKER_HOST": f"unix://{docker}"}
    alpha, beta, gamma = fresh_mesh.grow("alpha", "beta", "gamma", **fast)
    eventually("all three vote", lambda: len(alpha.voters()) == 3, 60)
    with prometheus(tmp_path / "prometheus", fresh_mesh.peers) as asked:
        eventually("all are scraped", lambda: asked.ask("up") and set(asked.ask("up").values()) == {1.0}, 60)
        eventually("nothing fires yet", lambda: not any(_any(asked, alert) for alert in FAULTS), 60)
        use(fresh_mesh)
        announced(alpha, "Prints secrets", *(f"echo {' '.join(TOKENS[at : at + 10])}" for at in range(0, 60, 10)))
        eventually("redactions are told", lambda: ("ChorusSecretsRedacted", "alpha") in asked.firing(), 40)

        _moved(asked)
        _clean(alpha)
        eventually("redactions have passed", lambda: not _any(asked, "ChorusSecretsRedacted"), 90)

        docker.unlink()
        for peer in fresh_mesh.peers:  # else one of them, to whom it is still open, does the task
            eventually("it is missed", lambda peer=peer: reasons(f"http://127.0.0.1:{api_port(peer)}")[0] == 503, 30)
        announced(alpha, "Waits for Docker", "true")
        missed = {
            *(("ChorusDockerDown", peer.name) for peer in fresh_mesh.peers),
            ("ChorusTasksStuck", ""),
            ("ChorusDescriptorsLow", "gamma"),
        }
        with descriptors(gamma, int(open_files(gamma) * 1.1) + 2):
            _all_fire(asked, missed)
        eventually("its part is told", lambda: _any(asked, "ChorusComponentUnwell"), 30)
        docker.symlink_to(SOCKET)
        eventually("and all is back", lambda: not missed & asked.firing(), 90)

        for peer in (beta, gamma):
            peer.signal(signal.SIGSTOP)
        lost = {
            ("ChorusDown", "beta"),
            ("ChorusDown", "gamma"),
            ("ChorusAdminOutOfReach", "alpha"),
            ("ChorusAlone", "alpha"),
            ("ChorusNoAdmin", ""),
        }
        _all_fire(asked, lost)
        for peer in (beta, gamma):
            peer.signal(signal.SIGCONT)
        eventually("all is well again", lambda: not lost & asked.firing(), 120)


def _all_fire(asked, wanted: set[tuple[str, str]]) -> None:
    """Together, within ninety seconds."""
    quiet = wanted

    def told() -> bool:
        nonlocal quiet
        quiet = wanted - asked.firing()
        return not quiet

    try:
        eventually("all of it is told", told, 90)
    except AssertionError:
        raise AssertionError(f"of {wanted} these never fired: {quiet}") from None


def _any(asked, alert: str) -> bool:
    return alert in {name for name, _ in asked.firing()}


def _moved(asked) -> None:
    """All of the original's names. A licence that fails while an engine runs is seen where licences are tested."""
    for name in catalogue.ORIGINAL:
        series = f"{name}_count" if catalogue.METRICS[name].kind == "histogram" else name
        most = asked.ask(f"max(max_over_time({series}[5m]))")
        assert most, f"{name} is not there"
        if name != "chorus_license_failures_total":
            assert max(most.values()) > 0, f"{name} has not moved"


def _clean(peer: Peer) -> None:
    """What a peer shows is of the catalogue, free of remarks, and names nobody."""
    text = httpx.get(f"http://127.0.0.1:{api_port(peer)}/metrics", timeout=240).text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    shown = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))

    assert (done.returncode, done.stderr) == (0, "")
    assert shown <= catalogue.METRICS.keys()
    missing = catalogue.METRICS.keys() - shown
    assert all(name.startswith(("chorus_ai_", "chorus_clock_offset")) for name in missing), missing
    assert "chorus_api_scrape_failures 0.0" in text
    assert peer.peer_id not in text
    assert not re.search(r"127\.0\.0\.1|[0-9A-HJKMNP-TV-Z]{26}", text)


@pytest.mark.timeout(120)
def test_a_bundle_of_a_running_engine_is_whole_and_without_a_secret(trio_of_peers, tmp_path):
    """Every part comes from the engine itself; its tokens, its network key and its licence are in none of them."""
    peer = trio_of_peers[0]
    done = peer.run("support-bundle", "--to", str(tmp_path / "b.tar.gz"))
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        parts = {entry.name: archive.extractfile(entry).read().decode() for entry in archive.getmembers()}
    whole = "".join(parts.values())

    assert "no engine answered" not in whole
    assert '"status": "' in parts["chorus-support/health.json"]
    assert "chorus_uptime_seconds" in parts["chorus-support/metrics.txt"]
    assert "🤖 Ready" in parts["chorus-support/log.json"]
    assert "🤖 Ready" in peer.run("log", "--limit", "1000").stdout
    tokens = [
        line.split()[1] for line in (peer.data_dir / "api.tokens").read_text().splitlines() if not line.startswith("#")
    ]
    for secret in (*tokens, peer.environment["CHORUS_NETWORK_KEY"], "dev-test"):
        assert secret not in whole
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o077 == 0
