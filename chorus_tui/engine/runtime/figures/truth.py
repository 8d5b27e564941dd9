"""Readers of the figures of the journal and of the control log."""

from __future__ import annotations

from pathlib import Path

from chorus_tui.engine.journal.flow import MIB
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures.counting import Counting
from chorus_tui.engine.telemetry.metrics import Samples


def journal(engine: Engine, counting: Counting) -> Samples:
    """What was said, as held here."""
    held = engine.journal
    return {
        "chorus_journal_entries": held.count(),
        "chorus_journal_database_bytes": _size(engine.folder.path / "journal.db"),
        "chorus_journal_messages_total": dict(counting.said),
        "chorus_journal_appended_total": held.appends.count,
        "chorus_journal_append_seconds": held.appends,
        "chorus_journal_parked_entries": held.parked,
        "chorus_journal_unchecked_entries": held.signatures.unchecked(),
        "chorus_journal_forks": len(held.forks()),
        "chorus_journal_openings_last_minute": held.flow.last_minute(engine.clock.monotonic()),
        "chorus_journal_opened_bytes": held.flow.total,
        "chorus_blobs_bytes": engine.blobs.keeping.used,
        "chorus_blobs_quota_bytes": engine.settings.blob_quota_mb * MIB,
    }


def election(engine: Engine, counting: Counting) -> Samples:
    """What was decided, and by whom."""
    control = engine.control
    heard = control.admin_heard_s()
    return {
        "chorus_election_term": control.term,
        "chorus_election_is_admin": int(control.is_admin),
        "chorus_election_admin_reachable": int(control.is_admin or control.admin_reachable()),
        **({} if heard is None else {"chorus_election_admin_silence_seconds": heard}),
        "chorus_election_voters": len(control.voters),
        "chorus_election_changes_total": counting.decided["term_opened"],
        "chorus_mesh_members": len(control.members),
        "chorus_mesh_others_in_reach": len(control.others),
        "chorus_control_commit_index": control.commit,
        "chorus_control_entries_total": dict(counting.decided),
        "chorus_control_database_bytes": _size(engine.folder.path / "control.db"),
    }


def _size(database: Path) -> int:
    """Of a database and the log beside it."""
    return sum(file.stat().st_size for file in (database, database.with_name(f"{database.name}-wal")) if file.exists())
