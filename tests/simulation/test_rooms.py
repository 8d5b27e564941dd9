"""Rooms among several peers: what is agreed, what is not lost, what ends."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.contract.models import hmmm as models
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.hmmm import rules, turns
from chorus_tui.engine.hmmm.mouth import Words
from chorus_tui.engine.hmmm.rooms import SEALED_WORDS
from chorus_tui.engine.protocol.messages.rooms import CLOSING
from chorus_tui.telling.hmmm import marks
from tests.simulation.engines import until
from tests.simulation.forum import Forum, forum, silent


def objector(kind: str, material: dict[str, Any]) -> dict[str, Any] | None:
    """Objects to what forgets the tests, and is content when it is told of them."""
    about = material.get("about", {}).get("text", "")
    if kind == "look":
        return {"objection": "tests" not in about, "text": "It has no tests"}
    return {"act": "agree" if "tests" in about else "silent", "text": "Good then"} if kind == "talk" else None


def chatty(kind: str, _material: dict[str, Any]) -> dict[str, Any] | None:
    """Always has something to say."""
    return {
        "answer": {"say": True, "text": "An answer"},
        "look": {"objection": True, "text": "An objection"},
        "talk": {"act": "say", "text": "One more word"},
        "plan": {"plan": "A plan"},
    }[kind]


async def test_objection_discussion_agreement_and_a_late_objection_that_reopens(autojump_clock):
    """Three peers, one a person: the agent objects, is answered, agrees; 30 s later all see it agreed; a late word reopens."""
    async with forum(1, ("ana",), {"bob": silent, "cem": objector}) as made:
        said = await made.propose("ana", "Rename the table")
        await made.all_see(said, "objected")
        [objection] = [line for line in made.view("ana", said.thread_id).lines if line.type == "objection"]
        assert (objection.author_name, objection.kind, objection.message) == ("cem", "agent", "It has no tests")

        await made.reply("ana", objection.msg_id, "I add tests")
        await made.all_see(said, "agreed", 90)
        closing = [line for line in made.view("bob", said.thread_id).lines if line.intent == "closing"]
        assert [line.author_name for line in closing] == ["ana"]
        assert "bob" in closing[0].message

        late = await made.object("bob", said.msg_id, "The clients still use the old name")
        await made.all_see(said, "reopened")
        await made.agree("bob", late.msg_id)
        await made.all_see(said, "agreed", 90)
        told = lambda: {len(service.rooms.events) for service in made.services.values()}  # noqa: E731 - short here
        await until("both closings are told to SLURP, once each", lambda: told() == {2})


async def test_a_proposal_that_nobody_else_holds_is_not_agreed(autojump_clock):
    """Silence counts only of peers that hold it: cut off, the proposer waits; when the others have it, it is agreed."""
    async with forum(2, ("ana",), {"bob": None, "cem": None}) as made:
        made.at.network.isolate(made.at.peers["ana"].peer_id)
        said = await made.propose("ana", "Nobody hears this")
        await trio.sleep(100)
        assert made.state("ana", said) == "open"

        made.at.network.heal()
        await made.all_see(said, "agreed")


async def closes_at_once(made: Forum, *holders: str) -> models.Said:
    """A changed client: cut off, it says of others that they had its proposal and were silent; then they hear both at once."""
    made.at.network.isolate(made.at.peers["ana"].peer_id)
    said = await made.propose("ana", "Drop the old data")
    await trio.sleep(40)
    words = Words("update", "Agreed: no objection stands", intent=CLOSING, extra={"holders": list(holders)})
    await made.services["ana"].mouth.say("room", said.thread_id, words, said.msg_id)
    made.at.network.heal()
    await until("all hold both", lambda: {made.messages(name) for name in made.services} == {2})
    return said


async def test_what_a_proposer_says_of_names_that_are_nobodys_closes_nothing(autojump_clock):
    """No member held it, so nobody was silent: it is agreed with the closing that comes when others have had it for the time."""
    async with forum(11, ("ana",), {"bob": None, "cem": None}) as made:
        said = await closes_at_once(made, "12D3KooWNobody")

        assert made.states(said) == {"open"}
        await made.all_see(said, "agreed")
        assert made.messages("bob") == 3


async def test_who_is_said_to_have_been_silent_and_never_had_the_time_shows_it(autojump_clock):
    """To the peer that is named it is open until it has had the time, and its closing line says so; an objection reopens it for all."""
    async with forum(12, ("ana",), {"bob": None, "cem": None}) as made:
        told = made.services["bob"].parts.events.subscribe(["threads"], lambda: None)
        said = await closes_at_once(made, made.at.peers["bob"].peer_id)
        proposed, closed = made.view("bob", said.thread_id).lines
        others = made.view("cem", said.thread_id).lines[1]

        assert (made.state("cem", said), made.state("bob", said)) == ("agreed", "open")
        assert (closed.silence, others.silence) == ("late", "")
        assert "says that you agreed by silence; it had not reached you in time" in marks(closed, closed.at)
        assert proposed.objections_until is not None
        assert made.view("bob", said.thread_id).consensus == []
        assert [event.data["state"] for event in told.take().events] == ["open"]

        await until("it has had the time", lambda: made.state("bob", said) == "agreed", 40)
        await trio.sleep(2)
        assert [event.data["state"] for event in told.take().events] == ["agreed"]
        assert made.view("bob", said.thread_id).lines[1].silence == "late"
        await made.object("bob", said.msg_id, "It is still read")
        await made.all_see(said, "reopened")


@pytest.mark.parametrize("cut", [0, 20, 100])
async def test_an_honest_proposer_names_nobody_that_had_not_the_time(cut, autojump_clock):
    """However late it came to whom: whoever is named was silent for as long as was given, by its own clock."""
    async with forum(13, ("ana",), {"bob": None, "cem": None}) as made:
        made.at.network.isolate(made.at.peers["bob"].peer_id)
        said = await made.propose("ana", "Merge it")
        await trio.sleep(cut)
        made.at.network.heal()
        await made.all_see(said, "agreed", 200)
        told = {name: [line.silence for line in made.view(name, said.thread_id).lines] for name in ("bob", "cem")}

        assert "late" not in told["bob"] + told["cem"]
        assert "stated" in told["bob"] + told["cem"]


async def test_a_proposal_to_a_role_waits_for_somebody_of_it(autojump_clock):
    """The silence of those whom nobody asked is no agreement of those who were: it stays open, says for whom, and is agreed once one of
    the role holds it."""
    async with forum(2, ("ana",), {"bob": None}) as made:
        said = await made.propose("ana", "Merge it", to_roles=["reviewer"])
        await trio.sleep(100)
        (line,) = made.view("ana", said.thread_id).lines
        assert made.state("ana", said) == "open"
        assert "waits for somebody of reviewer to hold it" in marks(line, line.objections_until + 1)

        await made.start("rea", role="Reviewer")
        await made.all_see(said, "agreed", 120)


async def objected_elsewhere(made: Forum) -> models.Said:
    """One side closes what a peer that is cut off objects to; then they talk again."""
    said = await made.propose("ana", "Drop the old data")
    await until("all hold it", lambda: "" not in made.states(said))
    made.at.network.isolate(made.at.peers["cem"].peer_id)
    await made.object("cem", said.msg_id, "It is still read")
    await until("agreed on one side", lambda: made.state("ana", said) == "agreed", 120)
    made.at.network.heal()
    await until("all hold the objection", lambda: {made.messages(name) for name in made.services} == {3})
    return said


async def test_an_objection_made_elsewhere_before_closing_is_never_shown_as_agreed_after_healing(autojump_clock):
    """Whatever was closed meanwhile: once they talk again all show it reopened, and it stays so."""
    async with forum(3, ("ana",), {"bob": None, "cem": None}) as made:
        said = await objected_elsewhere(made)
        assert made.states(said) == {"reopened"}
        await trio.sleep(120)
        assert made.states(said) == {"reopened"}


async def test_a_closing_that_counts_whatever_it_did_not_know_loses_an_objection(autojump_clock, monkeypatch):
    """The planted bug: with it the same story ends as agreed, which the test above forbids."""
    judge = rules._state
    monkeypatch.setattr(
        rules,
        "_state",
        lambda thread, line, _standing, closings, _counting: judge(thread, line, (), closings, closings),
    )
    async with forum(3, ("ana",), {"bob": None, "cem": None}) as made:
        said = await objected_elsewhere(made)
        assert made.states(said) == {"agreed"}


async def test_a_room_without_consensus_escalates_once_and_is_silent_until_the_person_answers(autojump_clock):
    """Ten messages: one escalation for all, no automatic word more; the person's answer ends it, who and when."""
    async with forum(4, ("ana", "ben"), {"bob": chatty, "cem": chatty, "dan": chatty}) as made:
        said = await made.propose("ana", "Do it my way")
        for n in range(9):
            await made.send("ana", f"Argument {n}", said.thread_id)
        view = lambda name: made.view(name, said.thread_id)  # noqa: E731 - short here
        await until("escalated everywhere", lambda: all(view(name).escalations for name in made.services))
        await trio.sleep(30)
        assert all([one.cause for one in view(name).escalations] == ["messages"] for name in made.services)
        assert all(view(name).row.escalated for name in made.services)
        assert [item.kind for item in made.services["ben"].inbox.waiting()].count("escalation") == 1
        before = made.messages("ana")
        await trio.sleep(600)
        assert made.messages("ana") == before

        with pytest.raises(Problem, match="by a person"):
            await made.answer("bob", said.thread_id, "I am a person, honestly")
        answer = await made.answer("ben", said.thread_id, "Ana decides")
        assert answer.ended == 1
        await until("ended everywhere", lambda: not any(view(name).row.escalated for name in made.services))
        [one] = view("cem").escalations
        assert one.ended_by == "ben"
        assert one.ended_at is not None


