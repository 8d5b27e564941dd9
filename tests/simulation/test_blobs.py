"""Blobs between several peers: brought, fetched again, and let go only while others keep them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal import blob_rules
from chorus_tui.engine.journal import blobs as exchange
from chorus_tui.engine.journal.blob_keeping import Keeping
from chorus_tui.engine.journal.blob_rules import Claim
from chorus_tui.engine.journal.blobs import FileBlobs
from chorus_tui.engine.journal.interface import BlobInfo, BlobMissing
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.identity import Identity


class Shelves:
    """Peers with blobs; time is real, for files are written in threads."""

    def __init__(self, folder: Path, nursery: trio.Nursery, seed: int) -> None:
        self.network = SimulatedNetwork(SeededEntropy(f"blobs {seed}"))
        self.clock = SystemClock()
        self.blobs: dict[str, FileBlobs] = {}
        self.keeping: dict[str, Keeping] = {}
        self.claims: list[Claim] = []
        self._folder, self._nursery, self._ids = folder, nursery, {}

    async def add(self, name: str, quota: int = 0) -> str:
        """Another peer; its peer id."""
        identity = Identity(SeededEntropy(name).bytes(32))
        mesh = self.network.mesh(identity)
        await self._nursery.start(mesh.run)
        self.blobs[name] = FileBlobs(self._folder / name, mesh)
        self.blobs[name].is_member = lambda _peer: True
        self._ids[name] = identity.peer_id
        self.keeping[name] = Keeping(
            identity.peer_id, self.blobs[name], self.clock, quota, lambda: sorted(self._ids.values())
        )
        self.keeping[name].claimed_by(lambda: self.claims)
        return identity.peer_id

    async def met(self) -> None:
        """Everybody is connected with everybody."""
        with trio.fail_after(20):
            while any(len(blobs._mesh.links()) < len(self.blobs) - 1 for blobs in self.blobs.values()):
                await trio.sleep(0.02)

    def holders(self, info: BlobInfo) -> list[str]:
        """Who has it on disk."""
        return [name for name, blobs in self.blobs.items() if blobs.has(info.digest)]

    def peer_id(self, name: str) -> str:
        return self._ids[name]


@asynccontextmanager
async def shelves(folder: Path, *names: str, quota: int = 0) -> AsyncIterator[Shelves]:
    """Peers that know each other."""
    async with trio.open_nursery() as nursery:
        made = Shelves(folder, nursery, 1)
        for name in names:
            await made.add(name, quota)
        await made.met()
        yield made
        nursery.cancel_scope.cancel()


async def test_a_blob_is_brought_to_two_others_and_the_count_is_true(tmp_path):
    """What is answered is how many really hold it; alone it is none, at once."""
    async with shelves(tmp_path, "a", "b", "c", "d") as made:
        info = await made.blobs["a"].put_bytes(b"x" * 300_000)
        copies = await made.blobs["a"].replicate([info.digest])

        assert 2 <= copies <= len(made.holders(info)) - 1
        assert sorted(made.peer_id(name) for name in made.holders(info) if name != "a") == await made.blobs[
            "a"
        ].holders(info.digest)
    async with shelves(tmp_path / "alone", "a") as made:
        assert await made.blobs["a"].replicate([(await made.blobs["a"].put_bytes(b"x")).digest]) == 0


async def test_whoever_has_to_keep_a_blob_gets_it_also_from_a_second_hand(tmp_path):
    """The announcer and the three that everybody works out fetch it; others do not."""
    async with shelves(tmp_path, "a", "b", "c", "d", "e", "f") as made:
        info = await made.blobs["a"].put_bytes(b"kept")
        made.claims = [Claim(info.digest, frozenset({made.peer_id("b")}), "result")]
        for keeping in made.keeping.values():
            await keeping.round()
        should = blob_rules.keepers(info.digest, [made.peer_id(name) for name in made.blobs])

        assert {made.peer_id(name) for name in made.holders(info)} == {made.peer_id("a"), made.peer_id("b"), *should}
        assert [keeping.stock.missing for keeping in made.keeping.values()] == [[]] * 6


async def test_room_is_made_by_all_at_once_and_two_copies_stay(tmp_path):
    """Everybody is over its quota and holds the same unkept blobs: whatever goes, two others hold it; what is kept stays."""
    async with shelves(tmp_path, "a", "b", "c", "d", "e", quota=150_000) as made:
        infos = [await made.blobs["a"].put_bytes(bytes([n]) * 100_000) for n in range(3)]
        for blobs in made.blobs.values():
            for info in infos:
                await blobs.path(info.digest)
        made.claims = [
            Claim(infos[0].digest, frozenset({made.peer_id("a")}), "x", spread=False),
            *(Claim(info.digest, frozenset(), "x", spread=False) for info in infos[1:]),
        ]
        for _ in range(3):
            async with trio.open_nursery() as rounds:
                for keeping in made.keeping.values():
                    rounds.start_soon(keeping.round)
            assert all(len(made.holders(info)) >= 2 for info in infos)
        for keeping in made.keeping.values():  # one by one, when nobody relies on anybody any more
            for other in made.keeping.values():
                other._promises._until.clear()
            await keeping.round()

        assert all(len(made.holders(info)) >= 2 for info in infos)
        assert "a" in made.holders(infos[0])
        assert sum(len(made.holders(info)) for info in infos) < 15


async def test_what_nothing_names_goes_unasked_when_it_is_old(tmp_path):
    """Scrap does not fill the disk: neither what is fresh and about to be named, nor what is kept by hand goes."""
    async with shelves(tmp_path, "a", "b", quota=1) as made:
        infos = [await made.blobs["a"].put_bytes(bytes([n]) * 1000) for n in range(3)]
        for info in infos[:2]:
            os.utime(made.blobs["a"].store.file(info.digest), (1e9, 1e9))
        made.keeping["a"].pin(infos[1].digest, keep=True)
        await made.keeping["a"].round()

        assert [bool(made.holders(info)) for info in infos] == [False, True, True]
        again = Keeping(made.peer_id("a"), made.blobs["a"], made.clock, 1, list)
        assert (await again.look()).kept == {infos[1].digest: "kept by hand"}


async def test_over_the_quota_others_find_no_room_unless_it_has_to_be_kept(tmp_path):
    """A member cannot fill another's disk; what that one keeps for all it takes in all the same."""
    async with shelves(tmp_path, "a", "b", quota=500) as made:
        await made.blobs["b"].put_bytes(b"f" * 1000)
        await made.keeping["b"].look()
        first, second = [await made.blobs["a"].put_bytes(bytes([n]) * 400) for n in (1, 2)]
        made.claims = [Claim(second.digest, frozenset({made.peer_id("b")}), "x")]

        assert await made.blobs["a"].replicate([first.digest]) == 0
        assert await made.blobs["a"].replicate([second.digest]) == 1


