"""What of the inbox is shown, in which order, and which item is meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chorus_tui.contract.models.inbox import InboxItem, pressing


def in_order(items: Iterable[InboxItem], now: float) -> list[InboxItem]:
    """The most pressing first. What has expired is left out."""
    return sorted(
        (item for item in items if item.expires_at is None or item.expires_at > now),
        key=lambda item: pressing(item, now),
    )


def meant(items: Iterable[InboxItem], name: str) -> list[InboxItem]:
    """The items that a whole id names, or its beginning, or that of its subject. More than one: the name is too short."""
    found = list(items)
    exact = [item for item in found if name in (item.item_id, item.subject_id)]
    return exact or [item for item in found if item.item_id.startswith(name) or item.subject_id.startswith(name)]


def misfit(item: InboxItem, choice: str, text: str) -> dict[str, str]:
    """What is wrong with an answer, by field; empty when it fits."""
    wrong = {}
    if item.choices and choice not in item.choices:
        wrong["choice"] = f"one of: {', '.join(item.choices)}"
    elif not item.choices and choice:
        wrong["choice"] = "there is nothing to choose here; say it in words"
    if item.words == "needed" and not text.strip():
        wrong["text"] = "words are needed"
    return wrong
