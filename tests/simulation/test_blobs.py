"""Blobs of several peers on a simulated network, in real files."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.journal.blobs.exchange import PROTOCOL
from chorus_tui.engine.journal.blobs.keeping import FRESH_S
from chorus_tui.engine.journal.blobs.rules import CHOSEN, Named
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.interface import BlobMissing, Copies
from chorus_tui.engine.mesh.interface import StreamClosed
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.identity import Identity

ROOM = 1 << 30
DATA = b"first half " * 60_000 + b"second half " * 60_000
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


class Shelf:
    """Peers with blobs, all of them members, all linked."""

    def __init__(self, folder: Path, count: int, quota: int) -> None:
        self.network = SimulatedNetwork(SeededEntropy(1))
        self.network.latency = (0.0, 0.002)
        self.meshes = [self.network.mesh(Identity(bytes([n + 1]) * 32)) for n in range(count)]
        self.ids = [mesh.peer_id for mesh in self.meshes]
        self.folder = folder
        self.peers = [
            FileBlobs(folder / str(n), mesh, SystemClock(), SeededEntropy(n), quota)
            for n, mesh in enumerate(self.meshes)
        ]
        for peer in self.peers:
            peer.keeping.members = lambda: self.ids

    def name(self, *named: Named) -> None:
        """What every peer reads from feeds and control log."""
        for peer in self.peers:
            peer.keeping.names = lambda: named

    def file(self, peer: int, digest: str) -> Path:
        return self.folder / str(peer) / digest[7:9] / digest[7:]

    def part(self, peer: int, digest: str) -> Path:
        return self.folder / str(peer) / "partial" / digest[7:]

    def holders(self, digest: str) -> list[int]:
        return [n for n, peer in enumerate(self.peers) if peer.has(digest)]

    def forget_use(self) -> None:
        """As if nobody had used anything for long."""
        for n, peer in enumerate(self.peers):
            for blob in peer._files.listing():
                peer._files.touch(blob.digest, SystemClock().wall() - FRESH_S - 100 + n)


@asynccontextmanager
async def shelf(folder: Path, count: int, quota: int = ROOM) -> AsyncIterator[Shelf]:
    made = Shelf(folder, count, quota)
    async with trio.open_nursery() as nursery:
        for mesh in made.meshes:
            await nursery.start(mesh.run)
        made.network.connect_all()
        yield made
        nursery.cancel_scope.cancel()


async def test_a_cut_download_goes_on_from_another_holder(tmp_path: Path) -> None:
    """Only the missing bytes are asked for: a holder whose first half is spoilt still completes what another began."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        peers.file(1, DIGEST).write_bytes(b"x" * (len(DATA) // 2) + DATA[len(DATA) // 2 :])
        peers.part(0, DIGEST).write_bytes(DATA[: len(DATA) // 2])

        assert (await peers.peers[0].path(DIGEST)).read_bytes() == DATA


async def test_wrong_bytes_are_not_believed_and_the_next_holder_is_asked(tmp_path: Path) -> None:
    """Whoever gives other bytes than those asked for is passed over; nothing of it is kept."""
    async with shelf(tmp_path, 3) as peers:
        peers.name(Named(DIGEST, len(DATA), frozenset({peers.ids[1]}), record=False, why="asked first"))
        for holder in (1, 2):
            await peers.peers[holder].put_bytes(DATA)
        peers.file(1, DIGEST).write_bytes(b"x" * len(DATA))

        assert (await peers.peers[0].path(DIGEST)).read_bytes() == DATA


async def test_a_wrong_beginning_from_elsewhere_does_not_spoil_a_good_holder(tmp_path: Path) -> None:
    """When the whole is wrong after a resume, the holder is asked for all of it."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        peers.part(0, DIGEST).write_bytes(b"wrong" * 1000)

        assert (await peers.peers[0].path(DIGEST)).read_bytes() == DATA


async def test_what_lies_beyond_the_end_of_a_blob_is_nothing(tmp_path: Path) -> None:
    """Whoever asks for bytes from a place that no file system holds gets the size and then the end, and no failure is counted."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        stream = await peers.meshes[0].open(peers.ids[1], PROTOCOL)
        await stream.send(canonical.encode_frame({"kind": "get", "digest": DIGEST, "offset": 2**53 - 1}))

        assert canonical.decode_frame(await stream.receive() or b"") == {"kind": "blob", "size": len(DATA)}
        assert await stream.receive() is None
        assert peers.meshes[1].counters.refused == {}


async def test_a_liar_alone_brings_nothing(tmp_path: Path) -> None:
    """With no right copy in reach the blob is missing, and no file has its name."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        peers.file(1, DIGEST).write_bytes(b"x" * len(DATA))

        with pytest.raises(BlobMissing, match="No reachable peer"):
            await peers.peers[0].path(DIGEST)
        assert not peers.peers[0].has(DIGEST)


async def test_a_holder_that_goes_in_the_middle_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that breaks loses nothing: the next holder gives the rest."""
    async with shelf(tmp_path, 3) as peers:
        peers.name(Named(DIGEST, len(DATA), frozenset({peers.ids[1]}), record=False, why="asked first"))
        for holder in (1, 2):
            await peers.peers[holder].put_bytes(DATA)
        peers.file(2, DIGEST).write_bytes(b"x" * 262_144 + DATA[262_144:])
        exchange, cut = peers.peers[0].keeping._exchange, []
        whole = exchange.get

        async def breaks(peer, part, sizes):
            if peer != peers.ids[1]:
                return await whole(peer, part, sizes)
            part.write(DATA[:262_144])
            cut.append(peer)
            raise StreamClosed("gone")

        monkeypatch.setattr(exchange, "get", breaks)
        assert (await peers.peers[0].path(DIGEST)).read_bytes() == DATA
        assert cut == [peers.ids[1]]


async def test_two_callers_fetch_once(tmp_path: Path) -> None:
    """Several that want one blob at once all get it, and no lock is left behind."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(peers.peers[0].path, DIGEST)

        assert peers.peers[0].has(DIGEST)
        assert not peers.peers[0].keeping._fetching._running


async def test_copies_are_counted_as_they_are(tmp_path: Path) -> None:
    """Replication says how many others hold all blobs, and stops at two; alone it says that nobody does."""
    async with shelf(tmp_path, 4) as peers:
        more = await peers.peers[0].put_bytes(b"more")
        await peers.peers[0].put_bytes(DATA)
        copies = await peers.peers[0].replicate([DIGEST, more.digest])

        assert copies.held_by >= 2
        assert copies.reachable == 3
        assert len(peers.holders(DIGEST)) >= 3
        peers.network.isolate(peers.ids[0])
        for other in peers.ids[1:]:
            await peers.meshes[0].forget(other)
        assert await peers.peers[0].replicate([DIGEST]) == Copies(0, 0)


async def test_a_full_member_is_not_counted(tmp_path: Path) -> None:
    """Who has no room says so; another one is asked in its place."""
    async with shelf(tmp_path, 5) as peers:
        for full in (1, 2):
            peers.peers[full].keeping.quota = 10
        await peers.peers[0].put_bytes(DATA)
        copies = await peers.peers[0].replicate([DIGEST])

        assert copies.held_by == 2
        assert set(peers.holders(DIGEST)) == {0, 3, 4}


async def test_records_come_to_their_keepers(tmp_path: Path) -> None:
    """A small record's blob is fetched by all, a bigger one's by maker, announcer and three more; others do not fetch."""
    async with shelf(tmp_path, 7) as peers:
        small = await peers.peers[0].put_bytes(b"small")
        await peers.peers[0].put_bytes(DATA)
        makers = frozenset(peers.ids[:2])
        peers.name(
            Named(small.digest, 5, makers, record=True, why="small"),
            Named(DIGEST, len(DATA), makers, record=True, why="big"),
        )
        for peer in peers.peers:
            await peer.keeping.fetch_due()

        assert len(peers.holders(small.digest)) == 7
        assert len(peers.holders(DIGEST)) == 5
        assert {0, 1} <= set(peers.holders(DIGEST))


async def test_two_copies_stay_when_all_let_go_at_once(tmp_path: Path) -> None:
    """However many peers make room at the same moment, two keep what all held; and again, until nothing more goes."""
    async with shelf(tmp_path, 6, quota=0) as peers:
        for peer in peers.peers:
            await peer.put_bytes(DATA)
        for _ in range(4):
            peers.forget_use()
            async with trio.open_nursery() as nursery:
                for peer in peers.peers:
                    nursery.start_soon(peer.keeping.make_room, 0)

            assert len(peers.holders(DIGEST)) >= 2


async def test_one_after_the_other_all_but_two_let_go(tmp_path: Path) -> None:
    """What two others hold goes when there is no room; the last two keep it although they have no room."""
    async with shelf(tmp_path, 5, quota=0) as peers:
        for peer in peers.peers:
            await peer.put_bytes(DATA)
        peers.forget_use()
        for peer in peers.peers:
            await peer.keeping.make_room(0)

        assert len(peers.holders(DIGEST)) == 2


async def test_a_spoilt_copy_is_no_confirmation(tmp_path: Path) -> None:
    """A copy with wrong bytes does not count as one of the two others."""
    async with shelf(tmp_path, 3, quota=0) as peers:
        for peer in peers.peers:
            await peer.put_bytes(DATA)
        peers.file(1, DIGEST).write_bytes(b"x" * len(DATA))
        peers.forget_use()

        assert not await peers.peers[0].keeping.make_room(0)
        assert peers.peers[0].has(DIGEST)


async def test_pinned_and_fresh_blobs_never_go(tmp_path: Path) -> None:
    """Without room a peer lets go the rest first, and of what is pinned by hand, by rule or in use nothing at all."""
    async with shelf(tmp_path, 3, quota=0) as peers:
        names = [b"by hand", b"by rule", b"in use", b"idle"]
        digests = ["sha256:" + hashlib.sha256(name).hexdigest() for name in names]
        for peer in peers.peers:
            for name in names:
                await peer.put_bytes(name)
        peers.forget_use()
        mine = peers.peers[0]
        await mine.keeping.pin(digests[0], wanted=True)
        peers.name(Named(digests[1], 7, frozenset({peers.ids[0]}), record=False, why="an open task"))
        await mine.path(digests[2])

        assert not await mine.keeping.make_room(0)
        assert [mine.has(digest) for digest in digests] == [True, True, True, False]
        stats = await mine.stats()
        assert (stats.blobs, stats.pinned, stats.pinned_bytes, stats.missing) == (3, 2, 14, 0)


async def test_the_least_recently_used_goes_first_and_no_more_than_needed(tmp_path: Path) -> None:
    """Room is made from the oldest use on, and stops when there is enough."""
    async with shelf(tmp_path, 3) as peers:
        digests = []
        for peer in peers.peers:
            digests = [(await peer.put_bytes(bytes([n]) * 100)).digest for n in range(4)]
        mine = peers.peers[0]
        for age, digest in enumerate(digests):
            mine._files.touch(digest, 1000.0 - age)
        mine.keeping.quota = 350

        assert await mine.keeping.make_room(100)
        assert [mine.has(digest) for digest in digests] == [True, True, False, False]


async def test_a_blob_of_another_size_than_is_said_of_it_is_not_kept_for_that(tmp_path: Path) -> None:
    """Whoever names a big one as a small one makes nobody fetch it, nor keep it; who names it as it is has it kept."""
    async with shelf(tmp_path, 5) as peers:
        makers = frozenset({peers.ids[1]})
        await peers.peers[1].put_bytes(DATA)
        lie = Named(DIGEST, 1, makers, record=True, why="a lie")
        peers.name(lie)
        for peer in peers.peers:
            await peer.keeping.fetch_due()

        assert peers.holders(DIGEST) == [1]
        assert await peers.peers[1].keeping.pins() == {}
        assert not await peers.peers[1].keeping._exchange.keep(peers.ids[2], DIGEST, 1)
        with pytest.raises(BlobMissing):
            await peers.peers[2].path(DIGEST, 1)
        peers.name(lie, Named(DIGEST, len(DATA), frozenset({peers.ids[0]}), record=False, why="as it is"), lie)
        for peer in peers.peers:
            peer.keeping._retries.clear()
            await peer.keeping.fetch_due()
        assert {0, 1} <= set(peers.holders(DIGEST))
        assert await peers.peers[0].keeping.pins() == {DIGEST: ["as it is"]}


async def test_a_blob_whose_size_nobody_tells_is_kept_as_a_big_one(tmp_path: Path) -> None:
    """By who made it and three others, whatever it turns out to be."""
    async with shelf(tmp_path, 6) as peers:
        await peers.peers[0].put_bytes(DATA)
        peers.name(Named(DIGEST, None, frozenset({peers.ids[0]}), record=True, why="a transcript"))
        for peer in peers.peers:
            await peer.keeping.fetch_due()

        assert len(peers.holders(DIGEST)) == 1 + CHOSEN
