"""A peer that says two things under one number: everybody knows, nothing of it counts, and a master decides."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import trio

from chorus_tui.engine.journal import forks, frames
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.forks import Resolutions
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.protocol import envelope
from chorus_tui.engine.protocol.envelope import Entry
from tests.simulation.engines import Peer, World, until, world

HEARTBEATS_S = 10.0


@dataclass
class Heeded:
    """A feature: what it was given, and what it was told to doubt."""

    types = frozenset({"goodbye"})
    reasons: list[str] = field(default_factory=list)
    doubts: list[int | None] = field(default_factory=list)

    def apply(self, _entry: Entry, message) -> None:
        self.reasons.append(message.reason)

    def reset(self) -> None:
        self.reasons.clear()

    def doubt(self, _author: str, _epoch: str, seq: int | None) -> None:
        self.doubts.append(seq)


async def grown(at: World, names: str) -> tuple[list[Peer], dict[str, Heeded]]:
    heeded: dict[str, Heeded] = {}

    def extend(peer: Peer) -> None:
        heeded[peer.name] = Heeded()
        peer.journal.fold(heeded[peer.name])
        peer.journal.on_doubt(heeded[peer.name].doubt)
        peer.control.fold(Resolutions(peer.journal))

    peers = [await at.start(name, extend=extend) for name in names]
    await until("a mesh", lambda: all(len(peer.control.members) == len(names) for peer in peers))
    seats = len(names) if len(names) % 2 else len(names) - 1
    await until("its voters", lambda: all(len(peer.control.voters) == seats for peer in peers))
    return peers, heeded


def branch(liar: Peer, words: str, start: int, prev: str, count: int) -> list[Heard]:
    """Well-signed entries of the liar from one number on."""
    made = []
    for seq in range(start, start + count):
        letter = envelope.make("goodbye", liar.peer_id, {"reason": f"{words} {seq}"}, 1_700_000_000.0 + seq)
        entry = envelope.seal(
            letter,
            "CHORUS/coordination/v1",
            liar.identity,
            epoch="f" * 32,
            seq=seq,
            prev=prev,
            hlc=f"{1_700_000_000_000 + seq}:0:x",
        )
        prev = entry.hash
        made.append(readable(entry))
    return made


async def forked(at: World) -> tuple[Peer, list[Peer], dict[str, Heeded], str, tuple[list[Heard], list[Heard]]]:
    """Half of the others hold one branch, half the other; they cannot talk yet."""
    peers, heeded = await grown(at, "abcde")
    liar, others = peers[0], peers[1:]
    common = branch(liar, "common", 0, None, 2)
    one = branch(liar, "one", 2, common[-1].entry.hash, 3)
    other = branch(liar, "other", 2, common[-1].entry.hash, 2)
    for left in others[:2]:
        for right in others[2:]:
            at.network.cut(left.peer_id, right.peer_id)
    for peer in others[:2]:
        await peer.journal.accept([*common, *one], peer.peer_id)
    for peer in others[2:]:
        await peer.journal.accept([*common, *other], peer.peer_id)
    return liar, others, heeded, "f" * 32, (one, other)


async def test_a_fork_that_was_seen_before_a_crash_is_told_after_it(autojump_clock, monkeypatch):
    """The one peer that saw both branches has stored the evidence and goes down before it has told anybody: it tells after its return,
    once, however often it comes back."""
    async with world(37) as at:
        peers, _ = await grown(at, "abc")
        liar, witness = peers[0], peers[1]
        common = branch(liar, "common", 0, None, 1)
        one, other = (branch(liar, words, 1, common[-1].entry.hash, 1) for words in ("one", "other"))
        with monkeypatch.context() as patched:

            async def goes_down(_self: object) -> None:
                """It does not get that far."""

            patched.setattr(forks.Forks, "tell", goes_down)
            await witness.journal.accept([*common, *one], witness.peer_id)
            await witness.journal.accept(other, witness.peer_id)
            await until("stored", lambda: witness.journal.forks() != [])
            left = at.kill("b")
        for _ in range(2):
            witness = await at.start("b", images=left)
            await until(
                "all know", lambda now=(peers[2], witness): all(p.journal.forks() for p in now), 2 * HEARTBEATS_S
            )
            found = peers[2].journal.store.of_types(["fork_evidence"])
            told = [entry for entry, _ in found if entry.author == witness.peer_id]
            left = at.kill("b")

        assert len(told) == 1


async def test_everybody_knows_a_fork_within_two_heartbeats(autojump_clock):
    """Both branches are somewhere; ten seconds after the two sides can talk, each peer shows the fork with evidence that
    verifies, has taken back from its features what it gave them of it, gives them nothing beyond it any more, and the control
    log is what it was."""
    async with world(31) as at:
        liar, others, heeded, epoch, _ = await forked(at)
        decided = {peer.control.commit for peer in others}
        at.network.heal()
        at.network.connect_all()
        for peer in others:
            peer.journal.replication.ask_all()
        place = (liar.peer_id, epoch, 2)
        await until("all know", lambda: all(peer.journal.forks() == [place] for peer in others), HEARTBEATS_S)
        await until(
            "all hold the evidence",
            lambda: all(len(forks.present(peer.journal)[0].branches) == 2 for peer in others),
            HEARTBEATS_S,
        )

        await until(
            "taken back",
            lambda: all(sorted(heeded[peer.name].reasons) == ["common 0", "common 1"] for peer in others),
            HEARTBEATS_S,
        )
        for peer in others:
            assert heeded[peer.name].doubts[-1] == 2
            found = await peer.journal.verify()
            assert found.ok
            assert len(found.forks) >= 1
            before = list(heeded[peer.name].reasons)
            number, head = peer.journal.chains.heads[liar.peer_id, epoch]
            (late,) = branch(liar, "late", number, head, 1)
            await peer.journal.accept([late], liar.peer_id)
            assert peer.journal.get(*late.entry.key) is not None
            assert heeded[peer.name].reasons == before
        assert {peer.control.commit for peer in others} == decided


@pytest.mark.parametrize("order", [0, 1])
async def test_a_master_decides_and_all_hold_the_same(order, autojump_clock):
    """After `fork_resolved` every peer holds the branch that was kept, features get it, and the other one is evidence. In one of the
    orders the rest of that branch comes between the decision and the moment the other one is given up."""
    async with world(32, order) as at:
        liar, others, heeded, epoch, (one, _) = await forked(at)
        at.network.heal()
        at.network.connect_all()
        for peer in others:
            peer.journal.replication.ask_all()
        await until("all know", lambda: all(peer.journal.forks() for peer in others), HEARTBEATS_S)
        master = next(p for p in at.peers.values() if p.control.members[p.peer_id].authority == "master")
        data = {"author": liar.peer_id, "epoch": epoch, "seq": 2, "keep": one[0].entry.hash}
        await master.control.request("fork_resolved", data)

        await until("decided", lambda: all(peer.journal.forks() == [] for peer in others))
        held = [heard.entry.hash for heard in one]
        await until(
            "one branch",
            lambda: all([p.journal.store.hash_of(liar.peer_id, epoch, n) for n in (2, 3, 4)] == held for p in others),
        )
        for peer in others:
            given = [reason for reason in heeded[peer.name].reasons if reason.startswith("one")]
            assert given == ["one 2", "one 3", "one 4"]
            assert heeded[peer.name].doubts[-1] is None
            assert (await peer.journal.verify()).ok
        again = others[-1].name
        await at.start(again, images=at.kill(again), extend=lambda peer: peer.control.fold(Resolutions(peer.journal)))
        assert at.peers[again].journal.forks() == []


async def test_a_copy_of_this_peer_costs_its_epoch_and_nothing_more(autojump_clock):
    """A peer that hears that somebody else spoke in its own epoch opens a new one, and what it says there counts."""
    async with world(33) as at:
        peers, heeded = await grown(at, "ab")
        mine, other = peers
        real = await mine.journal.say("goodbye", {"reason": "real"})
        await until("heard", lambda: "real" in heeded["b"].reasons)
        letter = envelope.make("goodbye", mine.peer_id, {"reason": "copy"}, 1_700_000_000.0)
        h = real.header
        copy = envelope.seal(letter, h.topic, mine.identity, epoch=h.epoch, seq=h.seq, prev=h.prev, hlc=h.hlc)
        await other.journal.accept([readable(copy)], other.peer_id)

        await until("told", mine.journal.forks)
        await until("a new epoch", lambda: mine.journal.epoch != h.epoch)
        await mine.journal.say("goodbye", {"reason": "after"})
        await until("it counts", lambda: "after" in heeded["b"].reasons)


async def test_what_the_mesh_decided_on_counts_whatever_its_author_said_besides(autojump_clock):
    """An entry behind the fork that a decided entry names is given to features again, that one alone, whether it was decided before
    the fork was known or after; a restart changes nothing of it."""
    async with world(34) as at:
        liar, others, heeded, epoch, (one, _) = await forked(at)
        holders = others[:2]
        admin = next(peer for peer in at.peers.values() if peer.control.is_admin)
        at.network.heal()
        at.network.connect_all()
        await admin.control.propose("note", {"before": one[1].entry.hash})
        for peer in others:
            peer.journal.replication.ask_all()
        counting = ["common 0", "common 1", "one 3"]
        await until("all know", lambda: all(peer.journal.forks() for peer in others), HEARTBEATS_S)
        await until(
            "one counts", lambda: all(sorted(heeded[p.name].reasons) == counting for p in holders), HEARTBEATS_S
        )

        await admin.control.propose("note", {"after": one[2].entry.hash})
        counting = [*counting, "one 4"]
        await until("two count", lambda: all(sorted(heeded[p.name].reasons) == counting for p in holders), HEARTBEATS_S)
        rest = ["common 0", "common 1"]
        await until("the others", lambda: all(sorted(heeded[p.name].reasons) == rest for p in others[2:]), HEARTBEATS_S)

        again, told = holders[0].name, Heeded()
        await at.start(again, images=at.kill(again), extend=lambda peer: peer.journal.fold(told))
        await until("as before", lambda: sorted(told.reasons) == counting)
        assert at.peers[again].journal.forks() == [(liar.peer_id, epoch, 2)]


async def test_no_answer_about_a_branch_keeps_a_peer_from_following_what_is_decided(autojump_clock, monkeypatch):
    """A member that is asked for a branch shows the same entries for ever, or none and never ends: the search ends all the same, and
    a body that is erased meanwhile goes."""
    async with world(38) as at:
        peers, _ = await grown(at, "abc")
        liar, victim = peers[0], peers[1]
        common = branch(liar, "common", 0, None, 1)
        one, other = (branch(liar, words, 1, common[-1].entry.hash, 200) for words in ("one", "other"))
        await victim.journal.accept([*common, *one], victim.peer_id)
        asked = 0

        async def shows_what_comes_after(stream, _frame) -> None:
            nonlocal asked
            asked += 1
            await trio.sleep(1.0)
            shown = [
                frames.item(h.entry.header.encode(), h.entry.sig, None) for h in (other if asked % 2 else other[100:])
            ]
            await frames.send(stream, {"kind": "entries", "entries": shown[:64]})

        monkeypatch.setattr(liar.journal.replication, "_answer_branch", shows_what_comes_after)
        victim.control.fold(victim.journal.erasures)
        await victim.journal.accept([other[150]], liar.peer_id)
        await victim.journal.accept([readable(other[149].entry)], liar.peer_id)
        await until("it asks", lambda: asked > 0)
        gone = common[0].entry
        h = gone.header
        master = next(p for p in at.peers.values() if p.control.members[p.peer_id].authority == "master")
        data = {"author": h.author, "epoch": h.epoch, "seq": h.seq, "hash": gone.hash}
        await master.control.request("body_erased", data)

        await until("erased", lambda: victim.journal.get(*gone.key).body is None, HEARTBEATS_S)
        await until("told", lambda: list(victim.journal.store.of_types(["fork_evidence"])), 50.0)
        assert asked < 10


async def test_the_telling_of_a_fork_waits_for_nobody_who_is_slow(autojump_clock, monkeypatch):
    """A member says two things in a new epoch of its own every 20 s and takes half a minute for each question about a branch: a fork
    of another member is told all the same, and what waits does not grow."""
    async with world(41) as at:
        peers, _ = await grown(at, "abc")
        slow, other, witness = peers

        async def answers_late(_peer: str, author: str, _epoch: str, _before: int) -> list[Entry]:
            if author == slow.peer_id:
                await trio.sleep(29.9)
            return []

        monkeypatch.setattr(witness.journal.replication, "branch", answers_late)

        async def forks_on() -> None:
            for n in range(60):
                await twice(witness, slow, n)
                await trio.sleep(20)

        at.nursery.start_soon(forks_on)
        await trio.sleep(5)
        key = await twice(witness, other, 1000)

        def told() -> bool:
            found = [
                one for one, _ in witness.journal.store.of_types(["fork_evidence"]) if one.author == witness.peer_id
            ]
            return any(str(key[1]) in (one.body or b"").decode() for one in found)

        await until("told", told, HEARTBEATS_S)
        await trio.sleep(600)
        assert len(witness.journal.forks_held._unsearched) <= forks.MOST_SEARCHED


async def twice(witness: Peer, liar: Peer, n: int) -> tuple[str, str, int]:
    """The witness is shown two entries under one number of an epoch of the liar's; their key."""

    def one(seq: int, prev: str | None, words: str) -> Heard:
        letter = envelope.make("goodbye", liar.peer_id, {"reason": words}, 1_700_000_000.0)
        hlc, topic = f"{1_700_000_000_000 + seq}:0:x", "CHORUS/coordination/v1"
        return readable(envelope.seal(letter, topic, liar.identity, epoch=f"{n:032x}", seq=seq, prev=prev, hlc=hlc))

    first = one(0, None, "common")
    pair = [one(1, first.entry.hash, words) for words in ("one", "other")]
    await witness.journal.accept([first, pair[0]], liar.peer_id)
    await witness.journal.accept(pair[1:], liar.peer_id)
    return pair[0].entry.key


