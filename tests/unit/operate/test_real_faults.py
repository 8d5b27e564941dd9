"""Doctor on machines that are made wrong for real: a full disk, no network, another libp2p, a licence server in each of its moods."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from chorus_tui.contract.models.operate import Diagnosis, Finding
from chorus_tui.engine.private_file import create_private
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.runtime.doctor import examination
from chorus_tui.engine.runtime.doctor.examination import examine
from tests.support.kaching import Kaching, Licence, kaching

SMALL_MACHINE = """
mount -t tmpfs -o size=2m tmpfs "$1" || exit 90
dd if=/dev/zero of="$1/filler" bs=1k count=1900 status=none
exec "$2" -m chorus_tui.engine doctor --json
"""
"""In namespaces of its own: a disk of two megabytes with something on it, and no network but a loopback that is down."""


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of an agent that has what it needs but for Docker."""
    return {
        "CHORUS_LICENSE_ID": "dev-test", "CHORUS_DATA_DIR": str(folder), "DOCKER_HOST": f"unix://{folder}/none.sock",
        "CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0", "CHORUS_MDNS_ENABLED": "false", **more,
    }  # fmt: skip


def test_a_full_disk_no_network_and_another_libp2p_are_found_with_the_way_out(tmp_path):
    """One machine with four faults, seen by the real program in the place where they are: its advice is about each, and it ends
    with 1."""
    (metadata := tmp_path / "site" / "libp2p-0.0.1.dist-info").mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: libp2p\nVersion: 0.0.1\n")
    (disk := tmp_path / "disk").mkdir()
    wrong = {
        "PYTHONPATH": f"{metadata.parent}:{os.environ.get('PYTHONPATH', '')}", "CHORUS_MDNS_ENABLED": "true",
        "CHORUS_KACHING_URL": "http://127.0.0.1:1", "CHORUS_KACHING_PUBLIC_KEY": "ab" * 32,
    }  # fmt: skip
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "--net", "sh", "-c", SMALL_MACHINE, "sh", str(disk), sys.executable],
        env={**os.environ, **environment(disk / "data", **wrong)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}

    assert {name: found[name]["verdict"] for name in ("disk", "libp2p", "mDNS", "licence")} == {
        "disk": "fail", "libp2p": "fail", "mDNS": "warn", "licence": "fail",
    }  # fmt: skip
    assert found["disk"]["found"].startswith("0.0 of 0.0 GiB free")
    assert "make room" in found["disk"]["advice"]
    assert found["libp2p"]["found"].startswith("0.0.1; this program patches ")
    assert found["libp2p"]["advice"].startswith("pip install libp2p==")
    assert "CHORUS_BOOTSTRAP_PEERS" in found["mDNS"]["advice"]
    assert "no engine starts without its answer" in found["licence"]["found"]


async def looked(folder: Path, **more: str) -> tuple[Finding, Finding]:
    """What doctor finds of licence and clock."""
    answer: Diagnosis = await examine("human", environment(folder, **more), None)
    found = {one.name: one for one in answer.findings}
    return found["licence"], found["clock"]


@pytest.mark.parametrize(
    ("licence", "verdict", "found", "advice"),
    [
        (Licence(), "ok", "answers: valid until 20", ""),
        (Licence(state="revoked"), "fail", "the licence was revoked", "Ask whoever issued it"),
        (Licence(expires_in_s=-1), "fail", "the licence has expired", "Renew it"),
        (Licence(nodes=0), "fail", "all nodes of the licence are in use", "Stop one"),
    ],
)
async def test_the_licence_server_is_asked_and_the_seat_given_back(tmp_path, licence, verdict, found, advice):
    """What the next start would hear, with the way out; afterwards nobody holds a seat."""
    with kaching() as server:
        server.licences["prod-123"] = licence
        finding, _ = await looked(tmp_path, **server.environment)

    assert (finding.verdict, found in finding.found, advice in finding.advice) == (verdict, True, True), finding
    assert not server.seats.get("prod-123")


async def test_a_seat_whose_release_was_not_heard_is_told(tmp_path, monkeypatch):
    """The server goes silent for both tries: the licence is good all the same, and a person knows whose seat that is."""
    with kaching() as server:
        answer = server.answer
        monkeypatch.setattr(
            server, "answer", lambda question, body: answer(question, body) if question == "activate" else (500, "")
        )
        finding, _ = await looked(tmp_path, **server.environment)

    assert (finding.verdict, "valid until 20" in finding.found) == ("warn", True), finding
    assert server.count("release") == 2


