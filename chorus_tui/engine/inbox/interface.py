"""What a feature gives to the inbox. The inbox knows no feature; the runtime joins them."""

from __future__ import annotations

from typing import Any, Protocol

from chorus_tui.contract.models.inbox import InboxItem


class Source(Protocol):
    """One feature's part of the inbox."""

    kinds: frozenset[str]
    """The kinds of items that it gives, and answers."""

    def waiting(self) -> list[InboxItem]:
        """What waits for this peer's person now. Must not block."""
        ...

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """Bring a person's answer to where it counts; what came of it, in words.

        :raises Problem: it was answered before, it has ended, or the answer does not fit.
        """
        ...