async def test_half_an_hour_without_agreement_escalates(autojump_clock):
    """A question nobody answers, with nobody saying a word more."""
    async with forum(5, ("ana",), {"bob": None}) as made:
        said = await made.query("ana", "Who knows?")
        await trio.sleep(29 * 60)
        assert made.view("bob", said.thread_id).escalations == []
        await trio.sleep(120)
        assert [one.cause for one in made.view("bob", said.thread_id).escalations] == ["time"]


async def test_two_sides_that_escalate_apart_show_one_escalation(autojump_clock):
    """Each half says it once; after healing there is one, and one answer ends it."""
    async with forum(6, ("ana", "ben"), {"bob": None, "cem": None}) as made:
        said = await made.query("ana", "Who knows?")
        await until("all hold it", lambda: all(made.messages(name) for name in made.services))
        ids = {name: peer.peer_id for name, peer in made.at.peers.items()}
        made.at.network.partition([ids["ana"], ids["bob"]], [ids["ben"], ids["cem"]])
        await trio.sleep(32 * 60)
        made.at.network.heal()
        await trio.sleep(90)
        raised = [len(service.rooms.thread("room", said.thread_id).raised) for service in made.services.values()]
        assert raised == [2] * 4
        assert all(len(made.view(name, said.thread_id).escalations) == 1 for name in made.services)
        await made.answer("ben", said.thread_id, "I do")
        await until("ended", lambda: not any(made.view(name, said.thread_id).row.escalated for name in made.services))


