"""Invitations to shared texts, for this peer's person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from chorus_tui.engine.collab.service import CollabService

JOIN, DECLINE = "join", "decline"


class Invitations:
    """A :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"invitation"})

    def __init__(self, service: CollabService) -> None:
        self._service = service

    def waiting(self) -> list[InboxItem]:
        """Sessions that this peer is invited to and has not answered. Agents answer by themselves."""
        if self._service.parts.kind != "human":
            return []
        rows = [row for row in self._service.views.rows("open", 1000) if row.invited]
        return [
            InboxItem(
                item_id=f"invitation:{row.session}", kind="invitation", subject_id=row.session, title=row.title,
                purpose="Write a text together", priority="medium", since=row.since, asked_by=row.owner,
                asked_by_name=row.owner_name, choices=[JOIN, DECLINE], words="none",
                command=f"chorus-tui collab join {row.session}",
            )
            for row in rows
        ]  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:  # noqa: ARG002 - the inbox's call
        """Join or decline. Raises :class:`Problem`."""
        if item.item_id not in {one.item_id for one in self.waiting()}:
            raise Problem(409, "ended", "Nobody waits for this any more", "It was answered, or the session has ended.")
        await self._service.answer_invitation(item.subject_id, takes_part=choice == JOIN)
        return "Joined; 7 opens it" if choice == JOIN else "Declined"
