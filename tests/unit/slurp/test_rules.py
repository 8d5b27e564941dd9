"""The formulas keep their ranges, move the way they say, and give what their worked examples say."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.slurp import rules

SHARE = st.floats(0, 1)


@given(SHARE, st.lists(st.sampled_from(["helpful", "wrong", "outdated"]), max_size=9), st.lists(SHARE, max_size=9))
def test_the_standing_keeps_its_range_and_moves_with_each_word(confidence, words, scores):
    """Always between 0 and 1; one more helpful word raises it, one more other word lowers it, more confidence never lowers it."""
    before = rules.standing(confidence, words, scores)
    assert 0 < before < 1
    assert rules.standing(confidence, [*words, "helpful"], scores) > before
    assert rules.standing(confidence, [*words, "wrong"], scores) < before
    assert rules.standing(1.0, words, scores) >= before


def test_one_worked_example_of_the_standing():
    """Two helpful words, one wrong one, one measure of 0.4, nothing shown."""
    assert rules.standing(0.5, ["helpful", "helpful", "wrong"], [0.4]) == (1 + 2 + 0.4) / 6


@given(st.integers(0, 10**6))
def test_staleness_begins_at_nothing_and_rises_with_each_later_decision(later):
    """0 for the newest, below 1 always; eight later ones make one half."""
    assert rules.staleness(0) == 0
    assert 0 <= rules.staleness(later) < rules.staleness(later + 1) < 1
    assert rules.staleness(8) == 0.5


@given(st.lists(st.integers(0, 100), max_size=6))
def test_influence_rises_with_everything_that_was_built_on_a_node(by_hop):
    """0 when nothing was, below 1 always; a direct citation moves it more than one farther off."""
    before = rules.influence(by_hop)
    assert 0 <= before < 1
    near, far = rules.influence([1 + (by_hop or [0])[0], *by_hop[1:]]), rules.influence([*by_hop, 1])
    assert near > before
    assert far > before
    assert near >= far
    assert rules.influence([]) == 0
    assert rules.influence([2, 2]) == 3 / 7


@given(SHARE, SHARE, SHARE, SHARE, SHARE)
def test_the_weight_rises_with_what_speaks_for_a_node_and_falls_with_staleness(
    overlap, standing, influence, stale, more
):
    """0 to 1, and monotone in each of the four."""
    here = rules.weight(overlap, standing, influence, stale)
    assert 0 <= here <= 1
    assert rules.weight(max(overlap, more), standing, influence, stale) >= here
    assert rules.weight(overlap, max(standing, more), influence, stale) >= here
    assert rules.weight(overlap, standing, max(influence, more), stale) >= here
    assert rules.weight(overlap, standing, influence, max(stale, more)) <= here
    assert round(rules.weight(0.5, 0.57, 0.43, 0.5), 3) == 0.375


@given(st.integers(0, 50), st.integers(0, 50))
def test_confidence_begins_at_one_half_and_moves_with_what_others_found(agreed, disagreed):
    """Between 0 and 1; one member whose checks passed makes it two thirds."""
    here = rules.confidence(agreed, disagreed)
    assert 0 < here < 1
    assert rules.confidence(agreed + 1, disagreed) > here > rules.confidence(agreed, disagreed + 1)
    assert rules.confidence(0, 0) == 0.5
    assert round(rules.confidence(1, 0), 2) == 0.67


@given(st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=20))
def test_a_path_lies_in_all_above_it_up_to_its_project_and_in_no_project_last(parts):
    """The path first, the project after at most ten, each a beginning of the one before; then what belongs to no project."""
    *found, last = rules.ancestors("/".join(parts))
    assert last == rules.GENERAL
    assert len(found) == min(len(parts), rules.PARTS)
    assert found[-1] == parts[0]
    assert all(one.startswith(f"{above}/") for one, above in itertools.pairwise(found))
    assert rules.ancestors(rules.GENERAL) == [rules.GENERAL]


def test_files_lie_in_the_deepest_folder_that_all_share():
    """One file: its folder; files of two folders: what lies above both; a file at the root: the root."""
    assert rules.folder_of(["src/cart/total.py"]) == "src/cart"
    assert rules.folder_of(["src/cart/total.py", "src/cart/tax/vat.py", "src/cart/x.py"]) == "src/cart"
    assert rules.folder_of(["src/cart/total.py", "src/cartoon.py"]) == "src"
    assert rules.folder_of(["README.md", "src/a.py"]) == ""
    assert rules.folder_of([]) == ""
