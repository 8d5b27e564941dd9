"""Votes that persons sign, on a simulated mesh: each counts once and alike for all, whichever peers bring it."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import trio

from chorus_tui.contract import signed_vote
from chorus_tui.contract.models.decisions import VoteDecision
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control import entries
from chorus_tui.engine.decisions import rules
from chorus_tui.engine.protocol import sshsig
from tests.simulation.engines import until
from tests.simulation.hall import Hall, hall
from tests.simulation.test_decisions import FIVE, same
from tests.support.ssh_signing import Key

ANA, BEN, NEW = Key(1), Key(2), Key(3)


async def decided(made: Hall, type_: str, data: dict[str, str]) -> None:
    """A master's word, until all have it."""
    master = next(peer for peer in made.at.peers.values() if peer.control.members[peer.peer_id].authority == "master")
    index = await master.control.request(type_, data)
    await until("all know it", lambda: all(peer.control.commit >= index for peer in made.at.peers.values()))


async def enrol(made: Hall, name: str, key: Key, authority: str = "decision") -> None:
    await decided(made, entries.PERSON_ENROLLED, {"person": name, "key": key.public, "authority": authority})


async def signed(
    made: Hall, by: str, id_: str, name: str, key: Key, choice: str, revision: int | None = None, **rest
) -> VoteDecision:
    """As a person's own machine makes it, of what the peer ``by`` shows."""
    view = await made.show(by, id_)
    number = view.revisions.get(name, 0) if revision is None else revision
    text = signed_vote.text(
        mesh_id=view.mesh_id, proposal_id=id_, proposal=view.entry, person=name, choice=choice, revision=number,
        final=rest.get("final", False), reason=signed_vote.reason_hash(rest.get("reason", "")),
    )  # fmt: skip
    signature = sshsig.armored(key.sign(text))
    return VoteDecision(decision_id=id_, choice=choice, person=name, revision=number, signature=signature, **rest)


async def bring(made: Hall, by: str, request: VoteDecision):
    return await made.services[by].acting.vote(request, None)


async def said(made: Hall, by: str, request: VoteDecision, **lies) -> None:
    """Without asking the door, as a peer may that means harm."""
    view = await made.show(by, request.decision_id)
    data = {
        "proposal_id": view.decision_id, "proposal": view.entry, "mesh_id": view.mesh_id, "choice": request.choice,
        "reasoning": request.reason, "revision": request.revision, "final": request.final, "person": request.person,
        "signature": sshsig.unarmored(request.signature), **lies,
    }  # fmt: skip
    await made.at.peers[by].journal.say("signed_vote", data)


def marks(view, name):
    return sorted((vote.by_name, vote.mark, vote.choice) for vote in view.votes if vote.person == name)


