"""Contents on a simulated mesh: the same versions under the same numbers for all, whoever was cut off, died or was erased."""

from __future__ import annotations

import hashlib
from unittest.mock import patch

import pytest
import trio

from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import Temporal, parse
from chorus_tui.engine.journal import forks
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.protocol import envelope, topics
from chorus_tui.engine.ucxl.interface import Conflict, Forbidden, Gone, Unavailable
from tests.simulation.engines import until
from tests.simulation.library import PLACE, library
from tests.unit.journal.test_erasure import erasing

HERE = parse(PLACE)


def numbered(n: int) -> str:
    return str(HERE.of(Temporal("version", n)))


async def test_what_one_writes_the_others_read(autojump_clock, tmp_path):
    """A second version follows the first, on every peer; a removal is a version too, and what was before is still there."""
    async with library(1, tmp_path, "a", "b", "c") as made:
        first = await made.write("a", "one", description="first words", tags=["plan"])
        await made.all_know(1)
        await made.write("b", "two")
        versions = await made.all_know(2)

        assert (first.version.n, first.held_by, first.reachable) == (1, 2, 2)
        assert [await made.read(name) for name in "abc"] == ["two"] * 3
        assert await made.read("c", numbered(1)) == "one"
        assert versions[1].parents == (first.version.entry,)
        assert [version.siblings for version in versions] == [(), ()]

        await made.remove("c")
        await made.all_know(3)
        with pytest.raises(Gone):
            await made.read("a")
        assert await made.read("a", str(HERE.of(Temporal("back", 1)))) == "two"
        with pytest.raises(Problem, match="removed already"):
            await made.remove("b")
        assert (await made.ask("a", "tree", models.ReadTree())).children == []
        await made.write("a", "three", fresh=True)
        await made.all_know(4)
        assert await made.read("b") == "three"


@pytest.mark.parametrize("seed", [2, 3, 4])
async def test_both_sides_of_a_cut_write_and_both_versions_are_kept(autojump_clock, tmp_path, seed):
    """After healing: the same numbers and siblings everywhere, none lost, and the next version follows both."""
    async with library(seed, tmp_path, "a", "b", "c", "d") as made:
        await made.write("a", "before")
        await made.all_know(1)
        near, far = [made.at.peers[name].peer_id for name in "ab"], [made.at.peers[name].peer_id for name in "cd"]
        for one in near:
            for other in far:
                made.at.network.cut(one, other)
        here = await made.write("b", "on this side")
        there = await made.write("c", "on that side")
        await until("d follows c", lambda: made.versions("d")[-1].entry == there.version.entry)
        await made.write("d", "on that side, again")
        await until("a follows b", lambda: made.versions("a")[-1].entry == here.version.entry)
        made.at.network.heal()
        made.at.network.connect_all()
        versions = await made.all_know(4)
        apart = {version.entry: set(version.siblings) for version in versions}

        contents = {await made.read("a", numbered(version.n)) for version in versions}
        assert contents == {"before", "on this side", "on that side", "on that side, again"}
        assert len(apart[here.version.entry]) == 2
        assert apart[there.version.entry] == {here.version.entry}
        assert not apart[versions[0].entry]
        last = await made.write("a", "of both")
        assert len((await made.all_know(5))[-1].parents) == 2
        assert last.version.n == 5
        assert not last.version.siblings


async def test_a_number_is_settled_once_nobody_can_come_before_it(autojump_clock, tmp_path):
    """Each member has said something later, or has held the version before it says anything more. A member that is cut off could
    still bring an earlier one: it holds the number open until it is back."""
    async with library(5, tmp_path, "a", "b", "c") as made:
        await made.write("a", "one")
        await made.all_know(1)
        await until(
            "settled, though nobody says anything", lambda: all(made.versions(name)[0].settled for name in "abc")
        )
        silent = made.at.peers["c"].peer_id
        for name in "ab":
            made.at.network.cut(made.at.peers[name].peer_id, silent)
        await made.write("a", "two")
        for name in "ab":
            await made.at.peers[name].journal.say("goodbye", {"reason": "later"})
        await trio.sleep(60)
        assert [version.settled for version in made.versions("b")] == [True, False]
        await made.write("c", "on that side")
        made.at.network.heal()
        made.at.network.connect_all()
        await made.all_know(3)
        await until("settled", lambda: all(one.settled for name in "abc" for one in made.versions(name)))
        with patch.object(made.at.peers["b"].journal, "heard_of", {silent: None}.get):
            assert not made.versions("b")[0].settled


