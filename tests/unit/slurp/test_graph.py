"""What is known, how far it is trusted, and what is found on a path."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.slurp import rules
from chorus_tui.engine.slurp.graph import Graph

IDS = [f"{n:064x}" for n in range(6)]
AUTHORS = ["ada", "grace", "mallory"]


def node(n: int, path: str = "p", summary: str = "words", **more) -> ContextNode:
    return ContextNode(
        **{"node_id": IDS[n], "context_path": path, "summary": summary, "by": "linus", "at_ms": n, **more}
    )


ACTS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(AUTHORS), st.integers(0, 9), st.integers(0, 5)),
    st.tuples(
        st.just("judge"), st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 5), st.sampled_from(["helpful", "wrong"])
    ),
    st.tuples(st.just("measure"), st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 5), st.floats(0, 1)),
    st.tuples(st.just("use"), st.text("abcdef", min_size=1, max_size=2), st.integers(0, 5)),
    st.tuples(st.just("lead"), st.sampled_from(["ada", "grace"])),
)  # fmt: skip


def played(acts) -> Graph:
    graph = Graph()
    for act in acts:
        if act[0] == "publish":
            cites = [IDS[(act[3] + AUTHORS.index(act[1]) + 1) % 6]]
            graph.publish(act[1], act[2], node(act[3], path=f"p/{act[1]}", at_ms=act[2], cites=cites))
        elif act[0] == "judge":
            graph.judge(act[1], act[2], IDS[act[3]], act[4])
        elif act[0] == "measure":
            graph.measure(act[1], act[2], IDS[act[3]], act[4])
        elif act[0] == "lead":
            graph.led_by(act[1])
        else:
            graph.use(act[1], [IDS[act[2]]], 1)
    return graph


@given(st.lists(ACTS, max_size=30, unique_by=lambda act: act[:4]), st.randoms())
def test_what_is_known_depends_on_what_was_said_and_not_on_its_order(acts, chance: random.Random):
    """Two peers that hold the same entries know the same and find the same, in whatever order these came and however often."""
    shuffled = [*acts, *acts[: len(acts) // 2]]
    chance.shuffle(shuffled)
    one, other = played(acts), played(shuffled)
    assert one.known == other.known
    for path in ("p", "p/ada", "p/grace/x"):
        assert one.resolve(path, "", 5) == other.resolve(path, "", 5)


@given(st.lists(ACTS, max_size=30))
def test_only_who_has_led_the_mesh_publishes(acts):
    """A node that nobody but a member without office published does not count, is not found and gives no influence."""
    led = {act[1] for act in acts if act[0] == "lead"}
    told = {IDS[act[3]] for act in acts if act[0] == "publish" and act[1] in led}
    graph = played(acts)
    assert set(graph.known) == told
    assert {one.known.node.node_id for one in graph.resolve("p", "", 10)[0]} <= told
    assert all(one in told for node_id in IDS for layer in graph.hops(node_id, back=False) for one in layer)


@given(st.lists(ACTS, max_size=30), st.sampled_from(["", "words", "words and more of them"]))
def test_what_is_found_weighs_what_the_formula_says(acts, query):
    """However the answer is computed, its numbers are those of the rules, and on one level they only fall."""
    found, _ = played(acts).resolve("p", query, 10)
    for one in found:
        assert one.relevance == round(rules.weight(one.overlap, one.known.standing, one.influence, one.staleness), 6)
    assert [(one.level, -one.relevance) for one in found] == sorted((one.level, -one.relevance) for one in found)


def test_specific_goes_before_general_and_the_distrusted_is_left_out():
    """The path itself, then what lies below it, then what it lies in, what belongs to no project last; another project's is never
    shown; one that was judged wrong by many is not."""
    graph = Graph()
    graph.led_by("ada")
    for n, path in enumerate(["general", "shop", "shop/cart", "other", "shop/cart/total", "shop/cart"]):
        graph.publish("ada", 1, node(n, path, "totals are summed in cents"))
    for who in "abcdef":
        graph.judge(who, 1, IDS[5], "wrong")
    found, known = graph.resolve("shop/cart", "how are totals summed", 5)
    assert [(one.known.node.node_id, one.level) for one in found] == [
        (IDS[2], 0),
        (IDS[4], 1),
        (IDS[1], 2),
        (IDS[0], 3),
    ]
    assert known == 4
    assert [one.known.node.node_id for one in graph.resolve("shop/cart", "totals", 2)[0]] == [IDS[2], IDS[4]]
    assert graph.resolve("shop/cart", "lighthouse", 5) == ([], 0)


def test_of_one_path_the_newer_and_the_more_built_upon_goes_first():
    """Alike in words and standing, each later decision on a path makes the earlier ones staler; what others cite weighs more."""
    graph = Graph()
    graph.led_by("ada")
    for n in range(3):
        graph.publish("ada", n, node(n, "shop", "totals in cents"))
    assert [one.known.node.node_id for one in graph.resolve("shop", "", 3)[0]] == [IDS[2], IDS[1], IDS[0]]
    assert graph.staleness(graph.known[IDS[0]].node) == rules.staleness(2)
    for n in (3, 4):
        graph.publish("ada", n, node(n, "bank", cites=[IDS[0]]))
    assert graph.influence(IDS[0]) == rules.influence([2])
    assert next(one.known.node.node_id for one in graph.resolve("shop", "", 3)[0]) == IDS[0]


def test_decision_hops_go_both_ways_and_end_also_in_a_circle():
    """What a node builds on, layer by layer, and what was built on it; nodes that claim to build on each other do not loop."""
    graph = Graph()
    graph.led_by("ada")
    for n, cites in enumerate([[], [IDS[0]], [IDS[0], IDS[1]], [IDS[2], IDS[4]], [IDS[3]]]):
        graph.publish("ada", n, node(n, cites=cites))
    assert graph.hops(IDS[2], back=True) == [[IDS[0], IDS[1]]]
    assert graph.hops(IDS[0], back=False) == [[IDS[1], IDS[2]], [IDS[3]], [IDS[4]]]
    assert graph.hops(IDS[3], back=True) == [[IDS[2], IDS[4]], [IDS[0], IDS[1]]]
    assert 0 < graph.influence(IDS[4]) < 1
