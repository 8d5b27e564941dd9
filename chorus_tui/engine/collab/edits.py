"""What a program or a model asks to change in a text, made into places. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chorus_tui.contract.models.collab import TextEdit
from chorus_tui.contract.text_edit import Edit, applied
from chorus_tui.engine.shhh.cutting import beginning

_SHOWN = 60


def placed(text: str, wanted: Sequence[TextEdit]) -> tuple[list[Edit], list[str]]:
    """Edits one after the other, each on the text as the one before it left it; and, in words, those that do not fit."""
    edits: list[Edit] = []
    misfits: list[str] = []
    for one in wanted:
        found = _places(text, one)
        if not found:
            misfits.append(_why(text, one))
        for edit in found:
            text = applied(text, edit)
            edits.append(edit)
    return edits, misfits


def _places(text: str, one: TextEdit) -> list[Edit]:
    if one.at is not None:
        at = len(text) if one.at == -1 else one.at
        return [Edit(at, one.delete, one.insert)] if at + one.delete <= len(text) else []
    if not one.everywhere:
        at = text.find(one.find)
        return [Edit(at, len(one.find), one.replace)] if at >= 0 else []
    found, at, shift = [], text.find(one.find), 0
    while at >= 0:
        found.append(Edit(at + shift, len(one.find), one.replace))
        shift += len(one.replace) - len(one.find)
        at = text.find(one.find, at + len(one.find))
    return found


def _why(text: str, one: TextEdit) -> str:
    if one.at is not None:
        return f"at {one.at}, deleting {one.delete}: the text has {len(text)} characters"
    shown = one.find if len(one.find) <= _SHOWN else beginning(one.find, _SHOWN) + "…"
    return f"not in the text: {shown}"
