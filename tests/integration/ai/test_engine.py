"""Models in a real engine: told on status, health, ready and /metrics; wrong prompts end it before it begins."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.integration.system.peers import Peer, eventually

KEY = "key-of-the-provider-0123456789"


@contextmanager
def refusing_service():
    """A service that knows no key and repeats the one it got; the paths it was asked are kept."""
    asked = []

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.command, self.path, self.headers.get("Authorization")))
            body = f'{{"error": {{"message": "wrong key: {self.headers.get("Authorization")}"}}}}'.encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_args):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def metrics_of(peer: Peer) -> str:
    """What Prometheus would read."""
    transport = http.client.HTTPConnection("127.0.0.1", _api_port(peer))
    transport.request("GET", "/metrics")
    return transport.getresponse().read().decode()


def _api_port(peer: Peer) -> int:
    """From its greeting in the log."""
    text = peer.log.read_text()
    return int(text.partition('"api_port": ')[2].split(",")[0].split("}")[0])


@pytest.mark.parametrize("wire", ["ollama", "openai"])
def test_an_engine_finds_its_models_and_says_so(tmp_path, small_model, wire):
    """One line on status, one check, figures by provider; looking costs no tokens."""
    peer = Peer(tmp_path, "thinker", **small_model.environment(wire)).start().ready()
    try:
        status = eventually(
            "the models are found",
            lambda: (models := peer.status().get("models")) and models[0]["state"] == "ok" and peer.status(),
        )
        name = "ollama" if wire == "ollama" else "resetdata"

        assert status["models"][0] == {
            "name": name, "endpoint": getattr(small_model, wire), "model": small_model.model, "state": "ok", "detail": "",
            "asked": 0, "failed": 0, "tokens": 0,
        }  # fmt: skip
        assert {"name": "models", "level": "healthy", "detail": f"{name} with {small_model.model}"} in status["checks"]
        assert f"models        {name} {small_model.model} ok" in peer.run("status").stdout
        read = metrics_of(peer)
        for figure in ("requests_total", "failures_total", "tokens_total"):
            assert f'chorus_ai_{figure}{{provider="{name}"}} 0.0' in read
        assert f'chorus_ai_provider_up{{provider="{name}"}} 1.0' in read
    finally:
        assert peer.stop() == 0


def test_without_a_provider_nothing_is_wrong(tmp_path):
    """The line says what that means; there is no check, because it is nobody's fault."""
    peer = Peer(tmp_path, "plain").start().ready()
    try:
        assert peer.status()["models"] == []
        assert "models" not in {check["name"] for check in peer.status()["checks"]}
        assert "none: tasks with a goal are not taken" in peer.run("status").stdout
    finally:
        assert peer.stop() == 0


def test_a_provider_that_refuses_makes_it_not_ready_and_its_key_is_shown_nowhere(tmp_path):
    """Degraded, with what to check; only its list was asked for; the key stands in no answer and no log."""
    with refusing_service() as (url, asked):
        environment = {
            "CHORUS_AI_PROVIDER": "resetdata",
            "RESETDATA_BASE_URL": url,
            "RESETDATA_MODEL": "m",
            "RESETDATA_API_KEY": KEY,
        }
        peer = Peer(tmp_path, "refused", **environment).start().ready()
        try:
            status = eventually(
                "it was looked at",
                lambda: (models := peer.status().get("models")) and models[0]["state"] == "degraded" and peer.status(),
            )

            assert "check RESETDATA_API_KEY" in status["models"][0]["detail"]
            assert status["health"] == "degraded"
            assert peer.get("/ready") is None
            assert set(asked) == {("GET", "/v1/models", f"Bearer {KEY}")}
            assert KEY not in str(status) + peer.run("status").stdout + metrics_of(peer) + peer.log.read_text()
        finally:
            assert peer.stop() == 0


def test_prompts_that_cannot_be_used_end_it_before_it_begins(tmp_path):
    """Exit 2, as for any setting; file and field are named."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "mine.yaml").write_text("roles: {poet: {name: Poet}}")
    peer = Peer(tmp_path, "mute", CHORUS_PROMPTS_DIR=str(tmp_path / "prompts")).start()
    assert peer.process is not None

    assert peer.process.wait(80) == 2
    assert "mine.yaml: roles.poet.system_prompt: Field required" in peer.log.read_text()
    assert "Traceback" not in peer.log.read_text()
