"""Faults of the mesh: who is there, who leads, what is said."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.integration.system.alerting.world import IDLE, MEMBERS, World, again_and_again, fault, say, stopped
from tests.integration.system.forking import TITLE
from tests.integration.system.peers import NETWORK_KEY, Peer, eventually, mesh

IN_TABLE = 'sum(chorus_dht_routing_table_peers{instance="m0"} >= bool 10)'


@fault("ChorusDown", "ChorusAdminOutOfReach", "ChorusNoAdmin", "ChorusAlone", "ChorusFewPeers")
def all_others_stand_still(world: World) -> Iterator[None]:
    """One of five is left."""
    with stopped(*(peer for name, peer in world.peers.items() if name != "alpha")):
        yield
    world.calm()


@fault("ChorusElectionsRestless")
def admins_come_and_go(world: World) -> Iterator[None]:
    """Whoever leads is made to hand over."""

    def hands_over() -> None:
        world["alpha"].post("/api/v1/election/trigger", {"reason": "a drill"})

    with again_and_again(hands_over, 1.0):
        yield
    world.calm()


@fault("ChorusTwoAdmins")
def another_mesh(world: World) -> Iterator[None]:
    """A peer that nobody told of this mesh founds one of its own; who connects them ends it."""
    island = Peer(world.folder, "island", **IDLE).start().ready()
    try:
        eventually("it founded", lambda: island.status().get("mesh_id"))
        world.asked.scrape([*world.made.peers, island])
        yield
        assert island.run("connect", world["alpha"].address).returncode == 0
        eventually("one of them is left", lambda: island.status()["mesh_id"] == world["alpha"].status()["mesh_id"], 60)
        eventually("and leads no more", lambda: not world.fires("ChorusTwoAdmins"), 60)
    finally:
        island.stop()
        world.asked.scrape(world.made.peers)


@fault("ChorusUnhealthy")
def a_copied_control_log(world: World) -> Iterator[None]:
    """A voter comes back with a copy of its control log, and no admin is there that makes it a voter anew."""
    gamma = world["gamma"]
    eventually("it votes", lambda: gamma.peer_id in world["alpha"].voters(), 60)
    gamma.kill()
    shutil.copy2(gamma.data_dir / "control.db", gamma.data_dir / "copy")
    (gamma.data_dir / "copy").replace(gamma.data_dir / "control.db")
    with stopped(*(peer for name, peer in world.peers.items() if name != "gamma")):
        gamma.start().ready()
        world.asked.scrape(world.made.peers)
        yield
    world.calm()


@fault("ChorusKeysLacking")
def keys_are_lost(world: World) -> Iterator[None]:
    """A voter comes back without its key file, and nobody who could bring it the role keys anew is in reach."""
    gamma, file = world["gamma"], world["gamma"].data_dir / "age.key"
    eventually("it holds some", lambda: "# keyring" in file.read_text(), 60)
    assert gamma.stop() == 0
    file.unlink()
    with stopped(*(peer for name, peer in world.peers.items() if name != "gamma")):
        gamma.start().ready()
        world.asked.scrape(world.made.peers)
        yield
    world.calm()


@fault("ChorusNetworkOpen")
def an_open_network(world: World) -> Iterator[None]:
    """A peer whose network key is switched off."""
    careless = Peer(world.folder, "careless", **{**IDLE, "CHORUS_NETWORK_KEY": "open"}).start().ready()
    try:
        world.asked.scrape([*world.made.peers, careless])
        yield
    finally:
        careless.stop()
        world.asked.scrape(world.made.peers)


@fault("ChorusForks")
def one_says_two_things(world: World) -> Iterator[None]:
    """Odd signs two entries under one number, until a person decides which one counts."""
    assert world["odd"].run("task", "announce", "--title", TITLE, "--command", "true").returncode == 0
    yield
    for peer in world.peers.values():
        for item in (peer.get("/api/v1/inbox") or {"inbox": []})["inbox"]:
            if item["kind"] == "mismatch":
                peer.run("inbox", "answer", item["item_id"], item["choices"][0])


@fault("ChorusClockOff", "ChorusMessagesSlow")
def a_clock_is_late(world: World) -> Iterator[None]:
    """Odd's clock is half a minute late; what it says seems that old to the others."""
    (world.faults / "clock").write_text("-30")
    with again_and_again(lambda: say(world["odd"]), 1.0):
        yield
    (world.faults / "clock").unlink()
    with again_and_again(lambda: say(world["odd"]), 1.0):
        eventually("it is right again", lambda: not world.fires("ChorusClockOff"), 120)


@fault("ChorusMessagesRefused")
def a_stranger_floods(world: World) -> Iterator[None]:
    """Somebody with the network key sends more than anybody may."""
    floods = [sys.executable, "-m", "tests.hostile.flooding", world["alpha"].address, NETWORK_KEY, str(world.folder)]
    flood = subprocess.Popen(floods)
    try:
        yield
    finally:
        flood.kill()
        flood.wait()


@fault("ChorusDhtDown")
def the_dht_fails(world: World) -> Iterator[None]:
    """The library fails; a restart helps."""
    (world.faults / "dht").touch()
    yield
    (world.faults / "dht").unlink()
    world["odd"].stop()
    world.again("odd")


@fault("ChorusDhtSlow")
def holders_stutter(world: World) -> Iterator[None]:
    """Delta looks for what no disk holds any more and its memory, by a restart, does not either; those that are to answer stand still for
    most of each second."""
    alpha, seeks, records = world["alpha"], world["delta"], []
    for task_id in world.announce(6, "true"):
        eventually(f"{task_id} is done", lambda one=task_id: alpha.task(one).get("state") == "completed", 90)
        records.append(f"ucxl://{alpha.task(task_id)['holder_name']}:member@any:{task_id}/*^/decisions/result")
    for record in records:
        eventually("its record is kept", lambda one=record: alpha.get("/api/v1/ucxl/stored", address=one), 60)
    seeks.stop()
    world.again("delta")
    for peer in (*(world[name] for name in ("alpha", "beta", "gamma", "delta")),):
        for path in peer.data_dir.glob("blobs/*/*"):
            path.unlink()
    for path in world.odd_disk.glob("blobs/*/*"):
        path.unlink()
    others, wanted = [peer for name, peer in world.peers.items() if name != "delta"], itertools.cycle(records)

    def stutter() -> None:
        with stopped(*others):
            time.sleep(0.9)

    with (
        again_and_again(stutter, 0.4),
        again_and_again(lambda: seeks.get("/api/v1/ucxl/stored", address=next(wanted)), 0.1),
    ):
        yield
    world.calm()


@fault("ChorusDhtTableSmall")
def some_of_many_vanish(world: World) -> Iterator[None]:
    """Of another mesh of eleven three are killed."""
    with mesh(world.folder / "many") as many:
        many.folder.mkdir()
        for number in range(MEMBERS):
            many.add(f"m{number}", **IDLE).ready()
        first = many.peers[0]
        eventually("all are members", lambda: first.status().get("members") == MEMBERS, 120)
        world.asked.scrape([*world.made.peers, first])
        eventually("all are in its table", lambda: world.asked.ask(IN_TABLE) == {"": 1.0}, 120)
        for peer in many.peers[-3:]:
            peer.kill()
        yield
        for peer in many.peers[-3:]:
            peer.start()
        eventually("they are back", lambda: not world.fires("ChorusDhtTableSmall"), 120)
        world.asked.scrape(world.made.peers)
