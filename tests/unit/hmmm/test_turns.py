"""Who may speak by itself: nothing goes round in circles."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.engine.hmmm import turns
from chorus_tui.engine.hmmm.turns import Speaker
from tests.unit.hmmm.threads import is_person, line, raised, thread

Q = line("ana", "question", "q", 0)
BOB = Speaker("bob", "bob", "reviewer", ("sql",))


def why(made, one, me=BOB):
    return turns.silent_because(made, one, me, is_person)


def test_an_agent_answers_once_and_never_itself():
    """A question is answered by one agent, once."""
    assert why(thread(Q), Q) == ""
    assert why(thread(Q, line("cem", "answer", "a", 1, "q")), Q) == "others have said enough"
    mine = line("bob", "discussion", "m", 1, "q")
    assert why(thread(Q, mine), Q) == "it has replied"
    assert why(thread(Q, mine), mine) == "it is its own"


def test_chains_and_crowds_end():
    """Hop limit three; five agents in a thread; so many a minute."""
    last = line("cem", "discussion", "d", 0, hop_count=3)
    crowd = [line(f"agent{n}", "discussion", f"d{n}", n) for n in range(5)]

    assert why(thread(last), last) == "it is the last of a chain of replies"
    assert why(thread(Q, *crowd), Q) == "5 agents speak here already"
    assert why(thread(Q, *crowd[:4]), Q) == ""
    assert why(thread(Q), Q, Speaker("bob", "bob", said_in_room=4)) == "it has said enough in this minute"


def test_where_a_person_is_waited_for_agents_are_silent():
    """Until a person's word ends it."""
    assert why(thread(Q, raised("cem", "asked", 1, "x")), Q) == "a person is waited for"


def test_what_is_addressed_to_an_agent():
    """By name, role or area; as the author of what is answered; and what is asked of nobody is for all."""
    mine = line("bob", "discussion", "mine", 0)
    made = thread(mine)

    def to_me(type_, **fields):
        return turns.addressed(made, line("ana", type_, "x", 1, **fields), BOB)

    assert to_me("question")
    assert to_me("question", to_roles=["Reviewer"])
    assert to_me("question", to_roles=["SQL"])
    assert not to_me("question", to_roles=["tester"])
    assert to_me("discussion", message="what does @bob say")
    assert not to_me("question", message="what does @cem say")
    assert not to_me("discussion")
    assert to_me("discussion", parent="mine")


def automatic_words(count: int, opened: list[str], most: int) -> int:
    """How many words agents say that would reply to everything, until they are quiet; stopped at ``most``."""
    made = thread(*(line("ana", type_, f"o{n}", n) for n, type_ in enumerate(opened)))
    agents = [Speaker(f"agent{n}", f"agent{n}") for n in range(count)]
    said, replied = 0, True
    while replied and said < most:
        replied = False
        for me in agents:
            for one in made.in_order():
                if turns.may_speak(made, one, me, is_person):
                    said, replied = said + 1, True
                    type_ = "answer" if one.said.type == "question" else "discussion"
                    hops = min(one.said.hop_count + 1, turns.MAX_HOPS)
                    made.add(line(me.peer_id, type_, f"r{said}", 10 + said, one.said.msg_id, hop_count=hops))
    return said


BOUND = turns.MOST_SPEAKERS * turns.MOST_IN_THREAD


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 20), st.lists(st.sampled_from(["question", "discussion", "proposal"]), min_size=1, max_size=4))
def test_agents_that_always_reply_come_to_rest(count, opened):
    """However many agents would reply to everything: at most five speak, at most thirty times, and then it is quiet."""
    assert automatic_words(count, opened, 1_000) <= BOUND


def test_without_its_limits_the_same_talk_has_no_end(monkeypatch):
    """The planted bug: no agent is ever tired, and several may answer one word. The bound above is the limits' doing."""
    monkeypatch.setattr(turns, "tired", lambda *_: "")
    monkeypatch.setattr(turns, "enough", lambda *_: False)

    assert automatic_words(8, ["discussion"], BOUND + 50) > BOUND
