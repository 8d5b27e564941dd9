"""Role keys reach who may hold them, through loss, cuts and crashes, and nobody else."""

from __future__ import annotations

import pytest
import trio
from pyrage import x25519

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import NotAdmin, Refused
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.vault.key_file import RoleKey
from chorus_tui.engine.vault.sealing import encrypt
from tests.simulation.engines import Peer, until, world
from tests.simulation.keyholders import ALL, Holders, holders
from tests.simulation.test_meeting import one_mesh

OF_COORDINATION = ("coordination", "suggestion", "read_only")


@pytest.mark.parametrize("seed", range(3))
async def test_every_member_gets_the_keys_of_its_authority_and_no_others(seed, autojump_clock):
    """The founder holds all five; who coordinates holds three of them; what is sealed to one opens for its holders only."""
    async with holders(seed, "ada", "bob", "cyd") as at:
        await at.holds("ada", *ALL)
        for name in ("bob", "cyd"):
            await at.holds(name, *OF_COORDINATION)
        await trio.sleep(60)

        assert set(at.held("bob")) == set(OF_COORDINATION)
        mine = at.services["bob"].parts.file.own.recipient
        sealed_to_bob = {
            keyring for recipient, _, keyring, _ in at.services["cyd"].told.brought_by if recipient == mine
        }
        assert sealed_to_bob == set(OF_COORDINATION), "nothing else was ever sealed to it"
        for keyring in ALL:
            sealed = at.vaults["ada"].seal_file(b"words", [keyring])
            assert at.opens("ada", sealed) == b"words"
            assert at.opens("bob", sealed) == (b"words" if keyring in OF_COORDINATION else None)


@pytest.mark.parametrize("seed", range(4))
async def test_keys_reach_a_newly_granted_member_through_loss_and_a_cut(seed, autojump_clock):
    """Half of the gossip is lost, and the member is cut off when it is granted a role and an authority; it has the keys once it is
    back, and opens what was sealed before it had them."""
    async with holders(seed, "ada", "bob", "cyd") as at:
        await at.holds("bob", *OF_COORDINATION)
        sealed = at.vaults["ada"].seal_file(b"older words", ["decision"])
        at.at.network.loss = 0.5
        at.cut("bob")
        await at.grant("ada", "bob", authority="decision", role="Back-end")
        await trio.sleep(40)
        assert at.opens("bob", sealed) is None
        at.at.network.heal()
        await at.holds("bob", "decision", "role:back-end", seconds=300)

        assert at.opens("bob", sealed) == b"older words"
        assert at.opens("cyd", sealed) is None


async def test_a_master_brings_what_another_cannot(autojump_clock):
    """The founder is gone for good; a second master, which holds everything, keeps the newcomers' keys coming."""
    async with holders(3, "ada", "bob", "cyd", "dan") as at:
        await at.grant("ada", "bob", authority="master")
        await at.holds("bob", *ALL)
        await at.grant("ada", "cyd", authority="decision")
        at.kill("ada")
        await until("a new admin", lambda: any(peer.control.is_admin for peer in at.at.peers.values()))

        await at.holds("cyd", "decision", seconds=300)


@pytest.mark.parametrize("change", ["retired", "demoted"])
async def test_who_loses_an_authority_cannot_open_what_comes_then(change, autojump_clock):
    """The keyrings it held get a new key by themselves; it keeps the old one, and opens what is old with it."""
    async with holders(5, "ada", "bob", "cyd", "dan") as at:
        for name in ("bob", "cyd"):
            await at.grant("ada", name, authority="decision")
            await at.holds(name, "decision")
        old = at.vaults["ada"].seal_file(b"old", ["decision"])
        if change == "demoted":
            await at.grant("ada", "bob", authority="read_only")
        else:
            data = {"peer_id": at.at.peers["bob"].peer_id}
            await until("no voter", lambda: "bob" in at.at.peers)
            await _retire(at, data)
        await at.holds("ada", "decision", version=2)
        await at.holds("cyd", "decision", version=2)
        await trio.sleep(90)
        new = at.vaults["ada"].seal_file(b"new", ["decision"])

        assert at.opens("cyd", new) == b"new"
        assert at.opens("bob", new) is None
        assert at.opens("bob", old) == b"old"


