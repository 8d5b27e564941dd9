"""The pure parts of the agent loop: what an answer may be, what it may cost, what is shown of the past."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.ai.agent import actions
from chorus_tui.engine.ai.agent.actions import Action, BadAction
from chorus_tui.engine.ai.agent.budget import LEAST_ANSWER, Allowance, Purse, counted
from chorus_tui.engine.ai.agent.conversation import OBSERVATION_BYTES, Conversation, bounded, size_of
from chorus_tui.engine.ai.interface import Usage

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=200).filter(str.strip)


@given(TEXTS, st.sampled_from(actions.NAMES), TEXTS)
def test_what_follows_the_schema_is_understood(thought, name, text):
    """The three fields come back as they were."""
    raw = json.dumps({"thought": thought, "action": name, "input": text})

    assert actions.parse(raw) == Action(thought, name, text)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("sure, here you go", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"action": "rm", "input": "x"}', "must be one of shell"),
        ('{"action": "shell", "input": "  "}', "input is missing or empty"),
        ('{"action": "shell", "input": 7}', "input must be a text"),
        ('{"action": "shell", "input": "a\\u0000b"}', "NUL"),
        ('{"action": "shell", "input": "sed s/[\\ud800-\\udfff]//g a.js"}', "input holds half a character"),
        ('{"thought": "done \\ud83d", "action": "finish", "input": "x"}', "thought holds half a character"),
        (json.dumps({"action": "shell", "input": "x" * (actions.INPUT + 1)}), "characters; 8000 are allowed"),
    ],
)
def test_what_is_no_action_is_told_to_the_model(raw, told):
    """The sentence names the field and what would be right."""
    with pytest.raises(BadAction, match=told):
        actions.parse(raw)


@given(
    st.text(max_size=300)
    | st.fixed_dictionaries({"action": st.just("shell"), "input": st.text(st.characters(codec=None), max_size=20)}).map(
        json.dumps
    )
)
def test_no_answer_breaks_the_reading_of_it(raw):
    """An action or BadAction, nothing else; what is read can be written to a file, a container and a log."""
    with suppress(BadAction):
        action = actions.parse(raw)
        assert action.input.strip()
        assert f"{action.thought} {action.input}".encode()


@given(
    st.integers(1, 50), st.integers(500, 20_000), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 3000))),
    st.integers(0, 30_000),
)  # fmt: skip
def test_no_answer_is_asked_for_that_cannot_be_paid(steps, tokens, answers, prompt):
    """Whatever was spent: while nothing is exhausted the answer's bound and the guessed prompt fit into what is left."""
    purse = Purse(Allowance(steps, tokens, 60.0, 1))
    for read, written in answers:
        purse.spend(Usage(read, written))
    resource = purse.exhausted(prompt, 1.0)

    assert (resource == "steps") == (len(answers) >= steps)
    if resource is None:
        assert LEAST_ANSWER <= purse.answer_tokens(prompt) <= tokens - purse.usage.total
    assert purse.exhausted(prompt, 60.0) == "time"


def test_an_answer_that_nobody_counted_is_not_free():
    """A provider without usage is guessed at."""
    assert counted(Usage(), 300, "x" * 30) == Usage(100, 10)
    assert counted(Usage(1, 2), 300, "x") == Usage(1, 2)


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=2000)), max_size=20), st.integers(500, 5000))
def test_the_past_stays_bounded_and_in_order(turns, most):
    """Actions and the newest observation stay whole, roles alternate, and what is shown shrinks to what can't be left out."""
    talk = Conversation(most)
    talk.say("system", "s")
    talk.say("user", "goal")
    for step, (_, text) in enumerate(turns, 1):
        talk.say("assistant", f"action {step}")
        talk.observe(step, text)
    shown = talk.shown()
    roles = [message.role for message in shown]
    whole = "\n".join(message.content for message in shown)

    assert all(one != other for one, other in itertools.pairwise(roles))
    assert [f"action {step}" in whole for step in range(1, len(turns) + 1)] == [True] * len(turns)
    if turns:
        assert shown[-1].content.endswith(bounded(turns[-1][1], OBSERVATION_BYTES))
    kept = 100 * len(turns) + len(turns[-1][1].encode() if turns else b"") + 100
    assert size_of(shown) <= max(most, kept) + 2000


@given(st.text(max_size=3000), st.integers(10, 500))
def test_a_bounded_text_says_what_is_missing(text, most):
    """Whole when it fits, else beginning, count, end."""
    short = bounded(text, most)

    assert short == text if len(text.encode()) <= most else "bytes left out" in short
    assert len(short.encode()) <= most + 60