async def test_a_person_has_one_vote_whoever_brings_it_and_who_brings_it_keeps_its_own(autojump_clock):
    """Brought by three peers, changed, an old one brought again, one forged: one vote, the last that was signed; each peer's own
    beside it; tally, quorum and record are the same for all, and nobody is blamed."""
    async with hall(31, *FIVE) as made:
        await enrol(made, "ana", ANA)
        await enrol(made, "ben", BEN)
        id_ = await made.propose("b", quorum="6/7")
        await made.known(id_)
        first = await signed(made, "c", id_, "ana", ANA, "reject")
        cast = await bring(made, "c", first)
        await made.vote("c", id_, "approve", reason="my own")
        await until("d has heard of it", lambda: made.services["d"].book.named(id_)[0].votes)
        last = await signed(made, "d", id_, "ana", ANA, "approve", reason="tried it")
        await bring(made, "d", last)
        await said(made, "e", first)
        await said(made, "a", last)
        await said(made, "e", last, choice="reject", revision=9)
        forged = await signed(made, "e", id_, "ben", ANA, "reject")
        await said(made, "e", forged)
        for name in ("a", "b", "d"):
            await made.vote(name, id_, "reject" if name == "a" else "approve")
        await until(
            "all votes are here", lambda: all(len(s.book.named(id_)[0].votes) == 10 for s in made.services.values())
        )
        before = await made.show("b", id_)
        await bring(made, "e", await signed(made, "e", id_, "ben", BEN, "abstain"))
        await made.ended(id_)
        await until(
            "the record is announced", lambda: all(s.book.named(id_)[0].records for s in made.services.values())
        )
        views = [await made.show(name, id_) for name in FIVE]
        view = same(views)

        assert (cast.vote.person, cast.vote.mark, cast.vote.by_name) == ("ana", "stands", "c")
        assert last.revision == 1
        assert before.persons == ["ana", "ben"]
        assert before.revisions == {"ana": 2, "ben": 0}
        assert sorted(before.missing) == ["ben", "e"]
        assert (before.voted, before.eligible, before.counts.needed) == (5, 7, 6)
        assert (view.state, view.counts.by_option) == ("passed", {"approve": 4, "reject": 1, "abstain": 1})
        assert (view.voted, view.eligible, view.missing) == (6, 7, ["e"])
        for one in views:
            assert not one.warnings
            assert [mark for _, mark, choice in marks(one, "ana") if choice == "reject"] == [
                "replaced",
                "replaced",
                "void",
            ]
            assert sorted(mark for _, mark, choice in marks(one, "ana") if choice == "approve") == [
                "counted",
                "replaced",
            ]
            assert sorted(mark for _, mark, _ in marks(one, "ben")) == ["counted", "void"]
            assert [(vote.why, vote.key) for vote in one.votes if vote.person == "ben" and vote.mark == "void"] == [
                ("signed with a key that is not ben's", "")
            ]


async def test_on_both_sides_of_a_cut_the_same_person_is_one(autojump_clock):
    """Who cannot tell whether a vote arrived has another peer bring it too; once the peers hear each other it is one vote."""
    async with hall(32, *FIVE) as made:
        await enrol(made, "ana", ANA)
        id_ = await made.propose("a", deadline="300s")
        await made.known(id_)
        lost = made.others()[-1]
        near = next(name for name in made.others() if name != lost)
        made.cut(lost)
        word = await signed(made, lost, id_, "ana", ANA, "approve")
        await bring(made, lost, word)
        await bring(made, near, word)
        await made.vote(lost, id_, "reject")
        await made.vote(near, id_, "reject")
        made.at.network.heal()
        made.at.network.connect_all()
        await made.ended(id_, seconds=400)
        await until("all came", lambda: all(len(s.book.named(id_)[0].votes) == 4 for s in made.services.values()))
        views = [await made.show(name, id_) for name in FIVE]

        assert same(views).counts.by_option == {"approve": 1, "reject": 2, "abstain": 0}
        for one in views:
            assert sorted(mark for _, mark, _ in marks(one, "ana")) == ["counted", "replaced"]
            assert not one.warnings


async def test_a_withdrawn_key_counts_no_more_and_what_was_closed_stays(autojump_clock):
    """Withdrawn before the closing its vote is void and told so; the person signs anew with another key. A decision that was closed
    before keeps the vote, and its record."""
    async with hall(33, "a", "b", "c") as made:
        await enrol(made, "ana", ANA)
        old = await made.propose("a")
        await made.known(old)
        await bring(made, "b", await signed(made, "b", old, "ana", ANA, "approve"))
        await made.vote("a", old, "approve")
        await made.ended(old)
        id_ = await made.propose("a", deadline="300s")
        await made.known(id_)
        await bring(made, "b", await signed(made, "b", id_, "ana", ANA, "approve"))
        await decided(made, entries.PERSON_WITHDRAWN, {"person": "ana", "key": ANA.public})
        refused = await signed(made, "c", id_, "ana", ANA, "reject")
        with pytest.raises(Problem, match="not enrolled"):
            await bring(made, "c", refused)
        await enrol(made, "ana", NEW, "coordination")
        with pytest.raises(Problem, match="withdrawn"):
            await bring(made, "c", refused)
        await bring(made, "c", await signed(made, "c", id_, "ana", NEW, "reject"))
        await made.vote("a", id_, "approve")
        await made.ended(id_, seconds=400)
        views = [await made.show(name, id_) for name in ("a", "b", "c")]
        before = same([await made.show(name, old) for name in ("a", "b", "c")])

        assert before.counts.by_option == {"approve": 2, "reject": 0, "abstain": 0}
        assert same(views).counts.by_option == {"approve": 1, "reject": 1, "abstain": 0}
        for one in views:
            assert marks(one, "ana") == [("b", "void", "approve"), ("c", "counted", "reject")]
            assert [vote.why for vote in one.votes if vote.mark == "void"] == ["signed with a key that was withdrawn"]


