"""Who led which mesh in which term: a fold of the control log, by which what an admin *says* in its feed can be judged.

A message that only an admin may say names the term in which it is said. It counts when this author led that mesh in that term,
whoever leads now, and whenever the message arrives.
"""

from __future__ import annotations

from chorus_tui.engine.control.interface import ControlEntry


class Leaders:
    """Every term that decided anything, of every mesh known here."""

    def __init__(self) -> None:
        self._admins: dict[tuple[str, int], str] = {}

    def apply(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        self._admins[entry.mesh_id, entry.term] = entry.admin

    def led(self, author: str, mesh_id: str, term: int) -> bool:
        """Whether ``author`` was the admin of that mesh in that term."""
        return self._admins.get((mesh_id, term)) == author
