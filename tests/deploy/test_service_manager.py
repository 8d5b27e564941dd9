"""What a service manager hears of an engine, on a socket as systemd opens it."""

from __future__ import annotations

import socket

import pytest

from chorus_tui.engine.runtime.service_manager import READY, STOPPING, ServiceManager
from tests.integration.system.peers import CLI, Peer


def heard(listening: socket.socket) -> dict[str, str]:
    """The next word that is said there, as its variables."""
    return dict(line.split("=", 1) for line in listening.recv(4096).decode().splitlines())


def test_an_engine_says_when_it_is_ready_and_when_it_stops(tmp_path):
    """READY comes when every door is open and not before, STOPPING when the drain begins; then it ends with 0."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(60)
        peer = Peer(tmp_path, "served", program=[*CLI, "--headless"], NOTIFY_SOCKET=str(tmp_path / "notify")).start()
        try:
            first = heard(listening)
            assert first == {"READY": "1", "STATUS": "served is at work"}
            assert peer.probe("/startupz") == 200
            assert peer.process is not None
            peer.process.terminate()
            assert heard(listening) == {"STOPPING": "1", "STATUS": "draining, at most 30 s"}
            assert peer.process.wait(30) == 0
        finally:
            if peer.process is not None and peer.process.poll() is None:
                peer.process.kill()
                peer.process.wait()


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "vsock:1:2", "@nobody-listens-there"])
def test_a_manager_that_does_not_listen_stops_nothing(address):
    """Nobody asked, nobody is there, or the address is of a kind we do not speak: nothing is said, nothing fails."""
    ServiceManager.of({"NOTIFY_SOCKET": address} if address else {}).tell(READY, "at work")


def test_an_abstract_address_is_reached():
    """As systemd names it with an @ in front."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")  # the kernel picks a free abstract name
        listening.settimeout(5)
        name = listening.getsockname()[1:].decode()
        ServiceManager.of({"NOTIFY_SOCKET": f"@{name}"}).tell(STOPPING, "draining")

        assert heard(listening) == {"STOPPING": "1", "STATUS": "draining"}


def test_a_manager_that_reads_nothing_does_not_hold_the_engine(tmp_path):
    """A full socket loses the word instead of waiting."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        manager = ServiceManager(str(tmp_path / "notify"))
        for _ in range(1000):
            manager.tell(READY, "x" * 200)