async def test_an_edit_of_what_was_written_meanwhile_is_refused_or_kept_as_a_sibling(autojump_clock, tmp_path):
    """Nothing is written over that its author had not seen; both are kept when that is wanted."""
    async with library(6, tmp_path, "a", "b") as made:
        base = await made.write("a", "base")
        await made.all_know(1)
        await made.write("b", "newer")
        await made.all_know(2)
        with pytest.raises(Problem, match="written meanwhile") as caught:
            await made.write("a", "mine", parents=[base.version.entry])
        mine = await made.write("a", "mine", parents=[base.version.entry], sibling=True)

        assert (caught.value.status, caught.value.code) == (409, Conflict.code)
        assert mine.version.siblings == [2]
        with pytest.raises(Problem, match="has content already"):
            await made.write("a", "new", fresh=True)
        await made.all_know(3)


async def test_an_erased_version_is_gone_everywhere_and_the_others_are_numbered_alike(autojump_clock, tmp_path):
    """Its entry's body is erased: no peer counts it, and what followed it counts on. It can never hold a number open."""
    async with library(7, tmp_path, "a", "b", "c") as made:
        await made.write("a", "one")
        await made.all_know(1)
        wrong = await made.write("a", "two, by mistake")
        await made.all_know(2)
        await made.write("b", "three")
        await made.all_know(3)
        peer = made.at.peers["a"]
        (entry,) = peer.journal.find(wrong.version.entry)
        await peer.control.request("body_erased", erasing(entry).data)
        versions = await made.all_know(2)

        assert [await made.read("c", numbered(version.n)) for version in versions] == ["one", "three"]
        await until("settled", lambda: all(one.settled for name in "abc" for one in made.versions(name)))


async def test_a_peer_that_starts_again_knows_what_it_knew(autojump_clock, tmp_path):
    """From its own disk, with the same numbers."""
    async with library(8, tmp_path, "a", "b", "c") as made:
        await made.write("a", "one")
        await made.write("a", "two")
        before = await made.all_know(2)
        images = made.at.kill("c")
        await trio.sleep(5)
        await made.start("c", images=images)
        assert [version.entry for version in made.versions("c")] == [version.entry for version in before]
        assert await made.read("c", numbered(1)) == "one"


async def test_what_is_sealed_opens_for_its_readers_only(autojump_clock, tmp_path):
    """Everybody has the bytes and the numbers; who holds no key is told to whom it is sealed. A search says what it left out."""
    async with library(9, tmp_path, "a") as made:
        await made.start("b", holds=("role:reviewer",))
        await until("two", lambda: len(made.at.peers["a"].control.members) == 2)
        await made.write("a", "for developers", mine=True)
        await made.all_know(1)
        with pytest.raises(Forbidden, match="role:developer, master"):
            await made.read("b")
        _, stored = await made.services["b"].stored(HERE)
        found = await made.ask("b", "search", models.SearchContent(text="developers"))

        assert await made.read("a") == "for developers"
        assert stored.startswith(b"sealed role:developer,master\n")
        assert (found.hits, found.cut) == ([], "1 sealed to others")
        made.services["a"].parts.vault.readers_of = lambda _author: ()  # type: ignore[method-assign]
        with pytest.raises(Problem, match="nobody could read it"):
            await made.write("a", "mine alone", mine=True)
        with pytest.raises(Problem, match="cannot be sealed"):
            await made.write("a", "for nobody", readers=["role:nobody"])


async def test_secrets_are_taken_out_before_anything_is_stored(autojump_clock, tmp_path):
    """The answer says so; the bytes of no file have them."""
    async with library(10, tmp_path, "a", "b") as made:
        done = await made.write("a", "the password is hunter2")

        assert done.redacted
        assert await made.read("a") == "the password is [REDACTED]"
        assert not any(b"hunter2" in file.read_bytes() for file in tmp_path.iterdir())


async def test_bytes_that_nobody_in_reach_has_are_unavailable_and_elsewhere_is_asked_first(autojump_clock, tmp_path):
    """The error says whose they are; what another place gives is verified and kept."""
    async with library(11, tmp_path, "a", "b", "c") as made:
        done = await made.write("a", "kept elsewhere")
        await made.all_know(1)
        service, digest = made.services["c"], done.version.digest
        for held in made.shelves.held.values():
            held.discard(digest)
        with pytest.raises(Unavailable, match="a wrote it"):
            await made.read("c")
        answers = [b"forged", b"kept elsewhere"]
        asked = []

        async def elsewhere(wanted: str) -> bytes:
            asked.append(wanted)
            return answers.pop(0)

        service.parts.fallback = elsewhere
        with pytest.raises(Unavailable):
            await made.read("c")
        assert await made.read("c") == "kept elsewhere"
        assert await made.read("b") == "kept elsewhere"
        assert asked == [digest, digest]
        assert not any(file.read_bytes() == b"forged" for file in tmp_path.iterdir())


