"""Probes of a real engine while others fail it: its peer stops, its licence is refused, ends, cannot be asked about; its clock is off."""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime, timedelta

import pytest

from scripts.log_events import FIELDS
from tests.integration.system.peers import Mesh, Peer, eventually, mesh
from tests.integration.system.prometheus import api_port
from tests.integration.system.test_operations import Liveness, reasons
from tests.support.kaching import kaching

pytestmark = pytest.mark.timeout(180)
AHEAD_S = 45
ALWAYS = ("event", "level", "timestamp")


def checks(peer: Peer) -> dict[str, tuple[str, str]]:
    """Level and words of each check of ``/health``, which answers 200 as long as nothing is failing."""
    answer = peer.get("/health")
    assert answer is not None
    assert answer["status"] in ("healthy", "degraded"), answer
    return {one["name"]: (one["level"], one["detail"]) for one in answer["checks"]}


def told(peer: Peer, check: str, words: str) -> bool:
    """Whether a check is degraded and says so."""
    level, detail = checks(peer).get(check, ("", ""))
    return level == "degraded" and words in detail


def watched(at: Mesh, **environment: str) -> Peer:
    """A second peer, which takes no tasks, whose clock is ahead, and which asks a server that refused again at once."""
    program = [sys.executable, "-m", "tests.integration.system.hurried", str(AHEAD_S), "1"]
    peer = Peer(
        at.folder, "beta", program=program, CHORUS_BOOTSTRAP_PEERS=at.peers[0].address, CHORUS_AGENT_MAX_TASKS="0",
        CHORUS_ELECTION_PROFILE="fast", **environment,
    ).start()  # fmt: skip
    at.peers.append(peer)
    peer.ready()
    eventually("its greeting is logged, with its port", lambda: '"api_port"' in peer.log.read_text())
    return peer


def test_no_peer_no_licence_and_no_clock_fails_the_liveness_of_an_engine(tmp_path):
    """Its clock is 45 s ahead: degraded, with how far and the way out. Its licence server is broken, then revokes the licence, which
    then expires: degraded with each reason. The admin stops answering: degraded. All the while it is alive, started and ready, because none of
    it keeps it from work. Its log is JSON, and that of the other text, as asked; see :func:`logged`."""
    with mesh(tmp_path) as at, kaching(lease_s=3.0) as server:
        server.clock_off_s = AHEAD_S
        (alpha,) = at.grow(
            "alpha", CHORUS_AGENT_MAX_TASKS="0", CHORUS_ELECTION_PROFILE="fast", CHORUS_LOG_FORMAT="text"
        )
        (level := tmp_path / "level").write_text("info")
        beta = watched(at, CHORUS_LOG_LEVEL_FILE=str(level), **server.environment)
        url = f"http://127.0.0.1:{api_port(beta)}"
        eventually("it is ready", lambda: reasons(url) == (200, []), 40)
        with Liveness(api_port(beta)).watching() as alive:
            eventually(
                "its clock is told", lambda: told(beta, "clock", "s ahead of the other members' clocks: set this"), 40
            )
            server.mode = "broken"
            eventually("its licence server is broken", lambda: told(beta, "licence", "status 500"), 30)
            server.mode, server.licences["prod-123"].state = "good", "revoked"
            eventually("revoked", lambda: told(beta, "licence", "revoked"), 30)
            eventually("and logged", lambda: "refuses this engine" in beta.log.read_text())
            level.write_text("error")
            beta.signal(signal.SIGHUP)
            server.licences["prod-123"].state, server.licences["prod-123"].expires_in_s = "good", -1
            eventually("expired", lambda: told(beta, "licence", "expired"), 30)
            assert reasons(url) == (200, [])

            alpha.signal(signal.SIGSTOP)
            eventually("the admin is missed", lambda: checks(beta)["control log"][0] == "degraded", 60)
            assert reasons(url) == (200, [])
            alpha.signal(signal.SIGCONT)
            eventually("and is back", lambda: checks(beta)["control log"][0] == "healthy", 60)
        assert alive.answers == {("/healthz", 200), ("/startupz", 200)}
        said = beta.log.read_text()
    logged(said)
    assert "{" not in {line[:1] for line in alpha.log.read_text().splitlines()}


def logged(text: str) -> None:
    """One JSON object a line when not on a terminal, each with the documented fields and no others; its elections with their term; and
    nothing below an error from the moment on that only errors were asked for, although an admin was lost and found."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert {field for line in lines for field in line} <= {*FIELDS, *ALWAYS}
    assert all(set(ALWAYS) <= set(line) for line in lines)
    assert all(datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0) for line in lines)
    following = [line for line in lines if line["event"] == "Told people" and "👑" in line["text"]]
    assert following
    assert all(f"term {line['term']}" in line["text"] for line in following)
    refused = max(number for number, line in enumerate(lines) if "refuses this engine" in line["event"])
    assert [line["event"] for line in lines[refused + 1 :] if line["level"] not in ("error", "critical")] == []