async def test_a_question_to_a_role_is_answered_by_one_agent_of_it_who_is_called_in(autojump_clock):
    """Only the role's members are called into the room, and one answer is enough."""
    async with forum(7, ("ana",), {"bob": chatty}) as made:
        await made.start("rev", chatty, role="reviewer")
        await made.start("vic", chatty, role="reviewer")
        await until("all are members", lambda: len(made.at.peers["ana"].control.members) == 4)
        said = await made.query("ana", "Is it safe?", to_roles=["reviewer"])
        answers = lambda: [line for line in made.view("ana", said.thread_id).lines if line.type == "answer"]  # noqa: E731
        await until("answered", answers)
        await trio.sleep(60)
        assert len(answers()) == 1
        assert answers()[0].author_name in ("rev", "vic")
        assert [made.services[name].presence.rooms for name in ("bob", "rev", "vic")] == [
            frozenset(), frozenset({"room"}), frozenset({"room"}),
        ]  # fmt: skip


@pytest.mark.parametrize("seed", [11])
async def test_twenty_agents_that_always_talk_come_to_rest(autojump_clock, seed):
    """Messages lost, halves cut off from each other: what they say by themselves is bounded, and then it is quiet."""
    agents = {f"agent{n:02}": chatty for n in range(18)}
    async with forum(seed, ("ana", "ben"), agents) as made:
        ids = [peer.peer_id for peer in made.at.peers.values()]
        made.at.network.loss, made.at.network.duplication = 0.1, 0.1
        said = await made.propose("ana", "Everybody say something")
        await made.query("ben", "And what of this?")
        await trio.sleep(12)
        made.at.network.partition(ids[:9], ids[9:])
        await trio.sleep(60)
        made.at.network.heal()
        await trio.sleep(120)
        automatic = made.messages("ana") - 2
        assert 2 <= automatic <= 2 * 2 * turns.MOST_SPEAKERS * turns.MOST_IN_THREAD
        assert len({made.messages(name) for name in made.services}) == 1
        quiet = made.messages("ana")
        await trio.sleep(120)
        assert made.messages("ana") == quiet
        objections = [line for line in made.view("ana", said.thread_id).lines if line.type == "objection"]
        assert objections
        assert made.states(said) <= {"objected", "reopened"}


