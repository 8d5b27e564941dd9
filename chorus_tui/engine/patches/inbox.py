"""What of the patches waits for this peer's person: a review that it has not given, a patch that is to be applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.models.patches import PatchApplied, PatchRow, ReviewPatch, Verdict
from chorus_tui.engine.patches.views import may

if TYPE_CHECKING:
    from chorus_tui.engine.patches.service import PatchService

APPROVE, CHANGES, APPLIED = "approve", "ask for changes", "applied"


class PatchInbox:
    """A :class:`chorus_tui.engine.inbox.interface.Source`. Nothing on an agent's engine."""

    kinds = frozenset({"review", "apply"})

    def __init__(self, service: PatchService) -> None:
        self._service = service

    def waiting(self) -> list[InboxItem]:
        """Reviews that are wanted, and patches that nobody has applied yet."""
        if self._service.parts.kind != "human":
            return []
        return [item for patch in self._service.book.patches.values() if (item := self._item(patch)) is not None]

    def _item(self, patch: Any) -> InboxItem | None:
        row = self._service.row(patch)
        if row.waits_for_me and row.state in ("draft", "in_review"):
            return self._review(row)
        if row.state in ("submitted", "passed") and row.kind != "context":
            return self._apply(row) if "apply" in may(self._service.look(patch), self._service.around()) else None
        return None

    def _review(self, row: PatchRow) -> InboxItem:
        return InboxItem(
            item_id=f"review:{row.entry}", kind="review", subject_id=row.patch_id, title=row.title,
            purpose=f"Your review: {many(row.files, 'file')}, +{row.added} -{row.removed}", since=row.made_at, asked_by=row.author,
            asked_by_name=row.author_name, choices=[APPROVE, CHANGES], words="optional",
            command=f"chorus-tui patch review {row.patch_id} --approve",
        )  # fmt: skip

    def _apply(self, row: PatchRow) -> InboxItem:
        how = "passed by vote" if row.state == "passed" else f"submitted, {row.approvals} approvals"
        return InboxItem(
            item_id=f"apply:{row.entry}", kind="apply", subject_id=row.patch_id, title=row.title,
            purpose=f"To be applied in {row.repository or 'its repository'}: {how}", since=row.changed_at, asked_by=row.author,
            asked_by_name=row.author_name, choices=[APPLIED], words="none", priority="low",
            command=f"chorus-tui patch apply {row.patch_id}",
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """Review it, or say that it was applied; what came of it. Raises :class:`Problem`."""
        acting = self._service.acting
        if item.kind == "apply":
            await acting.applied(PatchApplied(patch_id=item.subject_id), caller)
            return "Told: it was applied"
        verdict: Verdict = "approve" if choice == APPROVE else "changes"
        view = await acting.review(ReviewPatch(patch_id=item.subject_id, verdict=verdict, text=text), caller)
        return f"Reviewed; {view.approvals} approve, {view.objections} ask for changes"
