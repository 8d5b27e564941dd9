"""The one choke point: every text that is said, stored, logged or shown passes here.

Exact values of this node's own secrets come first, in the forms they take on the way; then the shapes of the rule table, also
inside base64. The marker ``[REDACTED:<rule>:<hash>]`` carries a keyed hash, so that equal secrets can be told apart from others
without being known; the key is this node's own and is kept. A marker is never redacted again. What passes does so at a *door*
(:mod:`.doors`), and what was found there is noted in the audit book, without the secret.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from chorus_tui.engine.shhh.audit import AuditBook
from chorus_tui.engine.shhh.rules import FIELD, RULES, Rule, Severity
from chorus_tui.engine.shhh.scanner import Finding, Scanner, automaton

SHORTEST = 8
"""Shorter values of our own would hit by chance, and are left to the shapes."""
ROUNDS = 8
"""What is left when a secret is gone is looked at again, at most so often: taking one away can make another stand alone. What
still stands there then goes whole."""
ELSEWHERE = "elsewhere"
_MARK = "[REDACTED:"
_SECRET_FIELD = re.compile(
    r"(?i)(?:(?:api|access|secret|private|signing|encryption)[_-]?key|secret|(?:auth|access|refresh|session|private|bearer)[_-]?token"
    r"|password|passwd|passphrase)$"
)


class Redactor:
    """Redacts texts and JSON values; ``wall`` tells the time of audit records. Idempotent. May be called from any thread."""

    def __init__(
        self, secrets: Iterable[str] = (), rules: Iterable[Rule] = RULES, wall: Callable[[], float] = time.time
    ) -> None:
        self._key = os.urandom(16)
        self.wall = wall
        self._own: dict[str, set[bytes]] = {}
        self._changing = threading.Lock()
        self._exact: Any = None
        self._longest = 0
        self.scanner = Scanner(rules)
        self.audit = AuditBook()
        self.add(secrets)

    # ── what is known ──────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets of this node."""
        with self._changing:
            new = {secret for secret in secrets if len(secret) >= SHORTEST and secret not in self._own}
            if new:
                self._own |= {
                    secret: {form.encode("utf-8", "surrogatepass") for form in forms(secret)} for secret in new
                }
                self._rebuild()

    def forget(self, secrets: Iterable[str]) -> None:
        """These open nothing any more: texts need not be searched for them. What another secret looks like is still found."""
        with self._changing:
            void = self._own.keys() & set(secrets)
            if void:
                self._own = {secret: taken for secret, taken in self._own.items() if secret not in void}
                self._rebuild()

    def _rebuild(self) -> None:
        known = set().union(*self._own.values())
        self._exact = automaton(known)
        self._longest = max(map(len, known), default=0)

    def use_key(self, key: bytes) -> None:
        """Hash with the kept key of this node from here on."""
        self._key = key

    def use_rules(self, rules: Iterable[Rule]) -> None:
        """Look for these from here on."""
        self.scanner = Scanner(rules)

    @property
    def longest(self) -> int:
        """Length of the longest exact value, in bytes."""
        return self._longest

    @property
    def findings(self) -> Counter[str]:
        """How often each rule hit."""
        return self.audit.by_rule

    # ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, raw: bytes) -> list[Finding]:
        """What would have to go of ``raw``, in order. Nothing is noted."""
        return self.scanner.find(raw, self._exact)

    def hash(self, secret: bytes) -> str:
        """Keyed; the eight digits that a marker shows."""
        return hashlib.blake2b(secret, key=self._key, digest_size=4).hexdigest()

    # ── redacting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def text(self, text: str, door: str = ELSEWHERE, place: str = "") -> str:
        """``text`` without secrets."""
        if len(text) < SHORTEST:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        found = self.find(raw)
        if not found:
            return text
        for _ in range(ROUNDS):
            raw = self._without(raw, found, door, place)
            found = self.find(raw)
            if not found:
                break
        else:
            raw = self._without_rest(raw, found, door, place)
        return raw.decode("utf-8", "surrogatepass")

    def _without_rest(self, raw: bytes, found: list[Finding], door: str, place: str) -> bytes:
        """Without what follows the first finding: to the end of the line of the last one, and, when that was not all, to the end."""
        end = raw.find(b"\n", found[-1].end)
        while found:
            first, end = found[0], end if end >= 0 else len(raw)
            raw = self._without(raw, [replace(first, end=end, secret=raw[first.start : end])], door, place)
            found, end = self.find(raw), -1
        return raw

    def _without(self, raw: bytes, found: list[Finding], door: str, place: str) -> bytes:
        pieces, at = [], 0
        for one in found:
            start, end = _whole_letters(raw, one.start, one.end)
            pieces += [
                raw[at:start],
                self._marker(one.rule, one.severity, one.secret, door, f"{place}@{one.start}").encode(),
            ]
            at = end
        return b"".join([*pieces, raw[at:]])

    def value(self, value: Any, door: str = ELSEWHERE, place: str = "") -> Any:
        """A deep copy of a JSON value without secrets, in keys too."""
        if isinstance(value, str):
            return self.text(value, door, place)
        if isinstance(value, dict):
            return self._map(value, door, place)
        if isinstance(value, list | tuple):
            return [self.value(item, door, place) for item in value]
        return value

    def _map(self, value: dict[Any, Any], door: str, place: str) -> dict[Any, Any]:
        told = value.get("name", value.get("key"))
        clean = {}
        for key, item in value.items():
            name = self.text(key, door, place) if isinstance(key, str) else key
            # {"name": "DB_PASSWORD", "value": …} says the same as {"DB_PASSWORD": …}.
            says = told if key == "value" and isinstance(told, str) else key
            clean[name] = self._field(says, item, door, f"{place}.{name}" if place else str(name))
        return clean

    def _field(self, key: Any, item: Any, door: str, place: str) -> Any:
        """A string under a key that says it is a secret, is one."""
        if isinstance(key, str) and isinstance(item, str) and len(item) >= SHORTEST and _SECRET_FIELD.search(key):
            clean = self.text(item, door, place)
            raw = item.encode("utf-8", "surrogatepass")
            return clean if _MARK in clean else self._marker(FIELD, "medium", raw, door, place)
        return self.value(item, door, place)

    def _marker(self, rule: str, severity: Severity, secret: bytes, door: str, place: str) -> str:
        keyed = self.hash(secret)
        self.audit.note(rule, severity, door, place[:200], keyed, self.wall())
        return f"[REDACTED:{rule}:{keyed}]"

    def at(self, door: str) -> At:
        """The same, with everything found noted at a door."""
        return At(self, door)