async def test_what_is_sealed_to_a_role_is_read_by_its_members_alone(autojump_clock):
    """Words for reviewers: the reviewer answers them sealed, the others see who spoke to whom; a role nobody has is an error."""
    seen: list[str] = []

    def reader(kind: str, material: dict[str, Any]) -> dict[str, Any] | None:
        seen.append(material["about"]["text"])
        return {"say": True, "text": "It is in the vault"} if kind == "answer" else None

    def other(_kind: str, material: dict[str, Any]) -> dict[str, Any] | None:
        seen.append(f"other: {material}")
        return None

    async with forum(24, ("ana",), {"bob": other}) as made:
        await made.start("rev", reader, role="reviewer")
        await until("all are members", lambda: len(made.at.peers["ana"].control.members) == 3)
        with pytest.raises(Problem) as refused:
            await made.query("ana", "Where is it?", to_roles=["nobody"], restricted=True)
        assert "no other member has the role nobody" in refused.value.fields["to_roles"]

        said = await made.query("ana", "Where is the plan?", to_roles=["reviewer"], restricted=True)
        answered = lambda name: [(l.message, l.hidden) for l in made.view(name, said.thread_id).lines]  # noqa: E731, E741
        await until("answered", lambda: len(answered("ana")) == len(answered("bob")) == 2)
        assert answered("ana") == [("Where is the plan?", False), ("It is in the vault", False)]
        assert answered("bob") == [(SEALED_WORDS, True)] * 2
        assert seen == ["Where is the plan?"]


async def test_refusals_name_the_way_out(autojump_clock):
    """A message that is not there, nothing to object to, another's objection, nothing to answer, no roles to seal for."""
    async with forum(25, ("ana",), {"bob": None}) as made:
        said = await made.send("ana", "Just a thought")
        proposal = await made.propose("ana", "Do it", said.thread_id)
        await until("bob holds it", lambda: made.messages("bob") == 2)
        objection = await made.object("bob", proposal.msg_id, "No")
        await until("ana holds it", lambda: made.messages("ana") == 3)
        operations = made.services["ana"].operations

        async def told(call: Any) -> str:
            with pytest.raises(Problem) as refused:
                await call
            return str(refused.value)

        assert "'chorus-tui hmmm show ROOM' prints the ids" in await told(made.reply("ana", "ffff0000", "x"))
        assert "Name a proposal" in await told(made.object("ana", said.msg_id, "x"))
        assert "Only who raised it can settle it" in await told(made.agree("ana", objection.msg_id))
        assert "never escalated" in await told(made.answer("ana", said.thread_id, "x"))
        sealed = models.Say(issue_id="room", message="x", restricted=True)
        assert "to_roles: name the roles" in await told(operations.send(sealed, None))
        assert "'chorus-tui hmmm rooms'" in await told(operations.show(models.ShowThread(issue_id="nowhere"), None))


async def test_a_proposer_that_crashes_closes_after_its_return_and_tells_it_once(autojump_clock):
    """Its proposal is on its disk: it waits for its return, is closed then, and told to SLURP once, also after another crash."""
    async with forum(26, ("ana",), {"bob": None, "cem": None}) as made:
        said = await made.propose("bob", "Do it tonight")
        await until("all hold it", lambda: "" not in made.states(said))
        images = made.kill("bob")
        await trio.sleep(60)
        assert made.states(said) == {"open"}
        await made.start("bob", images=images)
        await made.all_see(said, "agreed", 180)
        told = lambda: [len(service.rooms.events) for service in made.services.values()]  # noqa: E731 - short here
        await until("told", lambda: told() == [1, 1, 1])

        await made.start("bob", images=made.kill("bob"))
        await trio.sleep(60)
        assert told() == [1, 1, 1]
        assert made.states(said) == {"agreed"}


async def test_who_calls_for_a_person_goes_on_talking_without_ending_it(autojump_clock):
    """The caller's own words leave it standing; another person's word ends it, and says so."""
    async with forum(27, ("ana", "ben"), {"bob": None}) as made:
        said = await made.send("ana", "Shall we?")
        asked = models.Escalate(issue_id="room", thread_id=said.thread_id, reason="Ben must say")
        await made.services["ana"].operations.escalate(asked, None)
        escalated = lambda: {made.view(name, said.thread_id).row.escalated for name in made.services}  # noqa: E731 - short here
        await until("escalated everywhere", lambda: escalated() == {True})
        assert (await made.send("ana", "I would", said.thread_id)).ended == 0
        await until("all hold it", lambda: {made.messages(name) for name in made.services} == {3})
        assert escalated() == {True}
        assert (await made.send("ben", "So would I", said.thread_id)).ended == 1
        await until("ended everywhere", lambda: escalated() == {False})
