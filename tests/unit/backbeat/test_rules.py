"""BACKBEAT's rules: the fields of the original, counting, drift, phases, bars."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chorus_tui.contract.models.beats import BarSummary, Beats
from chorus_tui.engine.backbeat import claims, rules
from chorus_tui.engine.backbeat.bar import Bar
from chorus_tui.engine.backbeat.claims import Doing
from chorus_tui.engine.backbeat.operations import MOST_CLAIMED, Leading, Operations, election
from chorus_tui.engine.protocol.messages.beats import BeatFrame, OperationClaim, StatusClaim
from chorus_tui.telling import beats

FRAME = {
    "type": "backbeat.beatframe.v1", "cluster_id": "prod", "beat_index": 240, "downbeat": True, "phase": "plan",
    "hlc": "7ffd:0001:abcd", "deadline_at": "2026-01-01T00:00:30Z", "tempo_bpm": 2.0, "window_id": "7e9b0e6c4c9a4e59b7f2d9a3c1b2e4d5",
    "metadata": {"pulse_version": "1"},
}  # fmt: skip
CLAIM = {
    "type": "backbeat.statusclaim.v1", "agent_id": "search-indexer:worker-03", "task_id": "t_1", "beat_index": 240, "state": "executing",
    "beats_left": 3, "progress": 0.5, "notes": "on it", "hlc": "7ffd:0001:beef",
    "resources": {"cpu_percent": 65.0, "memory_mb": 512, "disk_io_ops": 3, "network_kb": 1}, "dependencies": ["t_0"], "metadata": {},
}  # fmt: skip


@pytest.mark.parametrize("left_out", [*sorted(FRAME.keys() - {"metadata"}), None])
def test_a_frame_has_all_fields_of_the_original(left_out):
    """Each but the metadata is required."""
    data = {key: value for key, value in FRAME.items() if key != left_out}
    if left_out is None:
        assert BeatFrame.model_validate(data).model_dump(mode="json") == FRAME
    else:
        with pytest.raises(ValidationError, match=left_out):
            BeatFrame.model_validate(data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "backbeat.beatframe.v2"), ("cluster_id", "a b"), ("cluster_id", "x" * 65), ("beat_index", -1), ("phase", "work"),
        ("hlc", "7ffd:0001"), ("hlc", "7ffg:0001:abcd"), ("deadline_at", "soon"), ("tempo_bpm", 0.05), ("tempo_bpm", 1000.1),
        ("tempo_bpm", 2.05), ("window_id", "7e9b"), ("metadata", {"x": "y" * 20_000}), ("colour", "blue"),
    ],
)  # fmt: skip
def test_a_frame_out_of_its_bounds_is_refused(field, value):
    """Bounds, patterns, steps, and nothing else besides."""
    with pytest.raises(ValidationError):
        BeatFrame.model_validate({**FRAME, field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", "a.b"), ("agent_id", ""), ("agent_id", "x" * 129), ("task_id", "a b"), ("state", "asleep"), ("beats_left", 1001),
        ("beats_left", -1), ("progress", 1.1), ("notes", "x" * 257), ("hlc", ""), ("resources", {"gpu": 1}), ("mood", "good"),
    ],
)  # fmt: skip
def test_a_claim_out_of_its_bounds_is_refused(field, value):
    """As frames are; what may be left out may be left out."""
    with pytest.raises(ValidationError):
        StatusClaim.model_validate({**CLAIM, field: value})
    needed = {key: CLAIM[key] for key in ("type", "agent_id", "beat_index", "state", "hlc")}
    assert StatusClaim.model_validate(needed).model_dump(exclude_none=True)["state"] == "executing"


@given(index=st.integers(0, 10**9), bar=st.integers(1, 10_000))
def test_beats_fall_into_bars_in_order(index, bar):
    """The first of a bar is its downbeat; a bar's window is one, the next bar's another; phases go plan, execute, review."""
    downbeat, phase = rules.place(index, bar)
    order = ["plan", "execute", "review"]

    assert downbeat == (index % bar == 0)
    assert (rules.window("m", index, bar) == rules.window("m", index + 1, bar)) == ((index + 1) % bar != 0)
    if (index + 1) % bar:
        assert order.index(phase) <= order.index(rules.place(index + 1, bar)[1])


@given(st.floats(0, 2**33), st.integers(0, 10**9), st.text(max_size=20))
def test_the_short_clock_always_has_its_form(wall, counter, node):
    """Three groups of four hex digits, whatever goes in."""
    BeatFrame.model_validate({**FRAME, "hlc": rules.hlc(wall, counter, node)})


@given(st.floats(0.1, 1000), st.integers(1, 100), st.floats(-5, 5))
def test_drift_is_what_a_beat_is_late_however_many_were_missed(tempo, missed, late):
    """Against the beat before, at any tempo."""
    tempo = rules.tenths(tempo)
    now = 100.0 + missed * rules.beat_s(tempo) + late

    assert rules.drift_s((7, 100.0), (7 + missed, now), tempo) == pytest.approx(late, abs=1e-6)


def test_a_phase_between_two_beats_is_told_and_an_end_is_told_once():
    """Every phase since the claim before; then where it stands; after its end nothing."""
    followed = Operations()
    followed.see("task:1", "task", ("planning",), 0.0, 60.0)
    followed.see("task:1", "task", ("planning", "dispatching", "executing"), 1.0, 60.0)
    assert [one.phases for one in followed.claim(30.0, 30.0)] == [["planning", "dispatching", "executing"]]
    assert [one.phases for one in followed.claim(60.0, 30.0)] == [["executing"]]
    followed.see("task:1", "task", ("planning", "dispatching", "executing", "settling"), 70.0, 60.0, ended=True)
    (last,) = followed.claim(900.0, 30.0)
    assert (last.phases, last.budget, last.beats) == (["settling"], 2, 2.33)
    assert followed.claim(930.0, 30.0) == []


def test_more_operations_than_a_claim_holds_take_turns():
    """Each is told within a few beats."""
    followed = Operations()
    for number in range(40):
        followed.see(f"task:{number}", "task", ("planning",), 0.0, 60.0)
    told = [one.id for beat in range(3) for one in followed.claim(float(beat), 1.0)]

    assert len(told) == 3 * MOST_CLAIMED
    assert len(set(told)) == 40


A, B = Leading("m" * 64, 3, "a", lost=False), Leading("m" * 64, 3, "a", lost=True)


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (Leading("", 0, "", lost=False), Leading("m" * 64, 1, "a", lost=False), ("after-0", ("negotiating", "settling"), True)),
        (Leading("", 0, "", lost=False), A, None),
        (A, A, None),
        (A, B, ("after-3", ("discovering",), False)),
        (B, Leading("m" * 64, 5, "b", lost=False), ("after-3", ("negotiating", "settling"), True)),
        (B, Leading("m" * 64, 4, "", lost=True), ("after-3", ("negotiating",), False)),
        (B, A, ("after-3", ("settling",), True)),
        (A, Leading("m" * 64, 4, "b", lost=False), ("after-3", ("negotiating", "settling"), True)),
        (A, Leading("n" * 64, 9, "b", lost=False), None),
    ],
)  # fmt: skip
def test_an_election_is_seen_by_who_leads_before_and_after(before, now, found):
    """A founding, a loss, a candidate, a winner, a false alarm, a hand-over; not a mesh that is joined."""
    seen = election(before, now)

    assert (None if seen is None else (seen[0].rpartition(":")[2], *seen[1:])) == found


@pytest.mark.parametrize(
    ("doing", "state"),
    [
        (Doing(), "idle"), (Doing(running=2, task_id="t"), "executing"), (Doing(running=1, helping=True), "helping"),
        (Doing(blocked="Docker: away"), "blocked"), (Doing(running=1, ended="completed", task_id="t"), "completed"),
        (Doing(ended="failed", task_id="t"), "failed"), (Doing(ended="cancelled", task_id="t"), "failed"),
    ],
)  # fmt: skip
def test_what_an_agent_does_has_one_of_the_eight_words(doing, state):
    """An end is told before what comes next."""
    assert claims.claim("agent.7", 3, doing, [], 0.1, 30.0, "0000:0000:0000").state == state


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.text(max_size=300), st.text(max_size=80))
def test_any_claim_stays_within_its_bounds(took, limit, blocked, agent):
    """Progress, beats left, notes, names."""
    made = claims.claim(
        agent, 1, Doing(1, blocked=blocked, task_id="t", took_s=took, limit_s=limit), [], -3.0, 0.06, "0000:0000:0000"
    )

    StatusClaim.model_validate(made.model_dump())


def told(agent: str, beat: int, state: str, *operations: OperationClaim, drift: int = 0) -> StatusClaim:
    metadata = {"drift_ms": drift, "operations": [one.model_dump() for one in operations]}
    return StatusClaim.model_validate(
        {
            "type": "backbeat.statusclaim.v1",
            "agent_id": agent,
            "beat_index": beat,
            "state": state,
            "hlc": "0000:0000:0000",
            "metadata": metadata,
        }
    )


def test_a_bar_counts_an_agent_once_and_an_operation_once_a_phase():
    """By the last state; whoever told of an operation, and in whatever order claims come; over budget by name; drift by its size."""
    bar = Bar(BeatFrame.model_validate(FRAME))
    bar.beat(BeatFrame.model_validate({**FRAME, "beat_index": 241, "downbeat": False}))
    early = OperationClaim(id="task:1", kind="task", phases=["planning", "dispatching"], beats=1, budget=2)
    late = OperationClaim(id="task:1", kind="task", phases=["dispatching", "executing"], beats=3, budget=2)
    vote = OperationClaim(id="election:m:after-1", kind="election", phases=["negotiating"], beats=0, budget=1)
    for claim in (
        told("b", 241, "executing", late, drift=-40), told("a", 241, "idle"), told("a", 240, "executing", early, vote, drift=20),
    ):  # fmt: skip
        bar.claim(claim)
    bar.claim(StatusClaim.model_validate({**CLAIM, "metadata": {"operations": "nonsense", "drift_ms": "late"}}))
    report = bar.report("0000:0000:0000")

    assert report.agents == {"executing": 2, "idle": 1}
    assert report.operations == {"planning": 1, "dispatching": 1, "executing": 1, "negotiating": 1}
    assert report.by_kind["election"] == {"negotiating": 1}
    assert (report.over_budget, report.drift_max_ms, report.from_beat, report.to_beat) == (["task:1"], 40, 240, 241)
    assert not bar.has(242)


def test_the_beat_in_words():
    """Number, tempo, phase, trouble; the last bar by itself."""
    bar = BarSummary(
        from_beat=1, to_beat=4, agents={"idle": 2, "executing": 1}, operations={"settling": 3}, over_budget=["task:1"]
    )
    quiet = Beats(index=7, tempo_bpm=2.0, phase="plan", drift_ms=1)
    troubled = quiet.model_copy(update={"problem": "no beat is heard", "bar": bar})

    assert (beats.beat(quiet), beats.bar(quiet)) == ("7, 2 a minute, plan", "")
    assert beats.beat(troubled) == "7, 2 a minute, plan, no beat is heard"
    assert beats.bar(troubled) == "1 executing, 2 idle; 3 settling; 1 over budget"
