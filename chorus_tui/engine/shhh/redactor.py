"""The one choke point: every text that is said, stored or logged passes here.

Exact values of this node's own secrets come first, in the forms they take on the way (plain, base64, URL-encoded);
then shapes: private keys, bearer tokens, well-known API keys, and key=value where the key says that it is a secret.
The marker ``[REDACTED:<rule>:<hash>]`` carries a keyed hash, so that equal secrets can be told apart from others
without being known. Our own ids (peer ids, hashes, ULIDs, multiaddrs) match no rule.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

SHORTEST = 8
HOLD_BACK = 8192
"""Characters of a stream kept back at most while something that may be a secret is not over yet."""

_PEM = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]{0,16384}?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private-key", re.compile(_PEM)),
    ("age-key", re.compile(r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,120}")),
    ("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,2048}\.eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,1024}")),
    ("aws-key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("github-token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})")),
    ("openai-key", re.compile(r"\bsk-(?:proj-|svcacct-|ant-)?[A-Za-z0-9_-]{20,200}")),
    ("slack-token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}")),
    ("google-key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("gitlab-token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,64}")),
    ("bearer", re.compile(r"(?i)(?<=\bbearer )[A-Za-z0-9._~+/=-]{12,4096}")),
    ("basic-auth", re.compile(r"(?i)(?<=\bbasic )[A-Za-z0-9+/]{12,1024}={0,2}(?![A-Za-z])")),
    # A UCXL address has agent and role where a URL has its password.
    ("url-password", re.compile(r"(?<=://)(?<![uU][cC][xX][lL]://)[^/\s:@\[\]]{0,128}:[^/\s@\[\]]{3,256}(?=@)")),
    (
        "assigned",
        re.compile(
            r"(?i)(?<![a-z0-9])(?<!\[redacted:url-)(?:api[_-]?key|access[_-]?key|secret(?:[_-]?key)?|client[_-]?secret|auth[_-]?token|access[_-]?token"
            r"|passwd|password|private[_-]?token)[\"']?[ \t]{0,4}[=:][ \t]{0,4}[\"']?"
            r"(?P<value>(?!\[REDACTED:)[^\s\"',;&]{8,512})"
        ),
    ),
)
_SECRET_FIELD = re.compile(
    r"(?i)(?:^|[_-])(?:api[_-]?key|secret|client[_-]?secret|auth[_-]?token|access[_-]?token|password|passwd|private[_-]?key)$"
)
# Text in which no shape can begin; most lines are such, and are passed on at once.
_HINT = re.compile(
    r"(?i)-----BEGIN|AGE-SECRET|eyJ|AKIA|ASIA|gh[pousr]_|github_pat|sk-|xox|AIza|glpat|bearer |basic |://|key|secret|token|passw"
)


class Redactor:
    """Redacts texts and JSON values. Idempotent: a marker is never redacted again."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._key = os.urandom(16)
        self._exact: re.Pattern[str] | None = None
        self._own: set[str] = set()
        self._longest = 0
        self.findings: dict[str, int] = {}
        """How often each rule hit."""
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets of this node; too short ones would hit by chance and are left to the shapes."""
        own = self._own
        for secret in secrets:
            if len(secret) >= SHORTEST:
                own |= {secret, quote(secret, safe=""), *_base64_forms(secret)}
        if own:
            self._exact = re.compile("|".join(re.escape(form) for form in sorted(own, key=len, reverse=True)))
            self._longest = max(map(len, own))

    @property
    def longest(self) -> int:
        """Length of the longest exact value."""
        return self._longest

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        if self._exact is not None:
            text = self._exact.sub(lambda match: self._marker("own-secret", match[0]), text)
        if not _HINT.search(text):
            return text
        for rule, pattern in _RULES:
            text = pattern.sub(self._replacement(rule), text)
        return text

    def value(self, value: Any) -> Any:
        """A deep copy of a JSON value without secrets, in keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._field(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def _field(self, key: str, item: Any) -> Any:
        """A string under a key that says it is a secret, is one."""
        if isinstance(item, str) and len(item) >= SHORTEST and _SECRET_FIELD.search(key):
            clean = self.text(item)
            return clean if "[REDACTED:" in clean else self._marker("field", item)
        return self.value(item)

    def _replacement(self, rule: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            if "[REDACTED:" in match[0]:
                return match[0]
            if "value" in match.re.groupindex:
                start = match.start("value") - match.start()
                return match[0][:start] + self._marker(rule, match["value"])
            return self._marker(rule, match[0])

        return replace

    def _marker(self, rule: str, secret: str) -> str:
        self.findings[rule] = self.findings.get(rule, 0) + 1
        keyed = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=4).hexdigest()
        return f"[REDACTED:{rule}:{keyed}]"


class StreamRedactor:
    """Redacts a stream of bytes that may be split anywhere. Holds back the line that is not over yet, bounded."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""

    def feed(self, data: bytes) -> bytes:
        """What may go on now."""
        self._held += self._decoder.decode(data)
        cut = self._cut()
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._redactor.text(ready).encode("utf-8", "surrogateescape")

    def flush(self) -> bytes:
        """The rest, at the end."""
        rest, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return self._redactor.text(rest).encode("utf-8", "surrogateescape")

    def _cut(self) -> int:
        """Up to the last line end outside of an open private key; a line that grows without end is let go in parts."""
        cut = self._held.rfind("\n") + 1
        begin = self._held.rfind("-----BEGIN ", 0, cut)
        if begin >= 0 and self._held.find("-----END ", begin, cut) < 0 and len(self._held) - begin < 3 * HOLD_BACK:
            cut = begin
        if len(self._held) - cut > HOLD_BACK + self._redactor.longest:
            # No line end for long: cut where no shape can go on, at white space if there is some.
            window = self._held[cut : len(self._held) - self._redactor.longest]
            space = max(window.rfind(" "), window.rfind("\t"))
            cut += space + 1 if space >= 0 else HOLD_BACK
        return cut


def _base64_forms(secret: str) -> set[str]:
    """How a secret looks inside base64, at each of the three places it can begin; the ends that depend on what
    surrounds it are left off."""
    forms = set()
    raw = secret.encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = text[(0, 2, 3)[shift] :]
        inner = inner[:-1] if (len(raw) + shift) % 3 else inner
        if len(inner) >= SHORTEST:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