async def test_who_holds_it_is_asked_once_in_a_while_and_heard_when_it_is_announced(autojump_clock, tmp_path):
    """Without duplicates; an announcement reaches the others' answer before they ask again."""
    async with library(12, tmp_path, "a", "b", "c", "d") as made:
        await made.write("a", "one")
        await made.all_know(1)
        ref = models.AddressRef(address=PLACE)
        before = await made.ask("a", "discover", ref)
        missing = next(
            name for name in "bcd" if made.at.peers[name].peer_id not in {one.peer_id for one in before.sources}
        )
        await made.ask(missing, "announce", ref)
        await trio.sleep(2)
        after = await made.ask("a", "discover", ref)

        assert (len(before.sources), before.here, before.asked) == (2, True, 3)
        assert [(one.name, one.announced) for one in after.sources if one.name == missing] == [(missing, True)]
        assert len(after.sources) == 3
        assert after.at == before.at
        await trio.sleep(31)
        again = await made.ask("a", "discover", ref)
        assert (len(again.sources), any(one.announced for one in again.sources)) == (3, False)


async def test_search_tree_and_travel(autojump_clock, tmp_path):
    """By pattern, by the beginning of a path, by text; level by level; steps that stay in their bounds."""
    async with library(13, tmp_path, "a") as made:
        await made.write("a", "Use PostgreSQL\nbecause of its transactions")
        await made.write("a", "Use SQLite")
        await made.write("a", "A pattern for caches", address="ucxl://bob:reviewer@shop:cache/*^/notes/lru.md")

        def found(hits: models.Hits) -> list[str]:
            return [hit.row.place for hit in hits.hits]

        other = "ucxl://bob:reviewer@shop:cache/*^/notes/lru.md"
        assert found(
            await made.ask("a", "search", models.SearchContent(pattern="ucxl://any:any@shop:any/*^/notes"))
        ) == [
            other,
            PLACE,
        ]
        assert found(await made.ask("a", "search", models.SearchContent(pattern="ucxl://bob:any@any:any/*^/"))) == [
            other
        ]
        hits = await made.ask("a", "search", models.SearchContent(text="sqlITE"))
        assert [(hit.row.place, hit.line, hit.snippet) for hit in hits.hits] == [(PLACE, 1, "Use SQLite")]
        assert hits.cut == ""
        top = await made.ask("a", "tree", models.ReadTree())
        below = await made.ask("a", "tree", models.ReadTree(under=["shop", "ana", "developer", "api", "notes"]))
        assert [(node.name, node.kind, node.places) for node in top.children] == [("shop", "project", 2)]
        assert [(node.name, node.kind, node.place) for node in below.children] == [("plan.md", "path", PLACE)]

        step = await made.ask("a", "navigate", models.Navigate(address=PLACE, operation="back"))
        assert (step.from_version, step.to_version, step.maximum, step.success) == (2, 1, 2, True)
        out = await made.ask("a", "navigate", models.Navigate(address=numbered(1), operation="back"))
        assert (out.from_version, out.to_version, out.success) == (1, 1, False)
        assert out.error.endswith("it has versions 1 to 2")
        difference = await made.ask("a", "diff", models.DiffContent(address=PLACE))
        assert difference.lines[-3:] == ["-Use PostgreSQL", "-because of its transactions", "+Use SQLite"]
        with pytest.raises(Problem) as caught:
            await made.ask("a", "get", models.AddressRef(address="ucxl://any:any@shop:any/*^/"))
        assert (caught.value.status, caught.value.code) == (300, "UCXL-300-MULTIPLE_CHOICES")
        assert set(caught.value.fields.values()) == {PLACE, other}


