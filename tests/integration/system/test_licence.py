"""Licences on real engines: who may not run ends at once, before any port, with the reason; who may, goes on through every trouble."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.licensing.kaching import Account, Kaching
from chorus_tui.engine.licensing.statement import Lease
from tests.integration.system.peers import Peer, becomes, eventually
from tests.support.kaching import Kaching as Server
from tests.support.kaching import Licence, kaching

pytestmark = pytest.mark.timeout(180)


def ends(folder: Path, cases: list[dict[str, str]]) -> list[dict[str, Any]]:
    """How each case's engine ended."""
    folder.mkdir()
    plain = Peer(folder, "case").environment
    given = [{**plain, "CHORUS_DATA_DIR": str(folder / str(number)), **case} for number, case in enumerate(cases)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.system.licence_cases", str(folder)],
        input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_an_engine_without_a_usable_licence_ends_before_it_opens_a_port(tmp_path):
    """Missing, malformed, none for use without a server, expired, revoked, suspended, unknown, another cluster, no seat left, no
    server, a slow one, one with another key, nonsense, too much, a wrong status, an unsigned refusal: exit 1, the reason and the
    way out on stderr, no socket bound, the id nowhere."""
    with contextlib.ExitStack() as stack:
        good, slow = stack.enter_context(kaching()), stack.enter_context(kaching(mode="slow", slow_s=1.5))
        good.licences |= {
            "prod-old": Licence(expires_in_s=-1), "prod-revoked": Licence(state="revoked"), "prod-held": Licence(state="suspended"),
            "prod-full": Licence(nodes=0),
        }  # fmt: skip
        servers = {
            mode: stack.enter_context(kaching(mode=mode))
            for mode in ("forged", "nonsense", "huge", "broken", "unsigned")
        }
        quick = {"CHORUS_KACHING_TIMEOUT_S": "0.3"}
        of = good.environment
        table: list[tuple[dict[str, str], str]] = [
            ({"CHORUS_LICENSE_ID": ""}, "CHORUS_LICENSE_ID=dev-local chorus-tui"),
            ({"CHORUS_LICENSE_ID": "prod 123"}, "malformed"),
            ({"CHORUS_LICENSE_ID": "prod-123"}, "no licence server to ask"),
            ({**of, "CHORUS_LICENSE_ID": "prod-old"}, "the licence has expired. Renew it"),
            ({**of, "CHORUS_LICENSE_ID": "prod-revoked"}, "the licence was revoked"),
            ({**of, "CHORUS_LICENSE_ID": "prod-held"}, "the licence is suspended"),
            ({**of, "CHORUS_LICENSE_ID": "prod-nobodys"}, "knows no such licence. Check CHORUS_LICENSE_ID"),
            ({**of, "CHORUS_CLUSTER_ID": "staging"}, "for another cluster. Check CHORUS_CLUSTER_ID"),
            ({**of, "CHORUS_LICENSE_ID": "prod-full"}, "all nodes of the licence are in use"),
            ({**of, "CHORUS_KACHING_URL": "http://127.0.0.1:1"}, "nobody can be reached there"),
            ({**slow.environment, **quick}, "did not answer within 0.3 s"),
            (servers["forged"].environment, "not signed with the key that CHORUS_KACHING_PUBLIC_KEY names"),
            (servers["nonsense"].environment, "no JSON object"),
            (servers["huge"].environment, "over 65536 bytes"),
            (servers["broken"].environment, "status 500"),
            (servers["unsigned"].environment, "does not count"),
        ]
        found = ends(tmp_path / "cases", [case for case, _ in table])

    for (case, why), end in zip(table, found, strict=True):
        assert (end["code"], end["binds"]) == (1, 0), (case, end)
        assert why in end["said"], (why, end["said"])
        assert "✗ " in end["said"]
        if len(id_ := case["CHORUS_LICENSE_ID"]) > 4:
            assert id_ not in end["said"].replace("dev-local", "")


def troubles(peer: Peer) -> str:
    """What the licence's check says while it is not healthy."""
    check = next(one for one in peer.status()["checks"] if one["name"] == "licence")
    return check["detail"] if check["level"] != "healthy" else ""


def lease(server: Server, **environment: str) -> dict[str, str]:
    server.lease_s = 3.0
    return {**server.environment, **environment}


def test_an_engine_that_runs_goes_on_through_every_trouble_and_tells_it(tmp_path):
    """Renewed at a third; revoked, forged, down, a clock that is wrong: degraded with the reason, alive and ready as before, back to
    well when the server is. Its seat is given back at the end; a restart without the server runs on what was kept; the id is in
    no answer, log, file or list of processes."""
    with kaching() as server:
        peer = Peer(tmp_path, "alpha", **lease(server)).start().ready()
        try:
            becomes("valid", lambda: peer.status().get("license"), "valid, cluster prod")
            eventually("renewed twice", lambda: server.count("heartbeat") >= 2)
            server.licences["prod-123"].state = "revoked"
            eventually("told", lambda: "revoked" in troubles(peer))
            assert peer.status()["license"] == "refused, in its grace, cluster prod"
            figures = peer.text("/metrics").splitlines()
            failures = [float(line.split()[1]) for line in figures if line.startswith("chorus_license_failures_total ")]
            assert failures[0] >= 1
            assert not (peer.data_dir / "license.token").exists()
            assert peer.probe("/healthz") == 200
            server.clock_off_s = -7200.0
            listing = Path(f"/proc/{peer.process.pid}/cmdline").read_bytes() if peer.process else b""
            assert b"prod-123" not in listing
        finally:
            assert peer.stop() == 0
        assert server.count("release") == 1
        assert "prod-123" not in peer.log.read_text()
        held = [file for file in peer.data_dir.rglob("*") if file.is_file() and b"prod-123" in file.read_bytes()]
        assert held == []

        server.licences["prod-123"].state = "good"
        peer.start().ready()
        try:
            eventually("the wrong clock is told", lambda: "2 h 0 min ahead of the licence server's" in troubles(peer))
            server.clock_off_s = 0.0
            eventually("and forgotten", lambda: troubles(peer) == "")
            server.mode = "forged"
            eventually("forged", lambda: "not signed with the key" in troubles(peer), 30)
        finally:
            peer.stop()
    peer.start().ready()
    try:
        eventually("in its grace", lambda: "in its grace" in peer.status()["license"])
        assert "nobody can be reached there" in troubles(peer)
    finally:
        assert peer.stop() == 0

    kept = peer.data_dir / "license.token"
    token, _ = kept.read_text().split()
    kept.write_text(f"{token}\n{time.time() + 86_400:.0f}\n")
    (back, over) = ends(
        tmp_path / "cases",
        [
            {**peer.environment},
            {**peer.environment, "CHORUS_CLUSTER_ID": "staging", "CHORUS_DATA_DIR": str(peer.data_dir) + "2"},
        ],
    )
    assert (back["code"], back["binds"]) == (1, 0), back
    assert "clock is behind the time of the kept token" in back["said"]
    assert over["code"] == 1


def test_at_the_end_of_the_grace_the_engine_drains_says_goodbye_and_tells_why(tmp_path):
    """The 72 hours are shortened to two seconds: exit 1 with the reason, after the orderly way out."""
    with kaching(lease_s=2.0) as server:
        server.licences["prod-123"] = Licence(nodes=3)
        cases = [{**server.environment, "GRACE_S": "2", "CHORUS_DRAIN_TIMEOUT": "1"}]

        def revoke() -> bool:
            if server.count("activate"):
                server.licences["prod-123"].state = "revoked"
            return bool(server.count("release"))

        program = (
            "import json, pathlib, sys; from tests.integration.system.test_licence import ends; "
            "print(json.dumps(ends(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))))"
        )
        done = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "cases"), json.dumps(cases)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            eventually("it left", revoke, 60)
            (end,) = json.loads(done.communicate(timeout=240)[0])
        finally:
            done.kill()
            done.wait()
    assert end["code"] == 1, end
    assert "72 hours of grace are over (the licence was revoked" in end["said"]
    assert "Stopped" in end["said"]


async def test_an_answer_to_another_question_does_not_count():
    """What the server once said to this very node, said again by somebody in between: its nonce is another."""
    with kaching(mode="replay") as server:
        account = Account(
            server.environment["CHORUS_KACHING_URL"],
            "prod-123",
            "prod",
            "12D3KooWnode",
            bytes(server.key.verify_key),
            5.0,
        )
        asker = Kaching(account, SeededEntropy(7))
        said, _ = await asker.ask("activate")
        assert isinstance(said, Lease)
        server.licences["prod-123"].state = "revoked"
        with pytest.raises(NoAnswer, match="another question"):
            await asker.ask("heartbeat")