async def _retire(at: Holders, data: dict[str, str]) -> None:
    """A voter leaves the voters first: it goes, and another takes its place."""
    at.kill("bob")
    ada = at.at.peers["ada"].control
    await until("another voter", lambda: data["peer_id"] not in ada.voters, 300)
    await ada.request(entries.MEMBER_RETIRED, data)
    await at.start("bob")  # its keys are still on its disk
    at.at.network.isolate(at.at.peers["bob"].peer_id)


@pytest.mark.parametrize("seed", range(4))
async def test_two_masters_that_make_a_key_at_once_end_with_one(seed, autojump_clock):
    """One version, by one of them; the other's is nowhere any more. Who was cut off meanwhile sealed with the version before, and
    everybody opens both."""
    async with holders(seed, "ada", "bob", "cyd") as at:
        await at.grant("ada", "bob", authority="master")
        for name in ("ada", "bob"):
            await at.holds(name, *ALL)
        mesh_id = at.at.peers["ada"].control.mesh_id
        at.cut("bob")
        await trio.sleep(60)
        with pytest.raises(NotAdmin):
            await at.services["bob"].set_next(mesh_id, "decision")
        behind = at.vaults["bob"].seal_file(b"behind the cut", ["decision"])
        before = set(at.services["bob"].parts.file.keys)
        at.at.network.heal()
        await until("one mesh", lambda: one_mesh(list(at.at.peers.values())), 300)
        made: list[str] = []

        async def make(name: str) -> None:
            try:
                await at.services[name].set_next(mesh_id, "decision")
                made.append(name)
            except Refused:
                return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(make, "ada")
            nursery.start_soon(make, "bob")
        for name in ("ada", "bob"):
            await at.holds(name, "decision", version=2, seconds=300)
        await trio.sleep(5)
        ahead = at.vaults["bob"].seal_file(b"ahead", ["decision"])

        assert len(made) == 1
        versions = {at.services[name].keyrings.of(mesh_id).versions("decision") for name in ("ada", "bob", "cyd")}
        assert [len(one) for one in versions] == [2]
        assert (before <= set(at.services["bob"].parts.file.keys)) == (made == ["bob"])
        for name in ("ada", "bob"):
            assert (at.opens(name, behind), at.opens(name, ahead)) == (b"behind the cut", b"ahead")


async def test_a_crash_between_storing_and_asking_loses_nothing(autojump_clock):
    """A key is on the disk before the log names it: after a crash in between the very same key is taken, and none twice."""
    async with holders(8, "ada", "bob", "cyd") as at:
        await at.holds("ada", *ALL)
        at.at.network.isolate(at.at.peers["ada"].peer_id)
        await trio.sleep(60)
        mesh_id = at.at.peers["ada"].control.mesh_id
        with pytest.raises(NotAdmin):
            await at.services["ada"].set_next(mesh_id, "master")
        (made,) = [recipient for recipient, key in at.services["ada"].parts.file.keys.items() if key.version == 2]
        images = at.kill("ada")
        at.at.network.heal()
        await at.start("ada", images=images)
        await until("an admin", lambda: one_mesh(list(at.at.peers.values())), 300)
        await at.services["ada"].set_next(mesh_id, "master")

        assert at.services["ada"].keyrings.of(mesh_id).versions("master")[1:] == (made,)
        assert at.held("ada")["master"] == [1, 2]


async def test_a_mesh_founded_anew_goes_on_with_the_keys_its_founder_holds(autojump_clock):
    """Content sealed before opens for those who join the new mesh, as its keyrings begin with the old ones."""
    async with holders(9, "ada", "bob", "cyd") as at:
        await at.holds("bob", *OF_COORDINATION)
        sealed = at.vaults["bob"].seal_file(b"before", ["coordination"])
        for name in ("bob", "cyd"):
            at.kill(name)
        ada = at.at.peers["ada"].control
        await until("no majority", lambda: not ada.admin_reachable(), 300)
        await ada.merging.refound()
        await at.start("dan")
        await at.holds("dan", *OF_COORDINATION, seconds=300)

        assert at.opens("dan", sealed) == b"before"