async def test_two_versions_under_one_number_count_nowhere_until_it_is_decided(autojump_clock, tmp_path):
    """A peer tells one of one version and another of another: both are taken back everywhere, and of the two the one that a master
    keeps counts, under the same number for all."""
    async with library(16, tmp_path, "a", "b", "c") as made:
        await made.write("a", "one")
        (first,) = await made.all_know(1)
        liar = made.at.peers["c"]

        def said(text: str) -> Heard:
            digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
            data = {"place": PLACE, "digest": digest, "size": len(text), "parents": [first.entry]}
            letter = envelope.make("ucxl_version", liar.peer_id, data, 1_700_000_000.0)
            return readable(
                envelope.seal(
                    letter, topics.CONTEXT, liar.identity, epoch="f" * 32, seq=0, prev=None, hlc="1700000000000:0:x"
                )
            )

        truth, lie = said("so"), said("or so")
        await made.at.peers["a"].journal.accept([truth], liar.peer_id)
        await made.at.peers["b"].journal.accept([lie], liar.peer_id)
        assert [len(made.versions(name)) for name in "ab"] == [2, 2]
        await until("known as a fork", lambda: all(made.at.peers[name].journal.forks() for name in "abc"))
        await made.all_know(1)
        master = next(p for p in made.at.peers.values() if p.control.members[p.peer_id].authority == "master")
        keep = {"author": liar.peer_id, "epoch": "f" * 32, "seq": 0, "keep": truth.entry.hash}
        await master.control.request(forks.RESOLVED, keep)
        versions = await made.all_know(2)

        assert versions[1].entry == truth.entry.hash


async def test_a_search_stops_at_its_bounds_and_says_so(autojump_clock, tmp_path):
    """In bytes, in hits, and where the bytes are not here; nothing is fetched for it."""
    async with library(15, tmp_path, "a") as made:
        for name in "abc":
            await made.write("a", f"needle {name} " + "x" * 100, address=PLACE.replace("plan", name))
        looked = await made.ask("a", "search", models.SearchContent(text="needle", limit=2))
        with patch("chorus_tui.engine.ucxl.search.MOST_BYTES", 250):
            bounded = await made.ask("a", "search", models.SearchContent(text="needle"))
        for held in made.shelves.held.values():
            held.clear()
        absent = await made.ask("a", "search", models.SearchContent(text="needle"))

        assert (len(looked.hits), looked.cut) == (2, "1 more than were asked for")
        assert (len(bounded.hits), bounded.looked_at, bounded.cut.partition(":")[0]) == (2, 2, "1 not looked through")
        assert (absent.hits, absent.cut) == ([], "3 whose bytes are not here")


async def test_what_is_erased_while_it_is_fetched_is_not_given(autojump_clock, tmp_path):
    """The call says so, and ends nothing else."""
    async with library(14, tmp_path, "a", "b") as made:
        done = await made.write("a", "a mistake")
        await made.all_know(1)
        (entry,) = made.at.peers["a"].journal.find(done.version.entry)
        service = made.services["b"]

        async def slowly(digest: str) -> bytes:
            await made.at.peers["a"].control.request("body_erased", erasing(entry).data)
            await until("erased", lambda: not made.versions("b"))
            return b"a mistake"

        for held in made.shelves.held.values():
            held.clear()
        service.parts.fallback = slowly
        with pytest.raises(Problem) as caught:
            await made.ask("b", "get", models.AddressRef(address=PLACE))
        assert (caught.value.status, "erased just now" in caught.value.detail) == (404, True)
        assert (await made.ask("b", "places", models.ListPlaces())).total == 0


async def test_what_somebody_writes_that_may_only_read_counts_once_it_may_write(autojump_clock, tmp_path, monkeypatch):
    """Its changed client says it nevertheless: nobody sees a version, and nobody keeps its bytes, until a master grants it more."""

    def reads_only(_kind: str, *, founder: bool, **_more: object) -> str:
        return "master" if founder else "read_only"

    monkeypatch.setattr("chorus_tui.engine.control.discovery.authority.first_authority", reads_only)
    async with library(15, tmp_path, "a", "b", "c") as made:
        peers = made.at.peers
        master, reader, other = sorted(peers, key=lambda name: (made.master() != peers[name].peer_id, name))
        first = await made.write(master, "one")
        await made.all_know(1)
        with pytest.raises(Problem, match="may only read"):
            await made.write(reader, "two")
        said = await peers[reader].journal.say(
            "ucxl_version", {"place": HERE.place, "tombstone": True, "parents": [first.version.entry]}
        )
        await until("told", lambda: all(peer.journal.find(said.hash) for peer in peers.values()))

        assert [await made.read(name) for name in peers] == ["one"] * 3
        assert len(list(made.services[other].named_blobs())) == 1
        grant = {"peer_id": peers[reader].peer_id, "authority": "suggestion"}
        await peers[master].control.request("member_changed", grant)
        versions = await made.all_know(2)
        assert [version.tombstone for version in versions] == [False, True]
