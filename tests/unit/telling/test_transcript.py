"""A transcript is told step by step; nothing of it is left out silently."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.telling.transcript import readable


def line(kind, text, **facts):
    """As the engine keeps it."""
    return json.dumps({"at": 1_790_000_000.0, "step": 1, "kind": kind, "text": text, **facts})


def shown(*lines):
    """The text a reader sees."""
    return "\n".join(text for _, text in readable(lines))


def test_a_step_shows_action_thought_model_and_tokens():
    """What the model chose, why, and what it cost; an action in a fence is understood too."""
    answer = json.dumps({"thought": "look first", "action": "shell", "input": "ls\nwc -l *"})
    facts = {"provider": "ollama", "model": "m", "prompt_tokens": 1000, "answer_tokens": 34}
    for text in (answer, f"```json\n{answer}\n```"):
        told = shown(line("answer", text, **facts), line("observation", "exit code 0"))

        assert "── step 1" in told
        assert "ollama/m · 1,034 tokens" in told
        assert "   look first\n   shell: ls\n   wc -l *" in told
        assert "── it saw\n   exit code 0" in told


def test_the_end_says_its_outcome_and_reason():
    """In the words of the result."""
    told = shown(line("end", "24 steps used", outcome="budget_exhausted", reason="steps"))

    assert told == "── end: budget exhausted, steps\n   24 steps used"


def test_the_setup_is_named_and_not_told():
    """The same instructions for every task would hide the work."""
    assert "3 characters" in shown(line("system", "abc"))


@given(st.lists(st.text() | st.dictionaries(st.text(), st.integers() | st.text()).map(json.dumps)))
def test_lines_that_are_no_entries_are_shown_as_they_are(lines):
    """Damaged or newer transcripts are readable still."""
    told = [text for _, text in readable(lines)]

    for one in lines:
        if one.strip() and '"kind"' not in one:
            assert one in told
