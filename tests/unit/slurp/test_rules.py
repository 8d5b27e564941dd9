"""What is known, how far it is trusted, and what is found on a path."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.slurp import rules
from chorus_tui.engine.slurp.rules import Graph

ADMINS = frozenset({"ada", "grace"})
IDS = [f"{n:064x}" for n in range(6)]


def node(n: int, path: str = "p", summary: str = "words") -> ContextNode:
    return ContextNode(node_id=IDS[n], context_path=path, summary=summary, by="linus", at_ms=n)


ACTS = st.one_of(
    st.tuples(
        st.just("publish"), st.sampled_from(["ada", "grace", "mallory"]), st.integers(0, 9), st.integers(0, 5)
    ),
    st.tuples(
        st.just("judge"), st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 5), st.sampled_from(["helpful", "wrong"])
    ),
    st.tuples(st.just("measure"), st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 5), st.floats(0, 1)),
    st.tuples(st.just("use"), st.text("abcdef", min_size=1, max_size=2), st.integers(0, 5)),
)  # fmt: skip


def played(acts) -> Graph:
    graph = Graph()
    for act in acts:
        if act[0] == "publish":
            graph.publish(act[1], act[2], node(act[3], path=f"p/{act[1]}"))
        elif act[0] == "judge":
            graph.judge(act[1], act[2], IDS[act[3]], act[4])
        elif act[0] == "measure":
            graph.measure(act[1], act[2], IDS[act[3]], act[4])
        else:
            graph.use(act[1], [IDS[act[2]]], 1)
    return graph


@given(st.lists(ACTS, max_size=30, unique_by=lambda act: act[:4]), st.randoms())
def test_what_is_known_depends_on_what_was_said_and_not_on_its_order(acts, chance: random.Random):
    """Two peers that hold the same entries know the same, in whatever order these came and however often."""
    shuffled = [*acts, *acts[: len(acts) // 2]]
    chance.shuffle(shuffled)
    assert played(acts).known(ADMINS) == played(shuffled).known(ADMINS)


@given(st.lists(ACTS, max_size=30))
def test_only_who_has_led_the_mesh_publishes(acts):
    """A node that nobody but a member without office published does not count."""
    told = {IDS[act[3]] for act in acts if act[0] == "publish" and act[1] in ADMINS}
    assert set(played(acts).known(ADMINS)) == told


@given(st.lists(ACTS, max_size=30), st.integers(0, 5))
def test_the_standing_keeps_its_range_and_moves_with_each_word(acts, n):
    """Always between 0 and 1; one more helpful word raises it, one more other word lowers it."""
    graph = played(acts)
    before = graph.standing(IDS[n])
    assert 0 < before < 1
    graph.judge("somebody new", 10, IDS[n], "helpful")
    better = graph.standing(IDS[n])
    graph.judge("somebody else", 10, IDS[n], "outdated")
    assert better > before
    assert graph.standing(IDS[n]) < better


def test_one_worked_example_of_the_standing():
    """Two helpful words, one wrong one, one measure of 0.4: (1 + 2.4) / (2 + 4)."""
    graph = Graph()
    for who, word in (("a", "helpful"), ("b", "helpful"), ("c", "wrong")):
        graph.judge(who, 1, IDS[0], word)
    graph.measure("d", 1, IDS[0], 0.4)
    assert graph.standing(IDS[0]) == (1 + 2 + 0.4) / 6


@given(st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=20))
def test_a_path_lies_in_all_above_it_up_to_its_project(parts):
    """The path first, the project last, never more than ten, each a beginning of the one before."""
    path = "/".join(parts)
    found = rules.ancestors(path)
    assert len(found) == min(len(parts), rules.PARTS)
    assert found[-1] == parts[0]
    assert all(one.startswith(f"{above}/") for one, above in itertools.pairwise(found))


def test_specific_goes_before_general_and_the_distrusted_is_left_out():
    """Of two nodes alike the nearer one comes first; another project's is never shown; one that was judged wrong by many is not."""
    graph = Graph()
    for n, path in enumerate(["shop", "shop/cart", "other", "shop/cart"]):
        graph.publish("ada", 1, node(n, path, "totals are summed in cents"))
    for who in "abcdef":
        graph.judge(who, 1, IDS[3], "wrong")
    found, known = rules.resolve(graph.known(ADMINS).values(), "shop/cart/total", "how are totals summed", 5)
    assert [one.node.node_id for _, one in found] == [IDS[1], IDS[0]]
    assert known == 2
    assert rules.resolve(graph.known(ADMINS).values(), "shop/cart", "lighthouse", 5) == ([], 0)
