"""Peers find each other, keep each other, and keep strangers out."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time

from tests.integration.system.peers import Peer, eventually, within


def test_bootstrapped_peers_list_each_other_within_five_seconds(fresh_mesh):
    """Two peers, one bootstrapping to the other, are in each other's ``peers --json`` within 5 s of the second's start."""
    first = fresh_mesh.add("first").ready()
    eventually("the first founded", lambda: first.status().get("mesh_id"))
    second = fresh_mesh.add("second").ready()
    started = time.monotonic()

    def met() -> bool:
        return second.peer_id in first.connected() and first.peer_id in second.connected()

    within("each in the other's list", met, 5)
    took = time.monotonic() - started
    listed = {peer["peer_id"] for peer in first.json("peers")["peers"]}

    assert second.peer_id in listed
    assert took < 10


def test_two_started_at_once_meet_by_mdns(fresh_mesh):
    """In one network namespace without bootstrap, two peers started together end as one mesh."""
    name = f"chorus-{secrets.token_hex(3)}"
    with namespace(name):
        prefix = ["ip", "netns", "exec", name]
        for peer_name in ("left", "right"):
            peer = Peer(
                fresh_mesh.folder, peer_name, prefix=prefix, CHORUS_MDNS_ENABLED="true", CHORUS_DISCOVERY_GRACE="3"
            )
            fresh_mesh.peers.append(peer.start())
        for peer in fresh_mesh.peers:
            peer.ready()
        eventually("one mesh", fresh_mesh.whole, 60)
        fresh_mesh.stop()


def test_a_wrong_network_key_never_connects(fresh_mesh):
    """A peer with another key meets nobody, and says why it waits; the others do not notice it."""
    first = fresh_mesh.add("first").ready()
    eventually("the first founded", lambda: first.status().get("mesh_id"))
    stranger = fresh_mesh.add("stranger", CHORUS_NETWORK_KEY=secrets.token_hex(32)).ready()

    eventually("it says what it waits for", lambda: "bootstrap" in stranger.status()["mesh_detail"], 20)

    assert stranger.connected() == set()
    assert first.connected() == set()
    assert stranger.status()["mesh_id"] is None


def test_a_mesh_outlives_its_bootstrap_peer(fresh_mesh):
    """Five peers through one bootstrap peer are connected to each other, stay so when it, the admin, is killed, and
    choose another one in a higher term."""
    first, *others = fresh_mesh.grow("boot", "b", "c", "d", "e")
    ids = {peer.peer_id for peer in others}
    eventually("it leads five voters", lambda: len(first.voters()) == 5, 30)
    first.kill()

    for peer in others:
        eventually("connected to the three others", lambda peer=peer: peer.connected() == ids - {peer.peer_id}, 30)
    for peer in others:
        eventually("another admin", lambda peer=peer: peer.status()["admin"]["peer_id"] in ids, 30)
        assert peer.status()["admin"]["term"] > 1


@contextlib.contextmanager
def namespace(name: str):
    """A network namespace with a loopback that carries multicast."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for command in (
            ["ip", "link", "set", "lo", "up"],
            ["ip", "link", "set", "lo", "multicast", "on"],
            ["ip", "route", "add", "224.0.0.0/4", "dev", "lo"],
        ):
            subprocess.run(["ip", "netns", "exec", name, *command], check=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
