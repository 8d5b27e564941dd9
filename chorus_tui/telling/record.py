"""A record of the mesh as a person reads it: what was decided or done, by whom, and what it rests on. Pure.

Whatever it holds is shown: what has words here in words, the rest by its name and as it was written. Nothing is checked: what a record says
is told as its saying. The rows are names and values of one line each, which whoever shows them makes harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import Final

from chorus_tui.contract.counting import many
from chorus_tui.contract.ssh_key import fingerprint_of
from chorus_tui.telling import decision
from chorus_tui.telling.given import Given, written

Rows = Iterator[tuple[str, str]]
Names = Mapping[str, str]
"""By peer id, how the members call it."""

UNCHECKED: Final = "as it says; no signature is checked here"
DEEPEST: Final = 200
"""Levels of what is told: a text of brackets alone must not end the program that shows it."""
_ENVELOPE: Final = frozenset({"record", "signed_by", "sig"})


def rows(text: str, found_under: str = "", names: Names | None = None) -> list[tuple[str, str]] | None:
    """Names and values, the most important first; None when the text is no record. ``found_under``: the address that was asked for."""
    if _deep(text):
        return None
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict) or not set(whole) >= _ENVELOPE or not isinstance(whole["record"], dict):
        return None
    outer = Given(whole)
    said = outer.inner("record")
    return list(_told(outer, said, found_under, names or {}))


def _deep(text: str) -> bool:
    """Whether it might hold more levels than can be told; brackets in words count too, so that this stays cheap."""
    level = 0
    for sign in text:
        if sign in "[{":
            level += 1
            if level > DEEPEST:
                return True
        elif sign in "]}":
            level -= 1
    return False


def _told(outer: Given, said: Given, found_under: str, names: Names) -> Rows:
    if said.left.get("kind") == "task":
        yield from _task(said, names)
    else:
        yield from _decision(said, names)
    yield from _where(said, found_under)
    signer = outer.text("signed_by")
    if signer:
        yield "signed by", f"{_peer(signer, names)}, {UNCHECKED}"
    if outer.text("sig"):
        yield "signature", "in the text as it is written"
    yield from _rest(said)
    yield from _rest(outer)


# ── a decision ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _decision(said: Given, names: Names) -> Rows:
    roles = said.words("to_roles")
    if said.text("sealed"):
        yield "question", f"sealed to {', '.join(roles) or 'some roles'}"
    elif roles:
        yield "for roles", ", ".join(roles)
    yield from _lines("question", said.text("title"))
    yield from _lines("", said.text("body"))
    yield from _lines("kind", said.text("kind").removeprefix("decision"))
    outcome, chosen = said.text("outcome"), said.text("chosen")
    if outcome:
        sign = f"{decision.SIGNS[outcome]} " if outcome in decision.SIGNS else ""
        yield "result", f"{sign}{decision.WORDS.get(outcome, outcome)}{f': {chosen}' if chosen else ''}"
    elif chosen:
        yield "chosen", chosen
    votes = said.rows("votes")
    yield from _counts(said)
    yield from _rules(said, votes)
    evidence: list[str] = []
    yield from _votes(said, votes, names, evidence)
    yield from _facts(said, "closed", names)
    yield from (("evidence", one) for one in evidence)


def _counts(said: Given) -> Rows:
    tally = said.inner("tally")
    for option in list(tally.left):
        count = tally.number(option)
        yield "option", f"{option}: {count if count is not None else written(tally.left[option])}"


def _rules(said: Given, votes: list[Given]) -> Rows:
    """What it took to pass, in words, and whether enough have voted."""
    threshold = said.text("threshold")
    if threshold:
        yield "passes with", f"{decision.THRESHOLDS.get(threshold, threshold)}, abstentions aside"
    quorum = said.text("quorum")
    if quorum:
        eligible = len(set(_listed(said, "eligible"))) + len(set(_listed(said, "persons")))
        needed = _needed(quorum, eligible)
        yield (
            "quorum",
            f"{quorum} of {eligible} had to vote{f': {needed}' if needed is not None else ''}; {len(votes)} did",
        )


def _listed(said: Given, name: str) -> list[str]:
    value = said.left.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _needed(quorum: str, eligible: int) -> int | None:
    above, _, below = quorum.partition("/")
    if not (above.isascii() and above.isdecimal() and below.isascii() and below.isdecimal() and len(quorum) < 20):
        return None
    return ceil(Fraction(int(above), int(below)) * eligible) if int(below) else None


def _votes(said: Given, votes: list[Given], names: Names, evidence: list[str]) -> Rows:
    """A row a vote; where each was said goes to ``evidence``."""
    voted: set[str] = set()
    for vote in votes:
        by, person, choice = vote.text("by"), vote.text("person"), vote.text("choice")
        voted.add(f"person {person}" if person else by)
        name, who = _signer(vote, by, person, names)
        yield name, f"{choice or '(no choice)'}  {who}"
        if entry := vote.text("entry"):
            number = vote.number("seq")
            vote.text("epoch")
            at = f"number {number} of the feed of {_peer(by, names)}, " if number is not None else ""
            evidence.append(f"vote: {at}{entry}")
        yield from _also(vote)
    missing = [_peer(one, names) for one in said.words("eligible") if one not in voted]
    missing += [one for one in said.words("persons") if f"person {one}" not in voted]
    if missing:
        yield "no vote of", ", ".join(missing)


def _signer(vote: Given, by: str, person: str, names: Names) -> tuple[str, str]:
    """Whose vote it is. One that a person signed is marked in the row's name, which no voter writes; its key is told as ``ssh-keygen -l``
    prints it."""
    if not person:
        return "vote", _peer(by, names)
    key, signature, text = vote.text("key"), vote.text("signature"), vote.text("text")
    if not (key and signature and text):
        for name, value in (("key", key), ("signature", signature), ("text", text)):
            if value:
                vote.left[name] = value
        return "vote", f"in the name of {person}, without their signature, brought by {_peer(by, names)}"
    return "signed vote", f"{person} with {_fingerprint(key)}, brought by {_peer(by, names)}"


def _fingerprint(key: str) -> str:
    try:
        return fingerprint_of(key)
    except (ValueError, IndexError):
        return key


# ── a task ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _task(said: Given, names: Names) -> Rows:
    yield from _lines("task", said.text("title"))
    yield from _lines("", said.text("body"))
    said.text("kind")
    outcome, code = said.text("outcome"), said.number("exit_code")
    if outcome or code is not None:
        sign = {"completed": "✓ "}.get(outcome, "✗ " if outcome else "")
        yield "result", f"{sign}{outcome or 'ended'}{f', exit code {code}' if code is not None else ''}"
    yield from _lines("goal", said.text("goal"))
    for command in said.words("commands"):
        yield from _lines("$", command)
    yield from _changed(said.inner("changed"))
    for file in said.rows("artifacts"):
        path, size, digest = file.text("path"), file.count("size"), file.text("sha256")
        yield "file", ", ".join([path, many(size, "byte"), *([f"sha256 {digest}"] if digest else [])])
        yield from _also(file)
    check = said.inner("checked")
    if check.left:
        verdict, by = check.text("verdict"), check.text("by")
        yield "checked", f"{verdict or 'no verdict'} by {_peer(by, names)}"
        yield from _also(check)
    yield from _lines("model", said.text("model"))
    attempt = said.number("attempt")
    if attempt is not None:
        yield "attempt", str(attempt)
    asked_by = said.text("asked_by")
    if asked_by:
        yield "asked by", _peer(asked_by, names)
    yield from _facts(said, "ended", names)


def _changed(change: Given) -> Rows:
    if not change.left:
        return
    files, added, removed = change.count("files"), change.count("insertions"), change.count("deletions")
    yield "changed", f"{many(files, 'file')}, {added} lines added, {removed} removed"
    for name in change.words("names"):
        yield "", name
    yield from _also(change)


# ── both ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _facts(said: Given, ended: str, names: Names) -> Rows:
    """Who made it, when it ended, what it rests on."""
    by, at = said.text("made_by"), said.text("made_at")
    if by:
        yield "proposed by" if ended == "closed" else "done by", _peer(by, names)
    if at:
        yield ended, at
    for cited in said.rows("citations"):
        yield "rests on", f"{cited.text('kind')} {cited.text('id')}".strip()
        yield from _also(cited)
    yield from _lines("instead of", said.text("supersedes"))
    for name, told in (
        ("proposal", "proposal"),
        ("closing", "closing"),
        ("task_id", "task"),
        ("id", "id"),
        ("mesh_id", "mesh"),
    ):
        yield from _lines(told, said.text(name))
    said.nothing(
        "supersedes",
        "task_id",
        "votes",
        "citations",
        "checked",
        "changed",
        "artifacts",
        "commands",
        "eligible",
        "persons",
    )
    said.nothing("title", "body", "goal", "model", "chosen", "exit_code", "tally")


def _where(said: Given, found_under: str) -> Rows:
    address = said.text("ucxl")
    if address:
        yield "address", address
    if address and found_under and address != found_under:
        yield "⚠ moved", f"it was found under {found_under}, where it does not belong"
    yield from _lines("hash", said.text("content_hash"))


def _rest(given: Given) -> Rows:
    """What has no words here."""
    for name, value in given.left.items():
        yield name, written(value)


def _also(given: Given) -> Rows:
    """The same of a part, below it."""
    for name, value in given.left.items():
        yield "", f"{name}: {written(value)}"


def _lines(name: str, text: str) -> Rows:
    """A text, its name at its first line."""
    for n, line in enumerate(text.splitlines()):
        yield ("" if n else name), line


def _peer(peer: str, names: Names) -> str:
    """Its name with the end of its id, by which a name that two have is told apart; of whom no name is known, the id."""
    name = names.get(peer, "")
    return f"{name} (…{peer[-8:]})" if name and name != peer else peer or "nobody"
