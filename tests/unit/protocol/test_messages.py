"""The table of message types: complete, told to people as it is, and each type refuses what is not of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chorus_tui.engine.protocol import canonical, envelope, messages, topics
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages.base import MessageType
from chorus_tui.engine.protocol.messages.describe import markdown
from tests.unit.protocol.misfits import misfit

ORIGINAL = [
    "task_announcement",
    "task_claim",
    "task_progress",
    "task_complete",
    "capability_broadcast",
    "availability_broadcast",
    "meta_discussion",
    "task_help_request",
    "task_help_response",
    "coordination_request",
    "coordination_complete",
    "dependency_alert",
    "escalation_trigger",
    "role_announcement",
    "expertise_request",
    "expertise_response",
    "status_update",
    "work_allocation",
    "role_collaboration",
    "mentorship_request",
    "mentorship_response",
    "project_update",
    "deliverable_ready",
    "feedback_event",
    "context_request",
    "context_response",
    "context_usage",
    "context_relevance",
    "slurp_event_generated",
    "slurp_event_ack",
    "slurp_context_update",
]
LOG_TYPES = {
    "task_announcement": "task_announced", "task_claim": "task_claimed", "task_progress": "task_progress",
    "task_complete": "task_completed", "capability_broadcast": "capability_broadcast", "availability_broadcast": "network_event",
    "meta_discussion": "collaboration", "task_help_request": "collaboration", "role_announcement": "collaboration",
    "expertise_request": "collaboration", "mentorship_request": "collaboration", "status_update": "collaboration",
    "escalation_trigger": "escalation", "feedback_event": "context_feedback", "context_request": "context_request",
}  # fmt: skip
ROWS = list(messages.TYPES.items())


def test_all_31_types_of_the_original_are_here_under_its_log_types():
    """None is missing; where the original says how it logs a type, so do we."""
    assert len(ORIGINAL) == 31
    assert set(ORIGINAL) <= set(messages.TYPES)
    assert {name: messages.log_type(name) for name in LOG_TYPES} == LOG_TYPES


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_each_type_says_who_sends_it_when_and_to_what_end(name: str, row: MessageType):
    """In words that stand in the page for people; and it has one topic, or a family of them."""
    assert row.by and row.when and row.effect
    assert (row.topic is None) == bool(row.family)
    assert f"| `{name}` |" in markdown()


def test_the_page_for_people_is_the_table():
    """``docs/messages.md`` is what ``make messages`` writes."""
    page = Path(__file__).parents[3] / "docs" / "messages.md"
    assert page.read_text(encoding="utf-8") == markdown(), "run: make messages"


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_each_type_refuses_what_is_not_of_its_kind(name: str, row: MessageType):
    """A field of the wrong kind is named with the type."""
    with pytest.raises(WireError) as caught:
        messages.check(name, misfit(row))
    assert caught.value.reason == "bad_data"
    assert str(caught.value).startswith(f"{name}: ")


@pytest.mark.parametrize(("value", "field"), [
    ({"type": "discussion", "version": "1"}, "version"), ({"type": "discussion", "node_id": "nobody", "version": 1}, "node_id"),
    ({"type": "Discussion", "version": 1}, "type"),
])  # fmt: skip
def test_a_raw_message_has_a_shape_too(value: dict[str, Any], field: str):
    """What every raw message has is checked before its data are looked at."""
    whole = {
        "node_id": "12D3KooWDckSqhJ6LnMdxh747z5wexDiStHttwpTe9d16WNAuZab",
        "timestamp": "2030-01-01T00:00:00.000Z",
        **value,
    }
    with pytest.raises(WireError, match=field):
        envelope.parse(canonical.encode(whole))


def test_topics_of_a_family_and_no_others():
    """A room's message belongs into a room."""
    row = messages.TYPES["hmmm_message"]
    assert row.belongs_on(topics.room("parser"))
    assert not row.belongs_on(topics.COORDINATION)
    assert messages.TYPES["expertise_request"].belongs_on(topics.expertise("Python"))
    assert not messages.TYPES["expertise_request"].belongs_on(topics.role("python"))
