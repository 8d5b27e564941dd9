"""Votes on a simulated mesh: one outcome for all, whoever is cut off, lies or dies."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import trio

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.decisions import rules
from tests.simulation.engines import until
from tests.simulation.hall import hall

FIVE = ("a", "b", "c", "d", "e")


def same(views):
    """Everything that the peers must agree on."""
    found = {
        (
            view.state,
            view.outcome,
            tuple(sorted(view.counts.by_option.items())),
            view.ucxl,
            view.record,
            view.closing_index,
        )
        for view in views
    }
    assert len(found) == 1, found
    return views[0]


async def test_all_vote_and_all_see_the_same(autojump_clock):
    """Votes count by their last word before the closing; every peer computes the same tally, outcome and record."""
    async with hall(1, *FIVE) as made:
        id_ = await made.propose("b", description="Because of its transactions")
        await made.known(id_)
        for name, choice in zip(FIVE, ("reject", "approve", "approve", "abstain", "reject"), strict=True):
            cast = await made.vote(name, id_, choice, reason=f"{name} thinks so")
            assert cast.vote.mark == "stands"
        await made.vote("a", id_, "approve", reason="changed my mind")
        before = await made.show("c", id_)
        views = await made.ended(id_)
        await until(
            "the record is announced", lambda: all(s.book.named(id_)[0].records for s in made.services.values())
        )
        view = same([await made.show(name, id_) for name in FIVE])

        assert before.state == "open"
        assert {view.state for view in views} == {"passed"}
        assert (view.outcome, view.counts.by_option) == ("approve", {"approve": 3, "reject": 1, "abstain": 1})
        assert view.counts.share == "3/4"
        assert sorted((vote.by_name, vote.mark) for vote in view.votes) == [
            ("a", "counted"), ("a", "replaced"), ("b", "counted"), ("c", "counted"), ("d", "counted"), ("e", "counted"),
        ]  # fmt: skip
        assert not view.warnings
        assert view.record.startswith("sha256:")
        assert view.ucxl.endswith(f"/decisions/{id_}")


async def test_it_closes_early_when_all_have_voted_for_good(autojump_clock):
    """Nobody waits for a deadline that nobody needs; one who may still change its mind holds it open."""
    async with hall(2, "a", "b", "c") as made:
        id_ = await made.propose("a", deadline="1h")
        await made.known(id_)
        await made.vote("a", id_, final=True)
        await made.vote("b", id_, final=True)
        await made.vote("c", id_)
        await trio.sleep(30)
        still = await made.show("a", id_)
        await made.vote("c", id_, "reject", final=True)
        view = same(await made.ended(id_, seconds=20))

        assert still.state == "open"
        assert (view.state, view.counts.by_option["reject"]) == ("passed", 1)
        assert not view.warnings


async def test_a_counted_vote_is_not_lost_with_the_admin_that_closed_on_it(autojump_clock):
    """The admin votes last, and what it says is gossiped to nobody; it closes the vote and is gone for good the moment another has that
    decision: those that are left know what came of it."""
    async with hall(6, "a", "b", "c") as made:
        await until("three vote", lambda: all(len(peer.control.voters) == 3 for peer in made.at.peers.values()))
        id_ = await made.propose("a", deadline="1h")
        await made.known(id_)
        admin, others = made.admin, made.others()
        for name in others:
            await made.vote(name, id_, final=True)
        made.at.network.loss = 1.0
        await made.vote(admin, id_, "reject", final=True)
        await until(
            "closed there", lambda: any(made.services[name].book.named(id_)[0].closing is not None for name in others)
        )
        made.kill(admin)
        made.at.network.loss = 0.0
        view = same(await made.ended(id_))

        assert (view.state, view.counts.by_option) == ("passed", {"approve": 2, "reject": 1, "abstain": 0})


async def test_two_cut_off_until_after_the_deadline_are_late_everywhere(autojump_clock):
    """Five vote, two of them out of reach: one outcome everywhere once they are back, their votes shown as late by all."""
    async with hall(3, *FIVE) as made:
        id_ = await made.propose("a", deadline="120s")
        await made.known(id_)
        lost = [name for name in made.others() if name != "a"][:2]
        near = [name for name in FIVE if name not in lost]
        made.cut(*lost)
        for name in near:
            await made.vote(name, id_, "reject")
        for name in lost:
            await made.vote(name, id_, "approve", reason="unheard")
        await made.ended(id_, *near)
        alone = await made.show(lost[0], id_)
        made.at.network.heal()
        made.at.network.connect_all()
        await made.ended(id_)
        await until(
            "the late votes came", lambda: all(len(s.book.named(id_)[0].votes) == 5 for s in made.services.values())
        )
        views = [await made.show(name, id_) for name in FIVE]
        view = same(views)

        assert alone.state in ("open", "overdue")
        assert (view.state, view.counts.by_option) == ("rejected", {"approve": 0, "reject": 3, "abstain": 0})
        for one in views:
            assert sorted(vote.by_name for vote in one.votes if vote.mark == "late") == sorted(lost)
            assert not one.warnings


async def test_an_admin_that_leaves_a_held_vote_out_is_flagged_by_all(autojump_clock):
    """Its own statement of what it had read convicts it, on every peer; the outcome is the same for all of them."""
    async with hall(4, *FIVE) as made:
        id_ = await made.propose("b")
        await made.known(id_)
        victim = made.at.peers[made.others()[-1]].peer_id
        honest = rules.stated

        def leaves_out(*facts):
            told = honest(*facts)
            return {**told, victim: told[victim].model_copy(update={"vote": None})}

        for name in FIVE:
            await made.vote(name, id_, "reject" if made.at.peers[name].peer_id == victim else "approve")
        with patch.object(rules, "stated", leaves_out):
            views = await made.ended(id_)
        view = same(views)

        assert view.counts.by_option == {"approve": 4, "reject": 0, "abstain": 0}
        for one in views:
            assert [vote.by for vote in one.votes if vote.mark == "left_out"] == [victim]
            assert len(one.warnings) == 1
            assert "leaves out a vote" in one.warnings[0]
            assert one.flagged


async def test_an_admin_that_counts_what_must_not_count_is_flagged_and_changes_nothing(autojump_clock):
    """A vote counted for somebody the proposal does not name, and a choice that the vote does not say, are seen through."""
    async with hall(5, *FIVE) as made:
        named = [name for name in FIVE if name != made.others()[-1]]
        id_ = await made.propose("b", eligible=named)
        await made.known(id_)
        honest = rules.stated

        def twists(*facts):
            told = honest(*facts)
            first = min(peer_id for peer_id in told if told[peer_id].vote)
            vote = told[first].vote._replace(choice="reject")
            stranger = made.at.peers[made.others()[-1]].peer_id
            return {**told, first: told[first].model_copy(update={"vote": vote}), stranger: told[first]}

        for name in named:
            await made.vote(name, id_, "approve")
        with patch.object(rules, "stated", twists):
            views = await made.ended(id_)
        view = same(views)

        assert view.counts.by_option == {"approve": 4, "reject": 0, "abstain": 0}
        for one in views:
            assert len(one.warnings) == 2
            assert "says 'reject' of a vote that says 'approve'" in " ".join(one.warnings)


async def test_the_admin_dies_before_closing_and_the_next_one_closes(autojump_clock):
    """What is overdue is closed by the next admin, once, with the votes it holds."""
    async with hall(6, *FIVE) as made:
        id_ = await made.propose("b", deadline="40s")
        await made.known(id_)
        for name in FIVE:
            await made.vote(name, id_, "approve")
        await trio.sleep(20)
        dead = made.admin
        made.kill(dead)
        views = await made.ended(id_)
        view = same(views)

        assert view.counts.cast == 5
        assert made.admin != dead
        assert view.closed_by == made.at.peers[made.admin].peer_id
        assert not any(one.warnings for one in views)


async def test_an_overdue_vote_is_voted_on_until_the_admin_closes_it(autojump_clock):
    """The deadline is over and nobody leads: who votes then is taken, and counted by the admin that closes it, without a fault; once
    it is closed no vote is taken."""
    async with hall(13, *FIVE) as made:
        id_ = await made.propose("b", deadline="30s")
        await made.known(id_)
        dead = made.admin
        await trio.sleep(25)
        made.kill(dead)
        await trio.sleep(7)
        left = list(made.services)
        overdue = [await made.show(name, id_) for name in left]
        for name in left:
            await made.vote(name, id_, "approve")
        view = same(await made.ended(id_))
        with pytest.raises(Problem) as refused:
            await made.vote(left[0], id_, "reject")

        assert {one.state for one in overdue} == {"overdue"}
        assert (view.state, view.counts.by_option["approve"]) == ("passed", 4)
        assert sorted(vote.mark for vote in view.votes) == ["counted"] * 4
        assert not view.warnings
        assert refused.value.code == "closed"


async def test_without_authority_or_as_a_person_an_agent_counts_for_nothing(autojump_clock):
    """An agent that says it votes for a person, a member without the authority, one the proposal does not name, an unknown
    option: each is shown with why, and none counts."""
    async with hall(7, *FIVE) as made:
        admin, low, pretender, unnamed, odd = made.admin, *made.others()
        named = [admin, low, pretender, odd]
        id_ = await made.propose(admin, eligible=named)
        await made.known(id_)
        proposal = made.services[low].book.named(id_)[0].proposal
        change = {"peer_id": made.at.peers[low].peer_id, "authority": "suggestion"}
        await made.at.peers[made.admin].control.request("member_changed", change)
        await until("it is known", lambda: all(
            peer.control.members[change["peer_id"]].authority == "suggestion" for peer in made.at.peers.values()
        ))  # fmt: skip
        with pytest.raises(Problem) as refused:
            await made.vote(low, id_)
        data = {"proposal_id": id_, "proposal": proposal.hash, "mesh_id": proposal.message.mesh_id, "choice": "approve"}
        for name, more in (
            (low, {}), (pretender, {"on_behalf_of": "Ana"}), (unnamed, {}), (odd, {"choice": "perhaps"}),
        ):  # fmt: skip
            await made.at.peers[name].journal.say("decision_vote", {**data, **more})
        await made.vote(admin, id_, "reject")
        views = await made.ended(id_)
        view = same(views)

        assert "authority to vote (suggestion)" in refused.value.detail
        assert view.counts.by_option == {"approve": 0, "reject": 1, "abstain": 0}
        assert view.state == "no_quorum"
        why = {vote.by_name: vote.why for vote in view.votes if vote.mark == "void"}
        assert why == {
            low: "no authority to vote (suggestion)",
            pretender: "an agent that speaks as a person",
            unnamed: "the proposal does not name this member",
            odd: "not one of the options",
        }


async def test_the_proposer_withdraws_and_nobody_else(autojump_clock):
    """An own open proposal ends for all; a stranger to it is refused, and so is a vote afterwards."""
    async with hall(8, "a", "b", "c") as made:
        from chorus_tui.contract.models.decisions import WithdrawDecision

        id_ = await made.propose("b")
        await made.known(id_)
        with pytest.raises(Problem) as other:
            await made.services["c"].acting.withdraw(WithdrawDecision(decision_id=id_), None)
        await made.services["b"].acting.withdraw(WithdrawDecision(decision_id=id_, reason="not needed"), None)
        views = await made.ended(id_)
        with pytest.raises(Problem) as late:
            await made.vote("a", id_)
        await trio.sleep(90)

        assert "only its proposer" in other.value.detail
        assert {(view.state, view.why) for view in views} == {("withdrawn", "not needed")}
        assert "withdrawn" in late.value.title
        assert {view.state for view in await made.ended(id_)} == {"withdrawn"}


async def test_a_sealed_proposal_is_read_by_its_roles_only(autojump_clock):
    """Title and reasons are for the named roles; that there is a vote, its options and its tally are for all. The record is
    the same everywhere, and holds nothing of it in clear."""
    async with hall(9, "a@review", "b@review", "c", "ana@review:human") as made:
        id_ = await made.propose("a", title="The leak", description="in the parser", to_roles=["review"])
        await made.known(id_)
        await made.vote("a", id_, reason="because secret")
        await made.vote("b", id_, reason="agreed, secret")
        with pytest.raises(Problem):
            await made.vote("c", id_)
        views = dict(zip(made.services, await made.ended(id_), strict=True))
        same(list(views.values()))
        records = {service.result(service.book.named(id_)[0]).record for service in made.services.values()}

        assert views["b"].title == views["ana"].title == "The leak"
        assert {vote.reason for vote in views["ana"].votes} == {"because secret", "agreed, secret"}
        assert (views["c"].title, views["c"].description, views["c"].readable) == ("", "", False)
        assert {vote.reason for vote in views["c"].votes} == {""}
        assert views["c"].counts.by_option["approve"] == 2
        assert views["c"].sealed_to == ["review"]
        assert len(records) == 1
        assert b"leak" not in next(iter(records))
        assert b"because secret" not in next(iter(records))


async def test_a_person_is_told_what_waits_and_answers_it(autojump_clock):
    """An open proposal waits in the inbox of who may vote, until they have; the answer there is a vote as any other."""
    async with hall(10, "a", "b", "ana:human") as made:
        id_ = await made.propose("a", eligible=["ana", "b"])
        await made.known(id_)
        inbox = made.services["ana"].inbox
        items = inbox.waiting()
        elsewhere = made.services["a"].inbox.waiting()
        told = await inbox.answer(items[0], "approve", "fine with me", None)
        view = await made.show("ana", id_)

        assert [(item.subject_id, item.choices, item.asked_by_name) for item in items] == [
            (id_, ["approve", "reject", "abstain"], "a")
        ]
        assert elsewhere == []
        assert told.startswith("Voted approve")
        assert inbox.waiting() == []
        assert [(vote.by_name, vote.reason) for vote in view.votes] == [("ana", "fine with me")]


async def test_what_was_decided_survives_a_restart(autojump_clock):
    """A peer that comes back shows the same outcome, computed anew from its disk."""
    async with hall(11, "a", "b", "c") as made:
        id_ = await made.propose("a", deadline="20s")
        await made.known(id_)
        for name in ("a", "b", "c"):
            await made.vote(name, id_, "reject")
        before = same(await made.ended(id_))
        gone = made.others()[0]
        images = made.kill(gone)
        await trio.sleep(5)
        await made.start(gone, images=images)
        after = await made.show(gone, id_)

        assert (after.state, after.counts) == (before.state, before.counts)
