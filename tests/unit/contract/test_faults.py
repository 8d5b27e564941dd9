"""What is wrong with what a person typed is told in words for people, whoever tells it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from chorus_tui.contract.models.journal import TailJournal
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.api.problems import field_messages
from chorus_tui.widgets.faults import faults

GOOD: dict[str, Any] = {"title": "t", "commands": ["true"]}
CASES: list[tuple[type[Any], dict[str, Any], str, str]] = [
    (TaskSpec, {**GOOD, "timeout_s": "soon"}, "timeout_s", "a number of seconds, such as 600"),
    (TaskSpec, {**GOOD, "timeout_s": 1.5}, "timeout_s", "a number of seconds, such as 600"),
    (TaskSpec, {**GOOD, "goal": "g", "budget": {"steps": "many"}}, "budget.steps", "a whole number, such as 24"),
    (TaskSpec, {**GOOD, "priority": "soon"}, "priority", "is one of: low, medium, high or urgent"),
    (TaskSpec, {**GOOD, "colour": "red"}, "colour", "there is no such field"),
    (TaskSpec, {**GOOD, "title": 7}, "title", "a text"),
    (TaskSpec, {**GOOD, "commands": "true"}, "commands", "a list"),
    (TaskSpec, {"commands": ["true"]}, "title", "is needed"),
    (TailJournal, {"limit": "all"}, "limit", "a whole number, such as 24"),
]


@pytest.mark.parametrize(("model", "typed", "name", "words"), CASES)
def test_a_fault_is_told_alike_in_forms_and_by_the_api(model, typed, name, words):
    """Its field, and what it takes; nothing of how the program read it."""
    with pytest.raises(ValidationError) as found:
        model.model_validate(typed)

    for told in (faults(found.value), field_messages(found.value)):
        assert told[name] == words
        assert not re.search(r"Input should|unable to|valid (integer|string|list)|permitted", " ".join(told.values()))
