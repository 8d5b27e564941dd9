"""When a person is needed, and that it is one escalation for everybody."""

from __future__ import annotations

import pytest

from chorus_tui.engine.hmmm import escalation
from tests.unit.hmmm.threads import closing, is_person, line, raised, thread

P = line("ada", "proposal", "p", 0)
MINUTES = 60_000


def causes(made, now_ms=0):
    return [need.cause for need in escalation.needs(made, now_ms, is_person)]


def test_ten_messages_without_agreement():
    """Nine are not ten; what agreed before counts anew; among people alone nobody is called."""
    talk = [line("bob", "discussion", f"d{n}", 40 + n) for n in range(9)]

    assert causes(thread(P, *talk)) == ["messages"]
    assert causes(thread(P, *talk[:-1])) == []
    assert causes(thread(P, closing(P, 35, "bob"), *talk)) == []
    assert causes(thread(*(line("ana", "discussion", f"d{n}", n) for n in range(20)))) == []


def test_thirty_minutes_without_agreement():
    """An open proposal or a question without an answer; not one that is agreed, replaced, or answered, be it by who asked."""
    question = line("ana", "question", "q", 0)

    assert causes(thread(P), 30 * MINUTES) == ["time"]
    assert causes(thread(P), 30 * MINUTES - 1) == []
    assert causes(thread(P, closing(P, 35, "bob")), 31 * MINUTES) == []
    assert causes(thread(question), 30 * MINUTES) == ["time"]
    for who in ("bob", "ana"):
        assert causes(thread(question, line(who, "answer", "a", 1, "q")), 31 * MINUTES) == []


@pytest.mark.parametrize(
    "words", ["I am STUCK here", "needs manual intervention", "clarification needed", "ask a human"]
)
def test_words_of_distress_of_an_agent(words):
    """The original's words, said by an agent; a person may use them."""
    assert causes(thread(line("bob", "discussion", "d", 1, message=words))) == ["distress"]
    assert causes(thread(line("ana", "discussion", "d", 1, message=words))) == []
    assert causes(thread(line("bob", "discussion", "d", 1, message="a helpful, humane word"))) == []


def test_two_that_see_a_cause_name_one_escalation():
    """Said by two peers it is shown once, by the earlier; nobody has to say it again; a person's word ends it for ever."""
    distress = line("bob", "discussion", "d", 1, message="stuck")
    made = thread(distress, raised("bob", "distress", 2), raised("cem", "distress", 3))
    [one] = escalation.standing(made, is_person)

    assert one.first.author == "bob"
    assert escalation.untold(made, 0, is_person) == []
    made.add(line("cem", "answer", "fake", 4, "d", ends=[one.key]))
    assert escalation.standing(made, is_person) == [one]
    made.add(line("ana", "answer", "real", 5, "d", ends=[one.key]))
    assert escalation.standing(made, is_person) == []
    made.raised.update(thread(raised("dan", "distress", 9)).raised)
    assert escalation.standing(made, is_person) == []
    assert escalation.untold(made, 0, is_person) == []


def test_each_asking_is_a_cause_of_its_own():
    """Who asks again after an answer is heard again."""
    first, second = line("bob", "escalation", "e1", 1), line("bob", "escalation", "e2", 9)
    made = thread(first, second, raised("bob", "asked", 2, "e1"))

    assert [need.ref for need in escalation.untold(made, 0, is_person)] == ["e2"]
