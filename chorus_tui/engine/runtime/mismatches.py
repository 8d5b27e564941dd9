"""What of the feeds waits for a master: somebody said two things under one number, and one of them is to count."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.models.journal import Fork
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control.asking import ask_admin
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal import forks
from chorus_tui.engine.journal.journal import FeedJournal

DIGITS = 12
"""Of a hash, as a choice."""


class Mismatches:
    """A :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"mismatch"})

    def __init__(self, journal: FeedJournal, control: Control) -> None:
        self._journal = journal
        self._control = control

    def waiting(self) -> list[InboxItem]:
        """Open forks, while this peer's member may decide on them."""
        if not self._control.may(self._journal.me.peer_id, "grant_roles"):
            return []
        return [self._item(fork) for fork in forks.present(self._journal) if len(fork.branches) > 1]

    def _item(self, fork: Fork) -> InboxItem:
        name = self._control.name(fork.author)
        subject = f"{fork.author[-8:]}-{fork.epoch[:8]}-{fork.seq}"
        return InboxItem(
            item_id=f"mismatch:{subject}", kind="mismatch", subject_id=subject, title=f"{name} said two things under one number",
            purpose="which one counts? " + "; ".join(f"{b.hash[:DIGITS]} ({b.type})" for b in fork.branches), priority="high",
            since=min(branch.at for branch in fork.branches), asked_by=fork.author, asked_by_name=name, words="none",
            choices=[branch.hash[:DIGITS] for branch in fork.branches],
            command=f"chorus-tui journal resolve {name} {fork.epoch[:8]} {fork.seq} --keep HASH",
        )  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, _text: str, _caller: Any) -> str:
        """A master's word; the admin writes it down."""
        for fork in forks.present(self._journal):
            for branch in fork.branches:
                if self._item(fork).item_id == item.item_id and branch.hash.startswith(choice):
                    data = {"author": fork.author, "epoch": fork.epoch, "seq": fork.seq, "keep": branch.hash}
                    index = await ask_admin(self._control, forks.RESOLVED, data)
                    return f"Decided: entry {index} of the control log"
        raise Problem(409, "ended", "It does not wait any more", "The fork was decided meanwhile.")
