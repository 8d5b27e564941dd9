"""What came of a closed vote, computed from what is held here. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from chorus_tui.engine.decisions import rules
from chorus_tui.engine.decisions.book import Book, Case
from chorus_tui.engine.decisions.record import record
from chorus_tui.engine.decisions.rules import Tally


@dataclass(frozen=True, slots=True)
class Result:
    """The tally of a closed vote, and its record."""

    choices: Mapping[str, str]
    """Those that count, by voter."""
    tally: Tally
    record: bytes
    record_digest: str
    announced: frozenset[str]
    """Digests of records that somebody announced for it; those that are not ``record_digest`` say something else."""


def result_of(case: Case, book: Book) -> Result | None:
    """None: it is not closed, or a vote that counts is not here yet."""
    proposal, closing = case.proposal, case.closing
    if proposal is None or closing is None:
        return None
    votes = book.votes(case)
    choices = rules.counted(proposal, closing, votes, book.untold(closing))
    if choices is None:
        return None
    tally = rules.tally(proposal, choices.values())
    content = record(proposal, closing, choices, tally)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Result(
        choices, tally, content, digest, frozenset(said.message.content_hash for said in case.records.values())
    )
