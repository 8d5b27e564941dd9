"""Shared texts in words: how a session stands, who is there, whether what was typed is safe. Screen and command line print the same."""

from __future__ import annotations

from chorus_tui.contract.models.collab import CollabRow, CollabView, Participant
from chorus_tui.contract.text_edit import row_and_column

OUTCOMES = {"patch": "as a patch", "ucxl": "as content", "nothing": "as nothing"}
SIGNS = "①②③④⑤⑥⑦⑧"
"""Of the colours, for eyes and terminals that do not tell those apart."""


def state(row: CollabRow) -> str:
    """``● open``, ``✓ ended``: a sign and a word."""
    if row.state == "ended":
        return "✓ ended"
    return "✉ invited" if row.invited else "● open" if row.may_write else "○ read only"


def ended(row: CollabRow) -> str:
    """What it became."""
    return f"ended {OUTCOMES.get(row.outcome, row.outcome)} {row.reference}".rstrip() if row.state == "ended" else ""


def saved(*, is_saved: bool, held_by: int | None, reachable: bool = True) -> str:
    """How safe what was typed here is."""
    if not reachable:
        return "⚠ not saved: the engine is out of reach; nothing is lost, it is kept here"
    if not is_saved:
        return "… saving"
    if held_by is None:
        return "✓ nothing of yours to save"
    return f"✓ saved, held by {held_by}" if held_by else "✓ saved here, held by nobody else yet"


def sign(one: Participant) -> str:
    """The number of a participant's colour."""
    return SIGNS[one.color % len(SIGNS)]


def where(one: Participant, text: str) -> str:
    """``3:14``, line and column as people count them; empty when not there."""
    if one.cursor is None or not one.here:
        return ""
    row, column = row_and_column(text, one.cursor)
    return f"{row + 1}:{column + 1}"


def participant(one: Participant, text: str) -> str:
    """``① ben 3:14``, ``ben (agent, joined)``."""
    if one.here:
        return f"{sign(one)} {one.name}{' (you)' if one.is_self else f' {where(one, text)}'}".rstrip()
    facts = ["agent"] if one.kind == "agent" else []
    facts.append(one.answered or "not here")
    return f"{one.name} ({', '.join(facts)})"


def warnings(view: CollabView) -> list[str]:
    """What a reader should know of this text."""
    found = []
    if view.incomplete:
        found.append("Some of its entries are not here yet: it begins with a snapshot that another member made")
    if view.waiting:
        found.append(f"{view.waiting} updates wait for others that have not come yet")
    if view.refused:
        found.append(f"{view.refused} updates were not taken: they are none, or out of bounds")
    if view.late:
        found.append(f"{view.late} updates came after the end: kept in the feeds, not in this text")
    return found
