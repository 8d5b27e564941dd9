"""BACKBEAT on a real engine with a real HTTP service beside it: what happened in a bar arrives there, whoever gives the beat."""

from __future__ import annotations

from typing import Any

import pytest

from chorus_tui.engine.protocol.messages.beats import BarReport, StatusClaim
from tests.integration.system.peers import Peer, eventually, mesh
from tests.support.backbeat import BeatServer, beat_server

pytestmark = [pytest.mark.docker, pytest.mark.timeout(150)]


def phases(server: BeatServer, kind: str) -> set[str]:
    """In which phases operations of a kind were, by all reports that came."""
    return {phase for report in server.bars for phase, count in report["by_kind"].get(kind, {}).items() if count}


def beats(peer: Peer) -> dict[str, Any]:
    return peer.status().get("beats") or {}


def test_a_task_and_an_election_appear_by_phase_in_bar_reports_that_a_service_received(tmp_path):
    """The service gives no beat at first: the admin does, and the service still gets claims and reports, in the original's forms. When
    it begins to beat, the mesh counts as it does. When it breaks, beats go on, status says why, and nothing waits for it."""
    with beat_server() as server, mesh(tmp_path) as at:
        alpha = at.add(
            "alpha", CHORUS_BACKBEAT_ENDPOINT=server.url, CHORUS_BACKBEAT_TEMPO_BPM="300", CHORUS_BACKBEAT_BAR="10",
        ).ready()  # fmt: skip
        eventually("its founding was told", lambda: {"negotiating", "settling"} <= phases(server, "election"), 30)
        task = alpha.announce("--title", "count", "--command", "sleep 1")
        eventually("it ended", lambda: alpha.task(task).get("state") == "completed", 60)
        passed = {"planning", "dispatching", "executing", "settling"}
        eventually("by phase", lambda: passed <= phases(server, "task"))
        for report in server.bars:
            BarReport.model_validate(report)
        eventually("by claims", lambda: {"executing", "completed"} <= {claim["state"] for claim in server.claims})
        eventually(
            "of this task", lambda: any(claim.get("task_id", "").lower() == task.lower() for claim in server.claims)
        )
        for claim in server.claims:
            StatusClaim.model_validate(claim)
        assert {claim["agent_id"] for claim in server.claims} == {"alpha"}

        assert server.bars[-1]["to_beat"] - server.bars[-1]["from_beat"] == 9
        ahead = beats(alpha)["index"] + 1_000_000
        server.beat(ahead)
        eventually("the mesh follows the service", lambda: beats(alpha)["index"] >= ahead)
        eventually("its bars are reported", lambda: server.bars[-1]["from_beat"] >= ahead)
        assert beats(alpha)["problem"] in ("", "beats come late")
        shown = alpha.run("status").stdout
        assert "a minute" in shown
        assert "last bar" in shown

        server.broken = True
        eventually("told", lambda: "status 503" in beats(alpha)["problem"])
        stopped = beats(alpha)["index"]
        eventually("beats go on", lambda: beats(alpha)["index"] > stopped + 10)
        assert alpha.probe("/ready") == 200
