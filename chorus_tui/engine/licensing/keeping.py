"""The lease on disk, for a start while the licence server is away: ``license.token`` in the data folder, mode 0600.

The text is the server's own statement, so nothing in the file has to be believed; the second line is the latest time that was
known, which a clock that was set back cannot undo.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog

from chorus_tui.engine.private_file import replace_private

log = structlog.get_logger("chorus.licence")

NAME = "license.token"
_MOST = 16 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """``token`` as the server said it; ``seen_at`` in Unix seconds."""

    token: str
    seen_at: float


class TokenFile:
    """Of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def load(self) -> Kept | None:
        """What is kept; None when there is nothing, or nothing that can be read."""
        try:
            return self.look()
        except (OSError, ValueError) as error:
            log.warning("⚠️ The kept licence token cannot be read", file=str(self._path), reason=type(error).__name__)
            return None

    def look(self) -> Kept | None:
        """As :meth:`load`, for who tells it himself: raises ``OSError`` or ``ValueError`` for what cannot be read."""
        try:
            with self._path.open("rb") as file:
                lines = file.read(_MOST).decode("ascii").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 2:
            raise ValueError("a token and a time are kept")
        return Kept(lines[0], float(lines[1]))

    def keep(self, kept: Kept) -> None:
        """In the place of what was there, at once or not at all. A disk that refuses costs the grace, not the engine."""
        try:
            replace_private(self._path, f"{kept.token}\n{kept.seen_at:.0f}\n".encode("ascii"))
        except OSError as error:
            log.warning("⚠️ The licence token cannot be kept", file=str(self._path), reason=error.strerror)

    def discard(self) -> None:
        """The server has refused: what it said before counts no more."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("⚠️ The licence token cannot be removed", file=str(self._path), reason=error.strerror)
