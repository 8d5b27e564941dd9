"""Questions to what the mesh remembers: 10,000 nodes, looked up by path and word, beside a look at every node."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.measure import Row, compare
from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.slurp import rules
from chorus_tui.engine.slurp.graph import Graph

NODES = 10_000
QUESTIONS = 200
SHOWN = 5
WORDS = [f"word{n}" for n in range(400)]


def known(projects: int, seed: int = 7) -> tuple[Graph, list[tuple[str, str]]]:
    """A graph of NODES nodes in so many projects, folders up to six deep, one in three citing others; and questions."""
    chance, graph, ids, paths = random.Random(seed), Graph(), [], []
    graph.led_by("admin")
    for n in range(NODES):
        depth = chance.randrange(6)
        folders = [f"part{chance.randrange(4)}" for _ in range(depth)]
        path = "/".join([f"project{n % projects}", *folders])
        cites = chance.sample(ids, k=min(len(ids), 2)) if n % 3 == 0 else []
        text = " ".join(chance.choices(WORDS, k=40))
        graph.publish(
            "admin", n, ContextNode(node_id=f"{n:064x}", context_path=path, summary=text, at_ms=n, cites=cites)
        )
        ids.append(f"{n:064x}")
        paths.append(path)
    return graph, [(chance.choice(paths), " ".join(chance.choices(WORDS, k=5))) for _ in range(QUESTIONS)]


def plain(graph: Graph, path: str, query: str) -> list[str]:
    """The same answer by looking at every node: what an index is for."""
    above = rules.ancestors(path)
    wanted = rules.words_of(query)
    found = []
    for one in graph.known.values():
        at = one.node.context_path
        level = 0 if at == path else 1 if at.startswith(f"{path}/") else above.index(at) + 1 if at in above else -1
        said = rules.overlap(one.words, wanted)
        if level >= 0 and said and one.standing >= rules.LEAST_STANDING:
            moved, stale = graph.influence(one.node.node_id), graph.staleness(one.node)
            weight = round(rules.weight(said, one.standing, moved, stale), 6)
            found.append((level, -weight, -one.node.at_ms, one.node.node_id))
    return [node_id for *_, node_id in sorted(found)[:SHOWN]]


def p95(ask: Callable[[str, str], object], questions: list[tuple[str, str]]) -> float:
    """Seconds that 95 of 100 questions stay below."""
    took = []
    for path, query in questions:
        started = time.perf_counter()
        ask(path, query)
        took.append(time.perf_counter() - started)
    return sorted(took)[int(len(took) * 0.95)]


def rows() -> Iterator[Row]:
    """Twenty projects, and all in one, where the root asks for everything."""
    for projects, what in ((20, "20 projects, 10,000 nodes, p95"), (1, "1 project, 10,000 nodes, p95")):
        graph, questions = known(projects)
        for path, query in questions[:20]:
            found, _ = graph.resolve(path, query, SHOWN)
            assert [one.known.node.node_id for one in found] == plain(graph, path, query)
        ask = partial(graph.resolve, most=SHOWN)
        yield compare(
            "context", what, partial(p95, ask, questions), "a look at every node",
            partial(p95, partial(plain, graph), questions[:40]), "p95 < 10 ms",
        )  # fmt: skip
