"""What was said and decided."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _A = Scope.READ, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation("journal.tail", "GET", "/api/v1/journal", "journal.TailJournal", "journal.JournalPage", _R, "Newest entries of the feeds"),
    Operation(
        "journal.fleeting", "GET", "/api/v1/journal/fleeting", "journal.TailJournal", "journal.FleetingLog", _R,
        "Newest messages that are kept nowhere, as heard here",
    ),
    Operation(
        "journal.verify", "POST", "/api/v1/journal/verify", "common.Empty", "journal.Verification", _R,
        "Check every signature and chain held here",
    ),
    Operation(
        "journal.forks", "GET", "/api/v1/journal/forks", "common.Paged", "journal.ForkList", _R,
        "Authors that said two things under one number",
    ),
    Operation(
        "journal.resolve", "POST", "/api/v1/journal/forks/resolve", "journal.ResolveFork", "election.Decided", _A,
        "Decide which branch of a fork counts",
    ),
    Operation(
        "journal.stats", "GET", "/api/v1/journal/stats", "common.Empty", "journal.JournalStats", _R,
        "What the journal holds, in numbers",
    ),
    Operation(
        "journal.erase", "POST", "/api/v1/journal/erase", "journal.EraseBody", "election.Decided", _A,
        "Erase what an entry said, on every peer; its header stays",
    ),
    Operation(
        "journal.export", "GET", "/api/v1/journal/export", "journal.ExportJournal", "journal.ExportPage", _A,
        "Feeds and control log as stored, page by page",
    ),
)  # fmt: skip
