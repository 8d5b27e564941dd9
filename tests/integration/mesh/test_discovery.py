"""Discovery in a network namespace that has nothing but ``lo``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
import trio
import trio.lowlevel
from zeroconf import EventLoopBlocked

from chorus_tui.engine.mesh.discovery import ORIGINAL_NAME, Discovery, network_hash, read_properties

from .nodes import identity


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace of our own, gone at the end."""
    name = f"chorus-{uuid.uuid4().hex[:8]}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (["ip", "link", "set", "lo", "up"], ["ip", "route", "add", "224.0.0.0/4", "dev", "lo"]):
            subprocess.run(["ip", "netns", "exec", name, *command], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


async def test_three_peers_of_one_network_meet_and_a_fourth_of_another_does_not(namespace, tmp_path) -> None:
    """Started at once without bootstrap, peers with one key find each other by mDNS; another key finds nobody."""
    peers = [identity(n).peer_id for n in (1, 2, 3)]

    async def run(number: int, key: int, count: int, done: list[list[str]]) -> None:
        command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "tests.integration.mesh.mdns_peer"]
        arguments = [str(number), str(key), str(tmp_path), str(count)]
        process = await trio.lowlevel.open_process(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            output = b""
            async for data in process.stdout:
                output += data
                lines = [line for line in output.split(b"\n") if line.startswith(b"[")]
                if lines:
                    done.append(json.loads(lines[0]))
                    break
            await trio.sleep_forever()
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()

    met: list[list[str]] = []
    strangers: list[list[str]] = []
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run, 4, 8, 1, strangers)
            for number in (1, 2, 3):
                nursery.start_soon(run, number, 7, 2, met)
            while len(met) < 3:
                await trio.sleep(0.05)
            nursery.cancel_scope.cancel()

    assert sorted(met) == sorted(sorted(p for p in peers if p != me) for me in peers)
    assert strangers == []


@pytest.mark.parametrize(
    "error", [OSError(19, os.strerror(19)), EventLoopBlocked("No such device"), RuntimeError("no such device")]
)
async def test_no_multicast_is_a_problem_not_an_end(monkeypatch, error) -> None:
    """Where multicast is impossible, or the library fails, discovery says so in words and tries again; nothing else stops."""

    def refuse(_self: Discovery) -> None:
        raise error

    monkeypatch.setattr(Discovery, "_open", refuse)
    discovery = Discovery(identity(1).peer_id, None, list, lambda *_: None, loopback_only=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(discovery.run, 1)
        while discovery.problem is None:
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()

    assert "no such device" in discovery.problem
    assert "bootstrap peers still work" in discovery.problem


def test_what_is_announced_is_read_back_and_junk_is_not() -> None:
    """An announcement names the original service, its peer and addresses; of other networks or broken it is ignored."""
    key = bytes(32)
    own = identity(1).peer_id
    discovery = Discovery(own, key, lambda: [f"/ip4/127.0.0.1/tcp/7/p2p/{own}"], lambda *_: None, loopback_only=True)
    properties = discovery._info(7).properties

    assert properties[b"name"] == ORIGINAL_NAME.encode()
    assert read_properties(properties, network_hash(key)) == (own, [f"/ip4/127.0.0.1/tcp/7/p2p/{own}"])
    assert read_properties(properties, network_hash(None)) is None
    assert read_properties(properties | {b"peer": b"nobody"}, network_hash(key)) is None
    assert read_properties({b"\xff": b"\xff"}, network_hash(key)) is None
    odd = properties | {b"a0": b"/dns4/x/udp/5", b"a1": b"/", b"a2": b"/ip4/127.0.0.1/tcp/8"}
    assert read_properties(odd, network_hash(key)) == (own, [f"/ip4/127.0.0.1/tcp/8/p2p/{own}"])
    assert read_properties(properties | {b"a0": b"/dns4/x"}, network_hash(key)) is None