async def test_a_key_is_not_brought_for_ever_to_who_is_away(autojump_clock):
    """It waits in the feed of who brought it; an hour later there are no more entries than before, and it arrives all the same."""
    async with holders(11, "ada", "bob", "cyd", "dan") as at:
        await at.holds("dan", *OF_COORDINATION)
        images = at.kill("dan")
        data = {"peer_id": _who_is_away(at), "authority": "decision"}
        await at.at.peers["ada"].control.request(entries.MEMBER_CHANGED, data)
        await trio.sleep(120)
        before = at.at.peers["ada"].journal.count()
        await trio.sleep(3600)

        assert at.at.peers["ada"].journal.count() == before
        await at.start("dan", images=images)
        await at.holds("dan", "decision", seconds=300)


def _who_is_away(at: Holders) -> str:
    """The one member that does not run."""
    running = {peer.peer_id for peer in at.at.peers.values()}
    (away,) = set(at.at.peers["ada"].control.members) - running
    return away


async def test_a_member_that_is_brought_rubbish_is_brought_the_key(autojump_clock):
    """Who may not hold a keyring cannot keep others from bringing it by saying that it was brought; a secret that is not the
    log's is not kept."""
    async with holders(12, "ada", "bob", "cyd") as at:
        await at.holds("ada", *ALL)
        ada, cyd = at.at.peers["ada"], at.at.peers["cyd"]
        mesh_id = ada.control.mesh_id or ""
        bob = at.services["bob"].parts
        bound = {"author": cyd.peer_id, "mesh_id": mesh_id, "keyring": "decision", "version": 1}
        sealed = encrypt(
            canonical.encode({**bound, "secret": str(x25519.Identity.generate())}), [bob.file.own.recipient]
        )
        for _ in range(8):
            data = {
                "mesh_id": mesh_id, "keyring": "decision", "version": 1, "to": bob.me, "recipient": bob.file.own.recipient,
                "sealed": sealed,
            }  # fmt: skip
            await cyd.journal.say("role_key_shared", data)
        await trio.sleep(5)
        kept: list[RoleKey] = []
        add = bob.file.add
        bob.file.add = lambda key: kept.append(key) or add(key)  # type: ignore[method-assign]
        await at.grant("ada", "bob", authority="decision")
        await at.holds("bob", "decision", seconds=20)

        assert kept == [key for key in at.services["ada"].parts.file.keys.values() if key.keyring == "decision"]


async def test_meshes_that_merge_keep_their_old_keys_and_share_the_new_ones(autojump_clock):
    """Who came in is brought the keys of the mesh it is in now, all versions; what was sealed in the mesh that went opens for those
    who were in it."""
    async with world(13) as at:
        made = Holders(at)
        at.network.discovery = False
        small, large = [await _side(made, names) for names in (("ada", "bob"), ("cyd", "dan", "eve"))]
        old = {name: made.vaults[name].seal_file(b"old", ["coordination"]) for name in ("bob", "dan")}
        at.network.discovery = True
        at.network.connect_all()
        await until("seen", lambda: all(peer.control.others for peer in [*small, *large]))
        small_id, large_id = small[0].control.mesh_id, large[0].control.mesh_id
        await large[0].control.merging.merge(small_id)
        await until("shown", lambda: small_id in small[0].control.discovery.seen[large_id].offers)
        await small[0].control.merging.merge(large_id)
        await until("one mesh", lambda: one_mesh([*small, *large]), 300)
        await made.holds("bob", *OF_COORDINATION, seconds=300)
        await trio.sleep(60)
        new = made.vaults["bob"].seal_file(b"new", ["coordination"])

        assert [made.opens(name, new) for name in ("ada", "bob", "cyd", "dan", "eve")] == [b"new"] * 5
        assert [made.opens(name, old["bob"]) for name in ("ada", "bob", "dan")] == [b"old", b"old", None]
        assert [made.opens(name, old["dan"]) for name in ("cyd", "eve", "bob")] == [b"old"] * 3


