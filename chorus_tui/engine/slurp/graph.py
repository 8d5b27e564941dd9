"""What is known: nodes, what was said of them, what they build on. Pure; independent of the order in which entries come.

A node's id is the hash of the entry that it was learned from, so that no admin can add it twice. It counts when somebody who has
led the mesh published it; the earliest such word counts. Who used or judged it moves its standing, each author with its last word
on each node. Indexes by path and word are kept with each change, so that a look-up touches only what it may find.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from chorus_tui.engine.protocol.messages.context import ContextNode
from chorus_tui.engine.slurp import rules

_FARTHEST = 16
"""Hops that are followed at most."""
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Known:
    """One node that counts, with what became of it."""

    node: ContextNode
    published_by: str
    at_ms: int
    used: int
    standing: float
    words: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A node that answers a question, and why it stands where it does. ``level`` counts from the path that was asked for."""

    known: Known
    level: int
    relevance: float
    overlap: float
    staleness: float
    influence: float


class _Row(NamedTuple):
    """What a look-up needs of one node; the same for all questions until something is said that moves it."""

    settled: float
    """Standing and influence: with the overlap they make the weight."""
    fresh: float
    """What staleness leaves of it."""
    tie: tuple[int, str]
    """Of two that weigh alike the newer goes first."""