async def test_the_door_refuses_what_nobody_would_count_and_names_the_way_out(autojump_clock):
    """Who signs is told while they can sign another: another's key, another proposal, another choice, an old number, a person who is
    not named, a reason in a sealed decision, no signature at all."""
    async with hall(34, "a", "b@review", "c@review") as made:
        await enrol(made, "ana", ANA)
        id_, other = await made.propose("a"), await made.propose("a", title="Another")
        closed = await made.propose("a", to_roles=["review"], eligible=["b", "person:ana"])
        await made.known(id_)
        await made.known(other)
        await made.known(closed)
        await enrol(made, "ben", BEN)
        good = await signed(made, "b", id_, "ana", ANA, "approve")
        for request, why in (
            (await signed(made, "b", id_, "ana", BEN, "approve"), "a key that is not ana's"),
            (good.model_copy(update={"decision_id": other}), "something else was signed"),
            (good.model_copy(update={"choice": "reject"}), "something else was signed"),
            (good.model_copy(update={"reason": "because"}), "something else was signed"),
            (good.model_copy(update={"signature": "x"}), "as 'ssh-keygen -Y sign' writes it"),
            (await signed(made, "b", id_, "ben", BEN, "approve"), "does not name this person"),
            (await signed(made, "b", id_, "ana", ANA, "perhaps"), "not one of"),
            (await signed(made, "b", closed, "ana", ANA, "approve", reason="why"), "sign without a reason"),
        ):
            with pytest.raises(Problem, match=why):
                await bring(made, "b", request)
        with pytest.raises(Problem, match="no person that may vote has the name 'eve'"):
            await made.propose("a", eligible=["a", "person:eve"])
        await bring(made, "b", good)
        await bring(made, "b", await signed(made, "b", id_, "ana", ANA, "reject"))
        with pytest.raises(Problem, match="as number 2"):
            await bring(made, "b", good)
        sealed = await bring(made, "c", await signed(made, "c", closed, "ana", ANA, "approve", final=True))

        assert (sealed.vote.mark, sealed.vote.person) == ("stands", "ana")
        assert (await made.show("a", id_)).my_vote == ""


async def test_an_admin_that_leaves_a_persons_vote_out_is_flagged_by_all(autojump_clock):
    """Its own statement of what it had read convicts it, also when who brought the vote has none itself."""
    async with hall(35, *FIVE) as made:
        await enrol(made, "ana", ANA)
        bringer = made.others()[-1]
        voting = [name for name in FIVE if name != bringer]
        id_ = await made.propose(voting[0], eligible=[*voting, "person:ana"])
        await made.known(id_)
        await bring(made, bringer, await signed(made, bringer, id_, "ana", ANA, "reject"))
        for name in voting:
            await made.vote(name, id_, "approve")
        await trio.sleep(5)
        with patch.object(rules, "stated_persons", lambda *_facts: {}):
            views = await made.ended(id_)

        assert same(views).counts.by_option == {"approve": 4, "reject": 0, "abstain": 0}
        for one in views:
            assert marks(one, "ana") == [(bringer, "left_out", "reject")]
            assert [("a vote of ana" in warning) for warning in one.warnings] == [True]
