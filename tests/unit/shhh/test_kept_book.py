"""The audit book on disk."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.runtime.secrecy.book import WRITE_S, KeptBook
from chorus_tui.engine.shhh.audit import AuditBook


def noted() -> AuditBook:
    """A book with one finding."""
    book = AuditBook()
    book.note("github-token", "high", "log", "message", "0" * 16, 1.0)
    return book


async def test_what_could_not_be_written_is_written_later(tmp_path, autojump_clock) -> None:
    """A disk that refuses fails the service, which is shown; when it runs again, what was found before is written."""
    path, book = tmp_path / "there" / "audit.json", AuditBook()
    kept = KeptBook(path, book)
    book.note("github-token", "high", "log", "message", "0" * 16, 1.0)
    with pytest.raises(OSError, match="No such file"), trio.fail_after(10 * WRITE_S):
        await kept.run()
    path.parent.mkdir()
    with trio.move_on_after(2 * WRITE_S):
        await kept.run()
    again = AuditBook()
    KeptBook(path, again)

    assert again.stored() == book.stored() == noted().stored()