_Answer = tuple[float, tuple[int, str]]
"""Of a node that answers what sorts the weightiest first."""


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
    admins: set[str] = field(default_factory=set)
    """Everybody who has led the mesh."""
    known: dict[str, Known] = field(default_factory=dict)
    """What counts, by node id."""
    _paths: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Of a path its nodes, the oldest first."""
    _names: list[str] = field(default_factory=list)
    """All paths, in order."""
    _citing: dict[str, set[str]] = field(default_factory=dict)
    _influence: dict[str, float] = field(default_factory=dict)
    _holding: dict[str, dict[str, None]] = field(default_factory=dict)
    """By word the nodes that have it."""
    _lies: dict[str, str] = field(default_factory=dict)
    """By node id its path."""
    _rows: dict[str, dict[str, _Row]] = field(default_factory=dict)
    """By path and node id, what was asked for since the path last changed. Who is hardly trusted is not among them."""

    # ── what is said ───────────────────────────────────────────────────────────────────────────────────────────────

    def clear(self) -> None:
        """Forget what was said; who has led stays."""
        for part in (self.published, self.uses, self.judged, self.relevance):
            part.clear()
        for kept in (
            self.known,
            self._paths,
            self._names,
            self._citing,
            self._influence,
            self._holding,
            self._lies,
            self._rows,
        ):
            kept.clear()

    def led_by(self, peer_id: str) -> None:
        """Somebody leads, or has led: what it published counts."""
        if peer_id not in self.admins:
            self.admins.add(peer_id)
            for node_id, by_author in self.published.items():
                if peer_id in by_author:
                    self._look(node_id)

    def publish(self, author: str, at_ms: int, node: ContextNode) -> None:
        """The first of an author about a node counts."""
        by_author = self.published.setdefault(node.node_id, {})
        if author not in by_author or at_ms < by_author[author][0]:
            by_author[author] = (at_ms, node)
            self._look(node.node_id)

    def use(self, entry: str, nodes: Iterable[str], count: int) -> None:
        """An agent was shown these."""
        for node_id in nodes:
            self.uses.setdefault(node_id, {})[entry] = count
            self._look(node_id)

    def judge(self, author: str, at_ms: int, node_id: str, word: str) -> None:
        """The last word of an author counts; of two at one time the greater, so that order does not matter."""
        words = self.judged.setdefault(node_id, {})
        words[author] = max(words.get(author, (-1, "")), (at_ms, word))
        self._look(node_id)

    def measure(self, author: str, at_ms: int, node_id: str, score: float) -> None:
        """As :meth:`judge`."""
        scores = self.relevance.setdefault(node_id, {})
        scores[author] = max(scores.get(author, (-1, 0.0)), (at_ms, score))
        self._look(node_id)

    # ── what counts ────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, node_id: str) -> None:
        """Something was said of a node: what counts of it now?"""
        by_author = self.published.get(node_id, {})
        told = [(at, author) for author, (at, _) in by_author.items() if author in self.admins]
        if not told:
            return
        at_ms, author = min(told)
        node = by_author[author][1]
        before = self.known.get(node_id)
        if before is None or before.node != node:
            words = _words(node)
            self._place(before, node)
            self._index(before, node, words)
        else:
            words = before.words
        used = sum(self.uses.get(node_id, {}).values())
        self.known[node_id] = Known(node, author, at_ms, used, self.standing(node_id), words)
        self._rows.pop(node.context_path, None)

    def _place(self, before: Known | None, node: ContextNode) -> None:
        if before is not None:
            self._moved(list(before.node.cites))
            self._paths[before.node.context_path].remove((before.node.at_ms, node.node_id))
            self._rows.pop(before.node.context_path, None)
            for cited in before.node.cites:
                self._citing[cited].discard(node.node_id)
        if node.context_path not in self._paths:
            insort(self._names, node.context_path)
        insort(self._paths.setdefault(node.context_path, []), (node.at_ms, node.node_id))
        for cited in node.cites:
            self._citing.setdefault(cited, set()).add(node.node_id)
        self._moved([node.node_id, *node.cites])

    def _index(self, before: Known | None, node: ContextNode, words: frozenset[str]) -> None:
        for word in before.words - words if before else ():
            del self._holding[word][node.node_id]
        for word in words:
            self._holding.setdefault(word, {})[node.node_id] = None
        self._lies[node.node_id] = node.context_path

    def _moved(self, nodes: Iterable[str]) -> None:
        """What is built on these has changed, and so on all that they build on. Nothing is kept before the first question, so
        entries that are replayed cost nothing here."""
        if not self._influence and not self._rows:
            return
        seen, layer = set(nodes), list(nodes)
        while layer:
            for one in layer:
                self._influence.pop(one, None)
                if one in self.known:
                    self._rows.pop(self.known[one].node.context_path, None)
            layer = [far for one in layer for far in self._linked(one, back=True) if far not in seen]
            seen.update(layer)

    def standing(self, node_id: str) -> float:
        """See :func:`rules.standing`; one half when nothing is known of it."""
        told = [
            (at, author, node)
            for author, (at, node) in self.published.get(node_id, {}).items()
            if author in self.admins
        ]
        confidence = min(told, key=lambda one: one[:2])[2].confidence if told else 0.5
        words = [word for _, word in self.judged.get(node_id, {}).values() if word != "missing"]
        scores = [score for _, score in self.relevance.get(node_id, {}).values()]
        return rules.standing(confidence, words, scores)

    def staleness(self, node: ContextNode) -> float:
        """See :func:`rules.staleness`."""
        at = self._paths.get(node.context_path, [])
        return rules.staleness(len(at) - bisect_right(at, (node.at_ms, _LAST)))

    # ── decision hops ──────────────────────────────────────────────────────────────────────────────────────────────

    def hops(self, node_id: str, *, back: bool) -> list[list[str]]:
        """What a node builds on (``back``), or what builds on it: the directly linked ones first, then those through them, each
        once."""
        seen, layer = {node_id}, [node_id]
        found: list[list[str]] = []
        while layer and len(found) < _FARTHEST:
            layer = sorted({one for near in layer for one in self._linked(near, back=back)} - seen)
            seen.update(layer)
            if layer:
                found.append(layer)
        return found

    def _linked(self, node_id: str, *, back: bool) -> Iterable[str]:
        if not back:
            return self._citing.get(node_id, ())
        known = self.known.get(node_id)
        return [one for one in known.node.cites if one in self.known] if known else ()

    def influence(self, node_id: str) -> float:
        """See :func:`rules.influence`."""
        if node_id not in self._citing:
            return 0.0
        if node_id not in self._influence:
            self._influence[node_id] = rules.influence([len(layer) for layer in self.hops(node_id, back=False)])
        return self._influence[node_id]

    # ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def resolve(self, path: str, query: str, most: int) -> tuple[list[Found], int]:
        """What is known on a path, and how many nodes there are at all.

        Specific goes before general: the path itself, what lies below it, then level by level what it lies in, and what belongs to
        no project last; on one level the weightier first. A node without a word of the query, or which is hardly trusted, is left
        out.
        """
        wanted = rules.words_of(query)
        levels = list(self._levels(path))
        answers = self._with_words(levels, wanted) if wanted else self._without_words(levels)
        found: list[Found] = []
        for level, here in enumerate(answers):
            best = heapq.nsmallest(most - len(found), here)
            found += [self._found(level, -negative, tie[1], wanted) for negative, tie in best]
        return found, sum(map(len, answers))

    def _levels(self, path: str) -> Iterator[list[str]]:
        above = rules.ancestors(path)
        yield above[:1]
        yield self._names[bisect_left(self._names, f"{path}/") : bisect_left(self._names, f"{path}/{_LAST}")]
        for name in above[1:]:
            yield [name]

    def _with_words(self, levels: list[list[str]], wanted: frozenset[str]) -> list[list[_Answer]]:
        """By level the nodes that have a word of the question; only those are looked at."""
        at = {name: level for level, names in enumerate(levels) for name in names if name in self._paths}
        had = Counter(chain.from_iterable(self._holding.get(word, ()) for word in wanted))
        answers: list[list[_Answer]] = [[] for _ in levels]
        asked = len(wanted)
        kept = {name: self._on(name) for name in at}
        for node_id, count in had.items():
            path = self._lies[node_id]
            if path not in kept or (row := kept[path].get(node_id)) is None:
                continue
            # This is rules.weight, taken apart: what does not depend on the question was computed before.
            answers[at[path]].append((-(count / asked + row[0]) / 3.0 * row[1], row[2]))
        return answers

    def _without_words(self, levels: list[list[str]]) -> list[list[_Answer]]:
        return [
            [(-(1.0 + settled) / 3.0 * fresh, tie) for name in names for settled, fresh, tie in self._on(name).values()]
            for names in levels
        ]

    def _on(self, path: str) -> dict[str, _Row]:
        rows = self._rows.get(path)
        if rows is None and path in self._paths:
            rows = self._rows[path] = dict(self._rows_of(path))
        return rows or {}

    def _rows_of(self, path: str) -> Iterator[tuple[str, _Row]]:
        for _, node_id in self._paths[path]:
            one = self.known[node_id]
            if one.standing >= rules.LEAST_STANDING:
                settled, fresh = one.standing + self.influence(node_id), 1.0 - self.staleness(one.node) / 2.0
                yield node_id, _Row(settled, fresh, (-one.node.at_ms, node_id))

    def _found(self, level: int, relevance: float, node_id: str, wanted: frozenset[str]) -> Found:
        one = self.known[node_id]
        had = rules.overlap(one.words, wanted)
        return Found(one, level, round(relevance, 6), had, self.staleness(one.node), self.influence(node_id))


def _words(node: ContextNode) -> frozenset[str]:
    return rules.words_of(node.summary, node.purpose, *node.technologies, *node.tags, *node.insights)