class At:
    """A redactor at one door."""

    def __init__(self, redactor: Redactor, door: str) -> None:
        self._redactor = redactor
        self.door = door

    @property
    def longest(self) -> int:
        """See :attr:`Redactor.longest`."""
        return self._redactor.longest

    def find(self, raw: bytes) -> list[Finding]:
        """See :meth:`Redactor.find`."""
        return self._redactor.find(raw)

    def text(self, text: str) -> str:
        """See :meth:`Redactor.text`."""
        return self._redactor.text(text, self.door)

    def value(self, value: Any) -> Any:
        """See :meth:`Redactor.value`."""
        return self._redactor.value(value, self.door)


def _whole_letters(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Widened to whole characters: a pattern over bytes may begin or end inside one."""
    while start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end


def forms(secret: str) -> set[str]:
    """What a secret looks like on its way: plain, URL-encoded, JSON-escaped, as hex and inside base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = quote(raw, safe="")
    lower = re.sub("%[0-9A-F]{2}", lambda part: part[0].lower(), encoded)
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {secret, encoded, lower, *escaped, raw.hex(), *_base64_forms(raw)}


def _base64_forms(raw: bytes) -> set[str]:
    """How a secret looks inside base64, at each of the three places it can begin; the letters that depend on what
    surrounds it are left off."""
    found = set()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = text[(0, 2, 3)[shift] :]
        inner = inner[:-1] if (len(raw) + shift) % 3 else inner
        if len(inner) >= SHORTEST:
            found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found
