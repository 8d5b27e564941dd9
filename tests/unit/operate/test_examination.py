"""Doctor on this machine, each fault really injected: a bare one, a right one, and one for each thing that can be wrong."""

from __future__ import annotations

import ctypes
import os
import socket
import sys

import pytest

from chorus_tui.contract.models.operate import Diagnosis, Finding
from chorus_tui.engine.runtime.doctor import machine, network, rules
from chorus_tui.engine.runtime.doctor.examination import examine
from tests.support.docker_engine import DOCKER_HOST


@pytest.fixture
def bare(tmp_path) -> dict[str, str]:
    """No Docker, no provider, ports of no one, a folder of our own."""
    return {
        "CHORUS_LICENSE_ID": "dev-test", "CHORUS_DATA_DIR": str(tmp_path / "data"), "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0", "CHORUS_MDNS_ENABLED": "false",
    }  # fmt: skip


async def look(environ: dict[str, str], kind="agent") -> dict[str, Finding]:
    """Findings by name; of several of one name the worst."""
    answer = await examine(kind, environ, None)
    assert isinstance(answer, Diagnosis)
    found: dict[str, Finding] = {}
    for finding in answer.findings:
        if finding.name not in found or found[finding.name].verdict == "ok":
            found[finding.name] = finding
    return found


async def test_a_bare_machine_lacks_docker_and_nothing_else(bare):
    """An agent fails for it, with how to get it; a person's own engine does not need it."""
    agent, person = await look(bare), await look(bare, "human")

    assert {name for name, finding in agent.items() if finding.verdict == "fail"} == {"Docker"}
    assert "apt-get install docker.io" in agent["Docker"].advice
    assert not any(finding.verdict == "fail" for finding in person.values())
    assert "not needed" in person["Docker"].found


@pytest.mark.docker
async def test_a_right_machine_has_nothing_that_fails(bare):
    """With the real Docker Engine; weaknesses of its version are warnings."""
    found = await look({**bare, "DOCKER_HOST": DOCKER_HOST})

    assert not any(finding.verdict == "fail" for finding in found.values())
    assert found["Docker"].found


async def test_a_port_in_use_is_told_with_its_holder(bare):
    """This process holds it, and is named."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        found = await look({**bare, "CHORUS_API_PORT": str(held.getsockname()[1])})
        mine = network.look_at_port("CHORUS_API_PORT", "127.0.0.1", held.getsockname()[1], os.getpid())

    assert found["port: CHORUS_API_PORT"].verdict == "fail"
    assert f"(process {os.getpid()})" in found["port: CHORUS_API_PORT"].found
    assert mine.ours, "of the engine that runs on the folder"


@pytest.mark.parametrize(
    ("more", "name", "verdict", "word"),
    [
        ({"CHORUS_LICENSE_ID": ""}, "licence", "fail", "dev-local"),
        ({"CHORUS_API_PORT": "x"}, "settings", "fail", "config check"),
        ({"CHORUS_AGENT_ROL": "x"}, "settings", "warn", "config check"),
        ({"CHORUS_API_HOST": "192.0.2.7", "CHORUS_API_PORT": "8080"}, "port: CHORUS_API_PORT", "fail", "CHORUS_API_HOST"),
        ({"CHORUS_P2P_PORT": "19007", "CHORUS_API_PORT": "19007"}, "port: CHORUS_API_PORT", "fail", "another port"),
        ({"DOCKER_HOST": "tcp://127.0.0.1:1"}, "Docker", "fail", "unix:///var/run/docker.sock"),
        ({"DOCKER_HOST": "unix:///etc/hostname"}, "Docker", "fail", "unix:///var/run/docker.sock"),
        (
            {"CHORUS_AI_PROVIDER": "ollama", "OLLAMA_MODEL": "m", "OLLAMA_ENDPOINT": "http://127.0.0.1:1"}, "models: ollama", "fail",
            "config check",
        ),
        ({"CHORUS_DATA_DIR": "/dev/shm/chorus-doctor"}, "data folder", "warn", "volume"),
        ({"CHORUS_DATA_DIR": "/proc/chorus-doctor"}, "data folder", "fail", "CHORUS_DATA_DIR"),
        ({"CHORUS_BLOB_QUOTA_MB": str(1 << 29)}, "disk", "warn", "CHORUS_BLOB_QUOTA_MB"),
    ],
)  # fmt: skip
async def test_each_fault_gets_its_advice(bare, more, name, verdict, word):
    """Injected for real, found by the whole examination, with the way out."""
    found = await look({**bare, **more})

    assert found[name].verdict == verdict, found[name]
    assert word in found[name].advice


def test_keys_that_others_can_read_are_found(tmp_path):
    """By their mode; the folder's own too."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o755)
    assert rules.folder(machine.look_at_folder(folder, 0))[0].advice == f"chmod 700 {folder}"
    (folder / "age.key").touch()
    (folder / "age.key").chmod(0o644)

    assert rules.folder(machine.look_at_folder(folder, 0))[0].advice == f"chmod 600 {folder}/age.key"


def test_a_docker_socket_is_told_apart_by_what_is_wrong_with_it(tmp_path, monkeypatch):
    """Missing, no socket, forbidden: what a user who may not use it meets is asked of the operating system."""
    path = tmp_path / "docker.sock"
    assert machine._socket(path) == "missing"
    path.touch()
    assert machine._socket(path) == "not a socket"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert machine._socket(path) == "usable"
        monkeypatch.setattr(machine.os, "access", lambda *_: False)
        assert machine._socket(path) == "forbidden"


@pytest.mark.parametrize("below", ["", "deeper"])
async def test_a_folder_that_is_closed_to_us_is_a_finding(bare, closed, as_nobody, below):
    """Another user's folder, or a place in it: doctor says that it cannot be written to and goes on with the rest."""
    found = await look({**bare, "CHORUS_DATA_DIR": str(closed / below)})

    assert found["data folder"].verdict == "fail"
    assert "CHORUS_DATA_DIR" in found["data folder"].advice
    assert "disk" in found


@pytest.mark.parametrize(("answer", "status", "expected"), [(0, 0x0001, True), (5, 0x0041, False), (-1, 0, None)])
def test_what_the_kernel_says_of_the_clock_is_read(monkeypatch, answer, status, expected):
    """Kept right, not kept right, or nothing said; adjtimex is asked, never set."""

    class Library:
        @staticmethod
        def adjtimex(given) -> int:
            assert bytes(given[:4]) == bytes(4), "it would be set"
            place = 5 * ctypes.sizeof(ctypes.c_long)
            given[place : place + 4] = status.to_bytes(4, sys.byteorder)
            return answer

    monkeypatch.setattr(machine.ctypes, "CDLL", lambda *_, **__: Library)
    assert machine.synchronised() is expected


def test_mdns_is_possible_or_says_why_not(monkeypatch):
    """A UDP port is shared with whoever shares it, and with nobody else."""
    monkeypatch.setattr(network, "MDNS", (network.MDNS[0], 0))
    assert network.mdns_problem() == "" or not network.multicast_interfaces()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as alone:
        alone.bind(("", 0))
        port = alone.getsockname()[1]
        monkeypatch.setattr(network, "MDNS", (network.MDNS[0], port))
        assert network.mdns_problem() == f"UDP port {port} cannot be shared: address already in use"
    assert "lo" not in network.multicast_interfaces()
