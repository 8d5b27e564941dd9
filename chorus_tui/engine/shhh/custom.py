"""Rules that an operator adds: a TOML file of our own form, or of gitleaks'. A bad rule is refused with its name, line and reason.

One bad rule refuses the whole file: a rule that is missing without a word is a leak that nobody sees. All faults are told at once.

    [[rules]]
    name = "acme-key"
    severity = "high"
    keywords = ["acme_"]
    pattern = 'acme_[0-9a-f]{32}'
    tags = ["payment"]
    entropy = 3.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import re2

from chorus_tui.engine.shhh.rules import RULES, SEVERITIES, Rule
from chorus_tui.engine.shhh.scanner import Scanner, options

MOST_RULES = 1000
MOST_BYTES = 1 << 20
BEFORE, AFTER = 128, 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_KNOWN = {"name", "severity", "keywords", "pattern", "tags", "entropy", "id", "regex", "description", "secretGroup"}
_OURS = (
    "12D3KooWGRUVh7tL3n5fiQP7sE9kGvB4WbQyG1KfEUNVLMe8ZEfy", "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "ucxl://any:any@any:any/*^/", "/ip4/192.0.2.7/tcp/9000",
)  # fmt: skip
"""One of each kind of id that a mesh is full of: a rule that hides one would make this node deaf and dumb."""


class RulesError(Exception):
    """A file of rules cannot be used. ``problems`` are all faults, one a line."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__("\n".join([f"The rules in {path} cannot be used:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


def load(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises :class:`RulesError`."""
    try:
        raw = path.read_bytes()
        if len(raw) > MOST_BYTES:
            raise RulesError(path, [f"it is larger than {MOST_BYTES >> 20} MiB"])
        text = raw.decode()
        tables = tomllib.loads(text).get("rules")
    except OSError as error:
        raise RulesError(path, [f"it cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise RulesError(path, ["it is no text in UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise RulesError(path, [f"no TOML: {error}"]) from None
    if not isinstance(tables, list) or not tables or len(tables) > MOST_RULES:
        raise RulesError(path, [f"1 to {MOST_RULES} tables [[rules]] are expected"])
    rules, problems, taken = [], [], {rule.name for rule in RULES}
    for number, table in enumerate(tables, 1):
        try:
            rule = _rule(table)
            if rule.name in taken:
                raise ValueError("there is another rule of this name")
            taken.add(rule.name)
            rules.append(rule)
        except ValueError as error:
            problems.append(f"{_place(text, table, number)}: {error}")
    if problems:
        raise RulesError(path, problems)
    return tuple(rules)


def _rule(table: Any) -> Rule:
    """Raises ValueError with what is wrong and what would be right."""
    if not isinstance(table, dict):
        raise ValueError("a table is expected")  # noqa: TRY004 - all faults of a file are of one kind
    if unknown := sorted(set(table) - _KNOWN - {"path", "allowlist", "allowlists"}):
        raise ValueError(f"{unknown[0]} is not known; {', '.join(sorted(_KNOWN))} are")
    name = str(table.get("name") or re.sub(r"[^a-z0-9]+", "-", str(table.get("id", "")).lower()))
    if not _NAME.fullmatch(name):
        raise ValueError("name: small letters, digits and '-' are expected, at most 48")
    severity = table.get("severity", "high")
    if severity not in SEVERITIES:
        raise ValueError(f"severity: one of {', '.join(SEVERITIES)} is expected")
    entropy = table.get("entropy", 0.0)
    if isinstance(entropy, bool) or not isinstance(entropy, int | float) or not 0 <= entropy <= 8:
        raise ValueError("entropy: bits a character, 0 to 8")
    if table.get("secretGroup", 0) not in (0, 1):
        raise ValueError("secretGroup: the secret is the first group that takes part; others must be (?:…)")
    rule = Rule(
        name, severity, tuple(_words(table, "keywords")), _pattern(table), entropy=float(entropy), before=BEFORE, after=AFTER,
        tags=tuple(_words(table, "tags")),
    )  # fmt: skip
    hidden = next((one for one in _OURS if Scanner([rule]).find(one.encode())), None)
    if hidden:
        raise ValueError(f"pattern: it would hide what is no secret, such as {hidden}")
    return rule


def _words(table: dict[str, Any], field: str) -> Iterator[str]:
    given = table.get(field, [])
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
        raise ValueError(f"{field}: a list of words is expected")
    for one in given:
        yield one.lower()


def _pattern(table: dict[str, Any]) -> str:
    pattern = table.get("pattern", table.get("regex"))
    if not isinstance(pattern, str) or not pattern:
        raise ValueError("pattern: a regular expression in RE2's dialect is expected")
    try:
        compiled = re2.compile(pattern.encode(), options=options())
    except re2.error as error:
        why = error.args[0] if error.args else b""
        raise ValueError(f"pattern: {why.decode() if isinstance(why, bytes) else why}") from None
    if compiled.search(b"") is not None:
        raise ValueError("pattern: it matches nothing at all, and so would match everywhere")
    return pattern


def _place(text: str, table: Any, number: int) -> str:
    """Which rule, as a person finds it."""
    named = str(table.get("name") or table.get("id") or "") if isinstance(table, dict) else ""
    heads = [line for line, words in enumerate(text.split("\n"), 1) if words.strip() == "[[rules]]"]
    at = f"line {heads[number - 1]}, " if number <= len(heads) else ""
    return f"{at}rule {number}{f' ({named})' if named else ''}"
