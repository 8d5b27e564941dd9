"""The faults are real: what a cut, a one-way cut and loss let through, counted in packets, by either packet filter."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.chaos.network import network

PACKETS = 200
"""They fit the receiver's buffer, so that only the filter loses any."""
LISTEN = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 4001))
print("ready", flush=True)
s.settimeout(30)
seen = 0
while s.recv(10) != b"end":
    seen += 1
print(seen)
"""
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[2])):
    s.sendto(sys.argv[3].encode(), (sys.argv[1], 4001))
"""


@pytest.fixture(params=["nft", "iptables"])
def two(request):
    """Two namespaces, faults by one of the two filters."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed; the other one suffices")
    with network() as net:
        net._firewall.name = request.param
        yield net, {name: net.add(name) for name in ("ada", "ben")}


def test_cuts_and_loss_are_what_they_say(two):
    """Nothing passes a cut, everything passes the other way of a one-way cut, half is lost of half, and all is well healed."""
    net, address = two

    def passed(sender, receiver):
        """How many packets arrive."""
        listen = [*net.prefix(receiver), sys.executable, "-c", LISTEN, address[receiver]]
        with subprocess.Popen(listen, stdout=subprocess.PIPE, text=True) as there:
            assert there.stdout.readline() == "ready\n"
            send = [sys.executable, "-c", SEND, address[receiver]]
            subprocess.run([*net.prefix(sender), *send, str(PACKETS), "x"], check=True, timeout=120)
            # Told by itself, which no fault between the two can stop.
            subprocess.run([*net.prefix(receiver), *send, "1", "end"], check=True, timeout=120)
            return int(there.stdout.read())

    assert passed("ada", "ben") == PACKETS
    net.cut(["ada"], ["ben"])
    assert passed("ada", "ben") == 0
    net.mend(["ada"], ["ben"])
    net.cut(["ada"], ["ben"], one_way=True)
    assert passed("ada", "ben") == 0
    assert passed("ben", "ada") == PACKETS
    net.heal()
    net.lose(["ben"], 50)
    assert PACKETS / 4 < passed("ada", "ben") < 3 * PACKETS / 4
    net.lose(["ben"], 0)
    assert passed("ada", "ben") == PACKETS
