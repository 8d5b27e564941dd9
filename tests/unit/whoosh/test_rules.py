"""Assignments: checked as a whole, above the environment, below nothing."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.runtime.sources import RELOADED, taken_up
from chorus_tui.engine.service_settings import filled
from chorus_tui.engine.settings import SettingsError, load
from chorus_tui.engine.whoosh import rules
from chorus_tui.engine.whoosh.rules import Assignment, Unusable

EXAMPLE = {
    "agent_id": "agent-123", "role": "developer", "expertise": ["rust", "go"], "reports_to": "agent-admin", "max_tasks": 5,
    "bootstrap_peers": ["/ip4/192.168.1.100/tcp/9000/p2p/12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p"],
    "join_stagger_ms": 5000,
}  # fmt: skip


def test_the_originals_example_stands_above_the_environment():
    """Every field; what the environment says besides stays."""
    settings = load({"CHORUS_AGENT_ROLE": "reviewer", "CHORUS_AGENT_MAX_TASKS": "1", "CHORUS_API_PORT": "7"}, "agent")
    found = rules.read(EXAMPLE)
    now = rules.over(settings, found.assignment)

    assert found.unknown == ()
    assert (now.agent_id, now.role, now.expertise, now.reports_to) == (
        "agent-123",
        "developer",
        ("rust", "go"),
        "agent-admin",
    )
    assert (now.max_tasks, now.bootstrap_peers, now.api_port) == (5, tuple(EXAMPLE["bootstrap_peers"]), 7)
    assert rules.stagger_s(found.assignment) == 5.0
    assert "CHORUS_AGENT_EXPERTISE" in now.given


@pytest.mark.parametrize("field", sorted(EXAMPLE))
def test_what_is_left_out_or_null_stays_as_it_is(field):
    """Go writes an empty list as null."""
    settings = load({}, "agent")
    for document in ({}, {field: None}):
        assert rules.over(settings, rules.read(document).assignment) == settings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", "No Good"), ("agent_id", 7), ("role", "x" * 65), ("role", "a\nb"), ("expertise", "rust"),
        ("expertise", ["x"] * 33), ("expertise", [""]), ("expertise", [7]), ("reports_to", "No Good"), ("max_tasks", -1),
        ("max_tasks", 1001), ("max_tasks", "5"), ("max_tasks", 2.5), ("max_tasks", True), ("bootstrap_peers", ["here"]),
        ("bootstrap_peers", ["/ip4/192.0.2.1/tcp/1"] * 65), ("join_stagger_ms", -1), ("join_stagger_ms", 600_001),
    ],
)  # fmt: skip
def test_one_wrong_field_makes_the_whole_useless_and_is_named(field, value):
    """Beside good ones too: half an assignment is none."""
    with pytest.raises(Unusable, match=f"^{field}"):
        rules.read({**EXAMPLE, field: value})


def test_a_whoosh_that_was_away_is_asked_ever_less_often_and_for_ever():
    """From seconds to minutes, never twice as late as the bound, and not by all agents at once."""
    pauses = [rules.pause_s(asked) for asked in range(100)]

    assert pauses[0] == (2.5, 5.0)
    assert pauses[-1] == (150.0, 300.0)
    assert all(one[1] <= other[1] for one, other in pairwise(pauses))
    assert all(low == high / 2 for low, high in pauses)


def test_unknown_keys_are_named_and_have_no_effect():
    """A newer WHOOSH breaks nobody."""
    found = rules.read({"role": "developer", "colour": "blue", "zeal": 9})

    assert found.unknown == ("colour", "zeal")
    assert found.assignment == Assignment(role="developer")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
    )
)
def test_any_json_in_any_field_is_taken_or_refused_in_words(value):
    """One kind of error, whatever comes."""
    for field in EXAMPLE:
        said = ""
        try:
            said = repr(getattr(rules.read({field: json.loads(json.dumps(value))}).assignment, field))
        except Unusable as error:
            said = str(error).partition(":")[0].partition(".")[0]
        assert said in (field, repr(value))


def test_templates_are_filled_in_and_cannot_leave_their_place():
    """A value is one part of the address, whatever it holds."""
    url = "https://w.example/a/{{.Service.Name}}.{{ .Task.Slot }}.json?me={{.Agent.ID}}"

    assert filled(url, service="mesh_agent", slot="3", agent="a1") == "https://w.example/a/mesh_agent.3.json?me=a1"
    assert "../" not in filled(url, service="../../x", slot="1", agent="a")


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"ASSIGN_URL": "https://w/{{.Service.Name}}"}, "elsewhere set CHORUS_SERVICE_NAME"),
        ({"ASSIGN_URL": "https://w/{{.Node.Color}}"}, r"template {{\.Node\.Color}} is not known"),
        ({"ASSIGN_URL": "ftp://w/x"}, "no address such as"),
        ({"ASSIGN_URL": "https://user:hunter2@w/x"}, "holds a user or password"),
        ({"CHORUS_KACHING_URL": "https://k"}, "CHORUS_KACHING_PUBLIC_KEY: needed"),
        ({"CHORUS_KACHING_PUBLIC_KEY": "abc"}, "not a public key"),
        ({"CHORUS_CLUSTER_ID": "a b"}, "no name of a cluster"),
        ({"CHORUS_BACKBEAT_ENDPOINT": "pulse.example"}, "say https://pulse.example"),
    ],
)
def test_settings_of_services_that_cannot_be_right_are_named_with_the_way_out(environment, why):
    """At the start, all at once, without a password."""
    with pytest.raises(SettingsError, match=why) as caught:
        load(environment, "agent")

    assert "hunter2" not in str(caught.value)


def test_services_elsewhere_in_clear_are_warned_of():
    """Not on this machine, and not with https."""
    said = load(
        {"ASSIGN_URL": "http://w.example/x", "CHORUS_BACKBEAT_ENDPOINT": "http://127.0.0.1:1"}, "agent"
    ).warnings

    assert len(said) == 1
    assert "on the way to w.example" in said[0]


def test_a_reload_takes_up_what_it_can_and_names_the_rest():
    """The table of what can change while the engine runs, field by field."""
    before = load({}, "agent")
    now = load(
        {"CHORUS_AGENT_ROLE": "reviewer", "CHORUS_LOG_LEVEL": "debug", "CHORUS_API_PORT": "9", "CHORUS_AGENT_ID": "x"},
        "agent",
    )
    after, later = taken_up(before, now)

    assert (after.role, after.log_level, after.api_port, after.agent_id) == ("reviewer", "debug", 8080, "")
    assert later == ["CHORUS_AGENT_ID", "CHORUS_API_PORT"]
    assert {"role", "expertise", "max_tasks", "bootstrap_peers", "reports_to"} <= RELOADED