async def test_a_liar_is_found_out_and_the_next_one_is_asked(tmp_path, monkeypatch):
    """Bytes with another hash never get the name, and do not spoil the download from an honest peer."""
    async with shelves(tmp_path, "a", "b", "c") as made:
        true = await made.blobs["a"].put_bytes(b"t" * 1000)
        order = made.blobs["c"]._members(true.digest)
        liar = next(name for name in ("a", "b") if made.peer_id(name) == order[0])
        honest = next(name for name in ("a", "b") if name != liar)
        await made.blobs[honest].path(true.digest)
        file = made.blobs[liar].store.file(true.digest)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"l" * 1000)

        assert (await made.blobs["c"].path(true.digest)).read_bytes() == b"t" * 1000


async def test_a_cut_download_goes_on_where_it_stopped(tmp_path):
    """Half of it is there from an earlier life: only the rest is asked for, and the whole has the right hash."""
    async with shelves(tmp_path, "a", "b") as made:
        info = await made.blobs["a"].put_bytes(os.urandom(600_000))
        whole = made.blobs["a"].store.file(info.digest).read_bytes()
        made.blobs["b"].store.download(info.digest).write_bytes(whole[:400_000])
        asked = []
        give = made.blobs["a"]._give

        async def listen(stream, digest, offset):
            asked.append(offset)
            await give(stream, digest, offset)

        made.blobs["a"]._give = listen

        assert (await made.blobs["b"].path(info.digest)).read_bytes() == whole
        assert asked == [400_000]


@pytest.mark.parametrize(
    "frame", [{"kind": "has", "digests": "x"}, {"kind": "has", "digests": ["x"] * 65}, {"kind": "get"}, {}]
)
async def test_a_question_that_makes_no_sense_costs_its_asker_the_stream(tmp_path, frame):
    """And nothing else: the next one is answered."""
    async with shelves(tmp_path, "a", "b") as made:
        info = await made.blobs["b"].put_bytes(b"x")
        mesh = made.blobs["a"]._mesh
        stream = await mesh.open(made.peer_id("b"), exchange.PROTOCOL)
        await stream.send(canonical.encode_frame(frame))
        with trio.fail_after(5):
            assert not await _rest(stream)

        assert await made.blobs["a"].holders(info.digest) == [made.peer_id("b")]


async def _rest(stream):
    from chorus_tui.engine.mesh.interface import MeshError

    try:
        return await stream.receive(100)
    except MeshError:
        return None


async def test_what_nobody_holds_is_said_to_be_missing(tmp_path):
    """With the number of those asked."""
    async with shelves(tmp_path, "a", "b") as made:
        with pytest.raises(BlobMissing, match="asked 1"):
            await made.blobs["a"].path("sha256:" + "0" * 64)