def refusing_once(monkeypatch, store, name: str, when=lambda *_: True) -> list[object]:
    """That work of a store fails once, as of a full disk; what was asked then."""
    real, refused = getattr(store, name), []

    async def work(*asked):
        if when(*asked) and not refused:
            refused.append(asked)
            raise StoreError("The disk is full")
        return await real(*asked)

    monkeypatch.setattr(store, name, work)
    return refused


async def test_a_resolution_that_a_disk_refused_is_followed_later(autojump_clock, monkeypatch):
    """The branch that was decided against is given up with the next try, without a restart."""
    async with world(32) as at:
        liar, others, _, epoch, (one, _) = await forked(at)
        at.network.heal()
        at.network.connect_all()
        for peer in others:
            peer.journal.replication.ask_all()
        await until("all know", lambda: all(peer.journal.forks() for peer in others), HEARTBEATS_S)
        victim = others[-1]
        refused = refusing_once(monkeypatch, victim.journal.store, "give_up")
        master = next(p for p in at.peers.values() if p.control.members[p.peer_id].authority == "master")
        data = {"author": liar.peer_id, "epoch": epoch, "seq": 2, "keep": one[0].entry.hash}
        await master.control.request("fork_resolved", data)

        await until("followed", lambda: refused and victim.journal.forks() == [])
        await until("fetched", lambda: victim.journal.store.hash_of(liar.peer_id, epoch, 2) == one[0].entry.hash)


async def test_a_search_that_a_disk_refused_goes_on_later(autojump_clock, monkeypatch):
    """Where two branches part is stored with the next try: all count the same of them."""
    async with world(38) as at:
        peers, _ = await grown(at, "abc")
        liar, victim, source = peers
        common = branch(liar, "common", 0, None, 1)
        one, other = (branch(liar, words, 1, common[-1].entry.hash, 20) for words in ("one", "other"))

        async def shown(_peer: str, _author: str, _epoch: str, before: int) -> list[Entry]:
            return [heard.entry for heard in [*common, *other] if before - 64 <= heard.entry.header.seq < before]

        monkeypatch.setattr(victim.journal.replication, "branch", shown)
        first = other[0].entry.hash
        refused = refusing_once(monkeypatch, victim.journal.store, "add_evidence", lambda entry: entry.hash == first)
        await victim.journal.accept([*common, *one], source.peer_id)
        await victim.journal.accept([other[15]], source.peer_id)

        await until("found", lambda: refused and victim.journal.forks()[0][2] == 1)
