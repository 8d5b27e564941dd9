"""Finds secrets in bytes: keywords first, then patterns near them, then what base64, percent signs and colours hide. Pure; time is linear.

An automaton passes over the text once and says where keywords stand. A rule looks only at the windows round its own keywords;
windows that touch are one, so each rule reads each byte a bounded number of times, and RE2 never goes back. Text between
findings costs one pass. Hits are taken in slices, so that hostile text costs no more memory than other text.
"""

from __future__ import annotations

import binascii
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import re2
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from chorus_tui.engine.shhh.rules import OWN, RULES, Rule, Severity
from chorus_tui.engine.shhh.rules.keys import LONGEST_KEY

DEPTH = 2
"""So many base64 layers are looked through."""
SHORTEST_RUN = 24
SHORTEST_PIECE = 8
_SLICE = 1 << 20
_RUN = rb"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/]{40,})*(?:\r?\n[A-Za-z0-9+/]{1,76}={1,2})?={0,2}"  # over lines, as mail has it
_HEX = b"0123456789abcdefABCDEF"
_BETWEEN = b"\0\n\0"
"""Between two texts that have nothing to do with each other: no pattern goes on behind it."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
MARKER = re.compile(rb"\[REDACTED:[a-z0-9-]{1,64}:[0-9a-f]{8}\]")
_AROUND = LONGEST_KEY
"""Bytes on both sides of an escape that are read without escapes: no secret is longer."""
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_COLOUR = re.compile(rb"\x1b\[[0-?]{0,64}[ -/]{0,16}[@-~]")
"""What terminals are told in the middle of a line: colours above all. It is taken out before people or models see the text."""
_MARKS = b"[REDACTED:"


@dataclass(frozen=True, slots=True)
class Finding:
    """``start`` to ``end`` is what has to go; ``secret`` is what is told apart from others by its hash."""

    rule: str
    severity: Severity
    start: int
    end: int
    secret: bytes
    rank: int
    """The lower, the more is known of it."""


def options() -> Any:
    """How patterns are compiled: over bytes, without a word on the error stream."""
    made = re2.Options()
    made.encoding = re2.Options.Encoding.LATIN1
    made.log_errors = False
    return made


class Scanner:
    """Of one table of rules."""

    def __init__(self, rules: Iterable[Rule] = RULES) -> None:
        self.rules = tuple(rules)
        self._patterns = [re2.compile(rule.pattern.encode(), options=options()) for rule in self.rules]
        self._groups = [range(1, pattern.groups + 1) for pattern in self._patterns]
        self._run = re2.compile(_RUN, options=options())
        named: dict[bytes, list[int]] = {}
        for number, rule in enumerate(self.rules):
            for keyword in rule.keywords:
                named.setdefault(keyword.encode(), []).append(number)
        self._always = [number for number, rule in enumerate(self.rules) if not rule.keywords]
        self._keywords = list(named)
        self._of_keyword = [
            tuple((number, self.rules[number].before, self.rules[number].after) for number in named[keyword])
            for keyword in self._keywords
        ]
        self._near = [min(before + after for _, before, after in rules) for rules in self._of_keyword]
        self._automaton = BytesAhoCorasick(self._keywords, implementation=Implementation.DFA) if named else None
        self._longest = max(map(len, self._keywords), default=1)

    def find(self, raw: bytes, exact: BytesAhoCorasick | None = None) -> list[Finding]:
        """What has to go, in order, without overlaps; markers are left alone. ``exact`` finds whole secrets that are known."""
        return _merged(self._all(raw, exact, DEPTH))

    def _all(self, raw: bytes, exact: BytesAhoCorasick | None, depth: int) -> list[Finding]:
        """Everything outside of markers, which may stand in what was decoded too."""
        found = list(_known(raw, exact)) if exact is not None else []
        for number, spans in self._windows(raw).items():
            found += self._of_rule(number, raw, spans)
        if depth and len(raw) >= SHORTEST_RUN:
            found += self._inside(raw, exact, depth)
            if b"%" in raw:
                found += self._behind_percent(raw, exact, depth)
        if depth and b"\x1b[" in raw:
            found += self._between_colours(raw, exact, depth)
        return _outside_markers(raw, found)

    # ── shapes ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _windows(self, raw: bytes) -> dict[int, list[tuple[int, int]]]:
        """For each rule whose keywords stand here, where it has to look: in order, and not touching each other."""
        windows: dict[int, list[tuple[int, int]]] = {number: [(0, len(raw))] for number in self._always}
        touching: set[int] = set()
        for which, (starts, ends) in self._stretches(raw).items():
            for number, before, after in self._of_keyword[which]:
                spans = [(start - before, end + after) for start, end in zip(starts, ends, strict=True)]
                if number in windows or before + after > self._near[which]:
                    touching.add(number)
                windows.setdefault(number, []).extend(spans)
        for number in touching:
            windows[number] = _joined(windows[number])
        for spans in windows.values():
            spans[0] = max(spans[0][0], 0), spans[0][1]
            spans[-1] = spans[-1][0], min(spans[-1][1], len(raw))
        return windows

    def _stretches(self, raw: bytes) -> dict[int, tuple[list[int], list[int]]]:
        """Where each keyword stands, as starts and ends. Places between which all its rules look anyway are one stretch: hostile text
        has a million."""
        found: dict[int, tuple[list[int], list[int]]] = {}
        if self._automaton is None:
            return found
        lower, size, near = raw.lower(), len(raw), self._near
        for offset in range(0, size, _SLICE):
            part = lower if size <= _SLICE else lower[offset : offset + _SLICE + self._longest - 1]
            for which, start, end in self._automaton.find_matches_as_indexes(part, overlapping=True):
                if start >= _SLICE:
                    continue  # the next slice has it
                stretches = found.get(which)
                if stretches is None:
                    found[which] = [offset + start], [offset + end]
                elif offset + start - stretches[1][-1] <= near[which]:
                    stretches[1][-1] = offset + end
                else:
                    stretches[0].append(offset + start)
                    stretches[1].append(offset + end)
        return found

    def _of_rule(self, number: int, raw: bytes, spans: list[tuple[int, int]]) -> Iterator[Finding]:
        rule, pattern, groups, size, behind = (
            self.rules[number],
            self._patterns[number],
            self._groups[number],
            len(raw),
            0,
        )
        for start, end in spans:
            at = max(start, behind)
            while at < end and (match := pattern.search(raw, at, end)) is not None:
                first, last = match.span()
                if last == end < size:  # cut off by its window: to its own end
                    match = pattern.match(raw, first) or match
                    last = match.end()
                begin, last = first, rule.extends(raw, last) if rule.extends else last
                at = behind = max(last, at + 1)
                first, last = next((span for n in groups if (span := match.span(n))[0] >= 0), (first, last))
                secret = raw[first:last]
                if secret and rule.admits(secret) and not _stands_behind(raw, begin, rule.not_behind):
                    yield Finding(rule.name, rule.severity, first, last, secret, number)

    # ── base64 ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _inside(self, raw: bytes, exact: BytesAhoCorasick | None, depth: int) -> Iterator[Finding]:
        """Runs of base64 that hold a secret when decoded. Many are looked through as one text: hostile text is full of short ones."""
        spans: list[tuple[int, int]] = []
        starts: list[int] = []
        parts: list[bytes] = []
        size = 0
        for match in self._run.finditer(raw):
            start, end = match.span()
            run = raw[start:end]
            if not run.translate(None, _HEX):
                continue
            spans.append((start, end))
            starts.append(size)
            parts.append(_decoded(run))
            size += len(parts[-1]) + len(_BETWEEN)
            if size >= _SLICE:
                yield from self._of_runs(spans, starts, _BETWEEN.join(parts), exact, depth)
                spans, starts, parts, size = [], [], [], 0
        if spans:
            yield from self._of_runs(spans, starts, _BETWEEN.join(parts), exact, depth)

    def _of_runs(
        self,
        spans: list[tuple[int, int]],
        starts: list[int],
        decoded: bytes,
        exact: BytesAhoCorasick | None,
        depth: int,
    ) -> Iterator[Finding]:
        """Of each run what is known best in it. ``starts`` says where it begins in ``decoded``, ``spans`` where it stands itself."""
        best: dict[int, Finding] = {}
        for one in sorted(self._all(decoded, exact, depth - 1), key=lambda one: (one.rank, one.start)):
            for which in range(bisect_right(starts, one.start) - 1, bisect_left(starts, one.end)):
                best.setdefault(which, one)
        for which, one in best.items():
            yield Finding(one.rule, one.severity, *spans[which], one.secret, one.rank)

    # ── percent-encoding ───────────────────────────────────────────────────────────────────────────────────────────

    def _behind_percent(self, raw: bytes, exact: BytesAhoCorasick | None, depth: int) -> Iterator[Finding]:
        """Secrets that stand there when ``%2B`` is read as ``+``; found where they are, not with the whole address."""
        for start, end in _parts_with(_PERCENT, raw):
            part = raw[start:end]
            # Of the n-th escape: where it stands in the decoded text, which has two bytes less for each before it.
            places = array("q", (match.start() - 2 * n for n, match in enumerate(_PERCENT.finditer(part))))
            for one in self._all(unquote_to_bytes(part), exact, depth - 1):
                first, last = (start + at + 2 * bisect_left(places, at) for at in (one.start, one.end))
                yield Finding(one.rule, one.severity, first, last, one.secret, one.rank)

    # ── colours ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _between_colours(self, raw: bytes, exact: BytesAhoCorasick | None, depth: int) -> Iterator[Finding]:
        """Secrets that stand there when the colours are gone: ``grep --color`` paints the value and not its name. What was painted
        inside of one goes with it."""
        for start, end in _parts_with(_COLOUR, raw):
            part = raw[start:end]
            # Where each stood in the text without them; bytes of the first n.
            places, gone = array("q"), array("q", [0])
            for match in _COLOUR.finditer(part):
                places.append(match.start() - gone[-1])
                gone.append(gone[-1] + match.end() - match.start())
            for one in self._all(_COLOUR.sub(b"", part), exact, depth - 1):
                first = start + one.start + gone[bisect_right(places, one.start)]
                last = start + one.end + gone[bisect_left(places, one.end)]
                yield Finding(one.rule, one.severity, first, last, one.secret, one.rank)


def _parts_with(escape: re.Pattern[bytes], raw: bytes) -> Iterator[tuple[int, int]]:
    """The parts of a text that have escapes, with what is around them. A part is bounded, so that hostile text costs no more memory."""
    first = last = -1
    for match in escape.finditer(raw):
        at = match.start()
        if first >= 0 and (at - last > 2 * _AROUND or at - first > _SLICE):
            yield max(0, first - _AROUND), last + _AROUND
            first = at
        first, last = first if first >= 0 else at, at
    if first >= 0:
        yield max(0, first - _AROUND), last + _AROUND


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order; those that touch are one."""
    joined: list[tuple[int, int]] = []
    for span in sorted(spans):
        if joined and span[0] <= joined[-1][1]:
            if span[1] > joined[-1][1]:
                joined[-1] = joined[-1][0], span[1]
        else:
            joined.append(span)
    return joined


