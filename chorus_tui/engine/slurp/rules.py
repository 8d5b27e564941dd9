"""What is known, and how far it is trusted. Pure; independent of the order in which entries come.

A node is one accepted task, one passed vote or one room's consensus; its id is the hash of the entry that it was learned from, so
that no admin can add it twice. A node counts when somebody who has led the mesh published it. Who used or judged it moves its
standing, each author with its last word on each node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from chorus_tui.engine.protocol.messages.context import ContextNode

_WORD = re.compile(r"[a-z0-9]{3,}")
_GENERAL = "general"
PARTS = 10
"""Of a path at most, on the way to the root of its project."""


@dataclass(slots=True)
class Known:
    """One node with what became of it."""

    node: ContextNode
    published_by: str
    at_ms: int
    used: int = 0
    standing: float = 0.5


@dataclass(slots=True)
class Graph:
    """All nodes, and the words on them."""

    published: dict[str, dict[str, tuple[int, ContextNode]]] = field(default_factory=dict)
    """By node id and author: its time and the node."""
    uses: dict[str, dict[str, int]] = field(default_factory=dict)
    """By node id and hash of the entry that tells of uses."""
    judged: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    """By node id and author: a person's last word."""
    relevance: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)
    """By node id and author: the last measure."""

    def clear(self) -> None:
        """Forget what was said."""
        for part in (self.published, self.uses, self.judged, self.relevance):
            part.clear()

    def publish(self, author: str, at_ms: int, node: ContextNode) -> None:
        """The first of an author about a node counts."""
        by_author = self.published.setdefault(node.node_id, {})
        if author not in by_author or at_ms < by_author[author][0]:
            by_author[author] = (at_ms, node)

    def use(self, entry: str, nodes: Iterable[str], count: int) -> None:
        """An agent was shown these."""
        for node_id in nodes:
            self.uses.setdefault(node_id, {})[entry] = count

    def judge(self, author: str, at_ms: int, node_id: str, word: str) -> None:
        """The last word of an author counts; of two at one time the greater, so that order does not matter."""
        words = self.judged.setdefault(node_id, {})
        words[author] = max(words.get(author, (-1, "")), (at_ms, word))

    def measure(self, author: str, at_ms: int, node_id: str, score: float) -> None:
        """As :meth:`judge`."""
        scores = self.relevance.setdefault(node_id, {})
        scores[author] = max(scores.get(author, (-1, 0.0)), (at_ms, score))

    def known(self, admins: frozenset[str]) -> dict[str, Known]:
        """Every node that one of ``admins`` published, by its id."""
        found: dict[str, Known] = {}
        for node_id, by_author in self.published.items():
            told = sorted((at, author) for author, (at, _) in by_author.items() if author in admins)
            if told:
                at_ms, author = told[0]
                node = by_author[author][1]
                used = sum(self.uses.get(node_id, {}).values())
                found[node_id] = Known(node, author, at_ms, used, self.standing(node_id))
        return found

    def standing(self, node_id: str) -> float:
        """How far a node is trusted, 0 to 1: the mean of what was said of it, beginning at one half.

        Each helpful word is a 1, each other word a 0, each measure its score; so ``(1 + sum) / (2 + count)``: it moves with
        every word, and never reaches 0 or 1.
        """
        words = [word for _, word in self.judged.get(node_id, {}).values() if word != "missing"]
        scores = [score for _, score in self.relevance.get(node_id, {}).values()]
        good = sum(word == "helpful" for word in words) + sum(scores)
        return (1.0 + good) / (2.0 + len(words) + len(scores))


def path_of(project_id: str, *parts: str) -> str:
    """Where something belongs: its project, and below it whatever parts are given."""
    named = [part.strip().strip("/") for part in (project_id or _GENERAL, *parts)]
    return "/".join(part for part in named if part)[:512]


def ancestors(path: str) -> list[str]:
    """The path itself, then what it lies in, up to the root of its project."""
    parts = path.split("/")[:PARTS]
    return ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]


def overlap(text: str, query: str) -> float:
    """Which part of the query's words the text has, 0 to 1; 1 when nothing is asked for."""
    wanted = set(_WORD.findall(query.casefold()))
    if not wanted:
        return 1.0
    return len(wanted & set(_WORD.findall(text.casefold()))) / len(wanted)


def resolve(known: Iterable[Known], path: str, query: str, most: int) -> tuple[list[tuple[float, Known]], int]:
    """What is known on a path, the most relevant first, and how many nodes there are at all.

    A node counts for the path that it was learned on and for all below. Specific goes before general: each level up takes a tenth.
    Relevance is (overlap + standing) / 2 of that. A node without a word of the query, or whose standing fell below a quarter,
    is left out.
    """
    levels = {one: 1.0 - 0.1 * n for n, one in enumerate(ancestors(path))}
    found = []
    for one in known:
        level = levels.get(one.node.context_path)
        if level is None:
            continue
        said = overlap(f"{one.node.summary}", query)
        if said and one.standing >= 0.25:
            found.append((round(level * (said + one.standing) / 2, 6), one))
    found.sort(key=lambda item: (-item[0], -item[1].node.at_ms, item[1].node.node_id))
    return found[:most], len(found)
