"""The four rules: what belongs together, in which order whoever looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.coordination import rules
from chorus_tui.engine.coordination.rules import RULES, TaskText

MESH = "a" * 64


def text(number: int, words: str, repository: str = "", at_ms: int = 0, project: str = "") -> TaskText:
    task_id = f"01ARZ3NDEKTSV4RRFFQ69G5F{number:02d}"
    return TaskText(task_id, words[:20], words, repository or f"https://host/r{number}", project, "asker", "", at_ms)


def found(one: str, other: str, **options: str) -> str:
    """The rule that sees a dependency between two texts; empty: none does."""
    dependency = rules.detect(text(1, one), text(2, other, **options))
    return dependency.rule if dependency else ""


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("Design the API", "Implement the client", "API_Contract"),
        ("Migration of users", "A new TABLE for orders", "Database_Schema"),
        ("Read the Config", "Set up the environment", "Configuration_Dependency"),
        ("Rotate the token", "Check every permission", "Security_Compliance"),
        ("Design the API", "Describe the API", ""),
        ("Implement a", "Implement b", ""),
        ("settings", "parameters", ""),
        ("Draw a picture", "Write a song", ""),
    ],
)
def test_each_rule_fires_on_its_words_alone(one, other, rule):
    """Whatever their case and whichever of the two is looked at first."""
    assert (found(one, other), found(other, one)) == (rule, rule)


def test_only_two_repositories_are_compared():
    """The same one under two spellings is one; a task without one is compared with nothing."""
    words = "database schema"
    same = {"https://host/r1", "https://host/r1.git", "https://HOST/r1/"}

    assert [found(words, words, repository=repository) for repository in sorted(same)] == ["", "", ""]
    assert rules.detect(text(1, words), TaskText("x", "t", words, "", "", "asker", "", 0)) is None
    assert found(words, words) == "Database_Schema"


def test_every_rule_that_fires_is_in_the_reason_and_the_first_names_it():
    """With confidence 0.8, and with the task that was announced first as the first."""
    early, late = text(2, "auth for the api config", at_ms=5), text(1, "implement auth, config", at_ms=9)

    dependency = rules.detect(late, early)

    assert dependency is not None
    assert (dependency.task1.task_id, dependency.task2.task_id) == (early.task_id, late.task_id)
    assert (dependency.rule, dependency.confidence) == ("API_Contract", 0.8)
    assert all(
        name in dependency.reason for name in ("API_Contract", "Configuration_Dependency", "Security_Compliance")
    )
    assert "Database_Schema" not in dependency.reason


def test_rules_are_data():
    """A mesh may compare by a rule of its own."""
    own = rules.Rule("Colours", ("red",), ("blue",), "colour", "the palette")

    dependency = rules.detect(text(1, "RED"), text(2, "blue"), [own])

    assert dependency is not None and dependency.rule == "Colours"
    assert rules.detect(text(1, "red"), text(2, "red"), [own]) is None


WORDS = st.lists(st.sampled_from(["api", "implement", "Schema", "config", "TOKEN", "tree", "x"]), max_size=4).map(
    " ".join
)
TASKS = st.builds(
    text,
    st.integers(1, 9),
    WORDS,
    st.sampled_from(["", "https://h/a"]),
    st.integers(0, 3000),
    st.sampled_from(["", "p q"]),
)


@given(TASKS, TASKS)
def test_the_order_of_a_pair_changes_nothing(one, other):
    """The dependency, the key of the pair and the session's name are the same whichever task is looked at first."""
    assert rules.detect(one, other) == rules.detect(other, one)
    assert rules.pair(MESH, one.task_id, other.task_id) == rules.pair(MESH, other.task_id, one.task_id)
    assert rules.session_id(one, other) == rules.session_id(other, one)


@given(st.lists(TASKS, min_size=2, max_size=6, unique_by=lambda task: task.task_id))
def test_two_pairs_never_share_a_session(tasks):
    """Also when everything is announced in the same second."""
    pairs = [(one, other) for n, one in enumerate(tasks) for other in tasks[n + 1 :]]

    assert len({rules.session_id(*pair) for pair in pairs}) == len(pairs)
    assert all(len(rules.session_id(*pair)) <= 128 for pair in pairs)
    assert all(rule.name for rule in RULES)