async def _side(made: Holders, names: tuple[str, ...]) -> list[Peer]:
    """A mesh that the first one founds; its members hold its keys."""
    peers = [await made.start(names[0])]
    await until("founded", lambda: peers[0].control.is_admin)
    for name in names[1:]:
        peers.append(await made.start(name))
        for other in peers[:-1]:
            await peers[-1].mesh.connect(other.mesh.addresses()[0])  # type: ignore[attr-defined]
    await until("a mesh", lambda: one_mesh(peers))
    for name in names:
        await made.holds(name, *OF_COORDINATION)
    return peers


async def test_a_role_that_nobody_has_any_more_gets_a_new_key_too(autojump_clock):
    """Its last member opens what was sealed to it before, and nothing that is sealed to it then."""
    async with holders(14, "ada", "bob") as at:
        await at.grant("ada", "bob", role="review")
        await at.holds("bob", "role:review")
        old = at.vaults["ada"].seal_file(b"old", ["role:review"])
        await at.grant("ada", "bob", role="")
        await at.holds("ada", "role:review", version=2)
        new = at.vaults["ada"].seal_file(b"new", ["role:review"])

        assert [at.opens("bob", one) for one in (old, new)] == [b"old", None]


async def test_who_comes_and_goes_is_brought_what_is_new(autojump_clock):
    """A member whose identity is lost with its container gets the newest versions only; others get all."""
    async with holders(15, "ada", "bob") as at:
        await at.holds("ada", *ALL)
        mesh_id = at.at.peers["ada"].control.mesh_id or ""
        for _ in range(7):
            await at.services["ada"].set_next(mesh_id, "coordination")
        await at.start("box", ephemeral=True)
        await at.start("cyd")
        for name in ("box", "cyd"):
            await at.holds(name, "coordination", version=8)
        await trio.sleep(60)

        assert at.held("box")["coordination"] == [5, 6, 7, 8]
        assert at.held("cyd")["coordination"] == list(range(1, 9))


@pytest.mark.parametrize("keyring", ["master", "read_only"])
async def test_nobody_is_brought_an_old_mesh_s_keys_for_founding_a_new_one(keyring, autojump_clock, monkeypatch):
    """A member founds the mesh anew and names the old master key as a key of its own mesh, as the masters' or as everybody's: who
    holds that key follows, and does not bring it. What the founder might hold in the old mesh it still has."""
    async with holders(13, "ada", "bob", "cyd") as at:
        await at.holds("bob", *OF_COORDINATION)
        sealed = at.vaults["ada"].seal_file(b"for masters", ["master"])
        at.kill("cyd")
        at.cut("bob")
        bob, ada = at.at.peers["bob"].control, at.at.peers["ada"].control
        await until("no majority", lambda: not bob.admin_reachable() and not ada.admin_reachable(), 300)
        service = at.services["bob"]
        theirs = service.keyrings.of(bob.mesh_id).present("master")
        inherited = service._inherited

        def names_it(mesh_id: str, name: str) -> str | None:
            first = name == keyring and not service.keyrings.of(mesh_id).versions(name)
            return theirs if first else inherited(mesh_id, name)

        monkeypatch.setattr(service, "_inherited", names_it)
        new_id = await bob.merging.refound()
        await until("named", lambda: theirs in service.keyrings.of(new_id).versions(keyring), 300)
        at.at.network.heal()
        at.at.network.connect_all()
        await until("ada follows", lambda: ada.mesh_id == new_id, 600)
        await at.holds("ada", "coordination", seconds=300)
        await trio.sleep(300)

        assert at.opens("ada", sealed) == b"for masters"
        assert at.opens("bob", sealed) is None