async def test_the_folders_own_identity_asks_and_keeps_its_seat(tmp_path):
    """With the last seat its own: nothing is wrong with this machine, and an engine that starts meanwhile loses nothing."""
    identity = owned(tmp_path)
    with kaching() as server:
        server.licences["prod-123"] = Licence(nodes=1)
        server.seats["prod-123"] = {identity.peer_id}
        finding, _ = await looked(tmp_path, **server.environment)

    assert (finding.verdict, "valid until 20" in finding.found) == ("ok", True), finding
    assert server.seats["prod-123"] == {identity.peer_id}
    assert [(question, body["node_id"]) for question, body in server.asked] == [("activate", identity.peer_id)]


@pytest.mark.parametrize(("level", "verdict"), [("healthy", "ok"), ("degraded", "warn")])
async def test_an_engine_that_runs_is_asked_in_the_place_of_the_server(tmp_path, monkeypatch, level, verdict):
    """It knows its own licence; no seat is touched."""
    status = {"checks": [{"name": "licence", "level": level, "detail": "valid, cluster prod"}]}
    monkeypatch.setattr(examination, "ask", lambda *_: answered(status))
    with kaching() as server:
        finding, _ = await looked(tmp_path, **server.environment)

    assert (finding.verdict, finding.found) == (verdict, "the engine that runs says: valid, cluster prod")
    assert not server.asked


async def answered(status: dict[str, Any]) -> dict[str, Any]:
    """As an engine's socket would."""
    return status


def owned(folder: Path) -> Identity:
    """A folder that an engine had: whose it is stands in it."""
    create_private(folder / "identity.key", (identity := Identity.generate()).key_file())
    return identity


def keep(folder: Path, server: Kaching, node: str, seen_s: float) -> None:
    """What the server said to ``node`` an hour ago, kept; ``seen_s`` from now the latest time that was known."""
    body = {"license_id": "prod-123", "cluster_id": "prod", "node_id": node, "nonce": "0" * 32}
    server.clock_off_s = -3600.0
    _, token = server.answer("activate", body)
    (folder / "license.token").write_text(f"{token}\n{time.time() + seen_s:.0f}\n")


@pytest.mark.parametrize(
    ("kept", "verdict", "words"),
    [
        ("", "fail", "no token of an earlier start is kept"),
        ("good", "warn", "the next start runs on the kept lease"),
        ("x", "fail", "cannot be read"),
        ("kaching1.x.y\n0\n", "fail", "the kept token does not help: it is not signed"),
        ("another's", "fail", "it is for another node"),
        ("clock set back", "fail", "Set the clock"),
    ],
)
async def test_a_server_whose_answer_does_not_count_is_told_with_what_the_next_start_does(
    tmp_path, kept, verdict, words
):
    """Signed with another key: a lease of before lets an engine start when the start itself would take it, else its reason is told."""
    identity = owned(tmp_path)
    with kaching() as server:
        if kept in ("good", "another's", "clock set back"):
            node = Identity.generate().peer_id if kept == "another's" else identity.peer_id
            keep(tmp_path, server, node, 7200.0 if kept == "clock set back" else 0.0)
        elif kept:
            (tmp_path / "license.token").write_text(kept)
        server.mode = "forged"
        finding, _ = await looked(tmp_path, **server.environment)

    assert (finding.verdict, "CHORUS_KACHING_PUBLIC_KEY" in finding.advice) == (verdict, True)
    assert words in finding.found


async def test_a_closed_folder_without_a_licence_server_is_a_finding(closed, as_nobody):
    """What is kept in it cannot be seen: doctor and all that gathers it go on to their end."""
    silent = {
        "CHORUS_LICENSE_ID": "prod-1",
        "CHORUS_KACHING_URL": "http://127.0.0.1:1",
        "CHORUS_KACHING_PUBLIC_KEY": "ab" * 32,
    }
    finding, _ = await looked(closed, **silent)

    assert finding.verdict == "fail"
    assert "cannot be read" in finding.found


async def test_a_clock_that_is_far_from_the_licence_servers_is_told(tmp_path):
    """Ten minutes ahead: how far, and how to set it."""
    with kaching() as server:
        server.clock_off_s = -600.0
        _, clock = await looked(tmp_path, **server.environment)

    assert clock.verdict == "warn"
    assert clock.found.endswith("s ahead of the licence server's")
    assert "timedatectl set-ntp true" in clock.advice