def _stands_behind(raw: bytes, start: int, word: bytes) -> bool:
    return bool(word) and raw[max(0, start - len(word)) : start].lower() == word


def _decoded(run: bytes) -> bytes:
    """What stands behind base64, wherever in its four letters it begins."""
    letters = run.translate(_TO_STANDARD, b"=\r\n")
    return b"\0".join(
        binascii.a2b_base64(letters[skip : skip + (len(letters) - skip) // 4 * 4] + _tail(letters[skip:]))
        for skip in range(4)
    )


def _tail(letters: bytes) -> bytes:
    """The letters behind the last whole four, padded."""
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _known(raw: bytes, exact: BytesAhoCorasick) -> Iterator[Finding]:
    for _, start, end in exact.find_matches_as_indexes(raw):
        yield Finding(OWN, "critical", start, end, raw[start:end], -1)


def automaton(secrets: Iterable[bytes]) -> BytesAhoCorasick | None:
    """Finds whole values, the longest where several begin; None when there are none."""
    values = sorted(secrets)
    return BytesAhoCorasick(values, MatchKind.LeftmostLongest, Implementation.DFA) if values else None


def _outside_markers(raw: bytes, found: list[Finding]) -> list[Finding]:
    """What a marker is part of is not found again; what stands beside one is, when enough is left."""
    if not found or _MARKS not in raw:
        return found
    markers = [match.span() for match in MARKER.finditer(raw)]
    starts, ends = [start for start, _ in markers], [end for _, end in markers]
    kept: list[Finding] = []
    for one in found:
        touching = markers[bisect_right(ends, one.start) : bisect_left(starts, one.end)]
        kept += _pieces(raw, one, touching) if touching else [one]
    return kept


def _pieces(raw: bytes, one: Finding, markers: list[tuple[int, int]]) -> Iterator[Finding]:
    if markers[0][0] < one.start:
        return  # it begins inside a marker: its name or its hash was read as a word
    at = one.start
    for start, end in [*markers, (one.end, one.end)]:
        if start - at >= SHORTEST_PIECE:
            yield Finding(one.rule, one.severity, at, start, raw[at:start], one.rank)
        at = end


def _merged(found: list[Finding]) -> list[Finding]:
    """Of findings that overlap the one that is known best, over the whole of them."""
    merged: list[Finding] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if merged and one.start < merged[-1].end:
            other = merged[-1]
            best = min(other, one, key=lambda each: each.rank)
            merged[-1] = Finding(best.rule, best.severity, other.start, max(other.end, one.end), best.secret, best.rank)
        else:
            merged.append(one)
    return merged
