"""Patches in words: how they stand, who said what, where a diff does not fit. Screen and command line print the same."""

from __future__ import annotations

from typing import Final, Literal

from chorus_tui.contract.counting import many
from chorus_tui.contract.diff_text import Misfit
from chorus_tui.contract.models.patches import (
    AppliedView,
    CommentView,
    PatchFile,
    PatchRow,
    PatchView,
    ReviewView,
    VoteState,
)

Tone = Literal["good", "bad", "warn", "open", "none"]

SIGNS: Final = {
    "draft": "○", "in_review": "◐", "submitted": "●", "voting": "◉", "passed": "✓", "rejected": "✗", "applied": "✔", "withdrawn": "·",
    "void": "⊘",
}  # fmt: skip
TONES: Final[dict[str, Tone]] = {
    "draft": "none", "in_review": "open", "submitted": "warn", "voting": "warn", "passed": "good", "rejected": "bad",
    "applied": "good", "withdrawn": "none", "void": "bad",
}  # fmt: skip
VERDICTS: Final[dict[str, tuple[str, Tone]]] = {
    "approve": ("✓ approves", "good"), "changes": ("✗ asks for changes", "bad"), "comment": ("· comments", "none"),
}  # fmt: skip


def state(row: PatchRow) -> str:
    """``● submitted``: a sign and a word."""
    return f"{SIGNS[row.state]} {row.state.replace('_', ' ')}"


def size(row: PatchRow | PatchFile) -> str:
    """``3 files +10 -2``, of one file ``+10 -2``."""
    files = f"{many(row.files, 'file')} " if isinstance(row, PatchRow) else ""
    return f"{files}+{row.added} -{row.removed}"


def judged(row: PatchRow) -> str:
    """``2 approve, 1 asks for changes``; empty where nobody has said a thing."""
    words = [f"{row.approvals} approve" + ("s" if row.approvals == 1 else "")] if row.approvals else []
    if row.objections:
        words.append(f"{row.objections} ask{'s' if row.objections == 1 else ''} for changes")
    return ", ".join(words)


def standing(view: PatchView) -> str:
    """How it stands, and why where that needs words."""
    vote = f", vote {view.vote.state.replace('_', ' ')}" if view.vote is not None else ""
    return f"{state(view)}{vote}{f': {view.why}' if view.why else ''}"


def idle_vote(vote: VoteState) -> str:
    """A vote that decides nothing about the patch, and why."""
    return f"{vote.decision_id} ({vote.state.replace('_', ' ')}) does not count for it: {vote.why}"


def base(view: PatchView) -> str:
    """What it was made on."""
    if view.address:
        return f"version {view.base_version}" if view.base_version else "a new document"
    return f"{view.repository or 'a repository'} at {view.base[:12] or 'an unknown commit'}"


def signer(review: ReviewView) -> str:
    """Who said it, and for whom it says it speaks."""
    name = review.by_name or review.by
    return f"{review.on_behalf_of}, asserted by {name}" if review.on_behalf_of else name


def verdict(review: ReviewView) -> str:
    """What it says, and why it counts for nothing where it does not."""
    word = VERDICTS[review.verdict][0]
    return word if review.counts else f"{word} (not counted: {review.why})"


def place(comment: CommentView) -> str:
    """``calc.py, hunk 1, line 3``: counted from 1 for people."""
    line = "" if comment.line is None else f", line {comment.line + 1}"
    return f"{comment.file}, hunk {comment.hunk + 1}{line}"


def where(applied: AppliedView) -> str:
    """Where it was applied."""
    if applied.address:
        return f"version {applied.version} of {applied.address}"
    into = f" in {applied.repository}" if applied.repository else ""
    branch = f" on {applied.branch}" if applied.branch else ""
    if applied.commit:
        return f"commit {applied.commit[:12]}{branch}{into}"
    onto = f" on top of {applied.onto[:12]}" if applied.onto else ""
    return f"work tree{onto}{branch}{into}"


def misfit(one: Misfit) -> list[str]:
    """Where a diff does not fit: the place, what was expected there, what is there."""
    at = f"{one.file}:{one.line}" if one.line else one.file
    found = [f"{at}: {one.why}" if at else one.why]
    if one.expected is not None or one.found is not None:
        found.append(f"  expected: {_line(one.expected)}")
        found.append(f"  found:    {_line(one.found)}")
    return found


def _line(text: str | None) -> str:
    if text is None:
        return "(the end of the file)"
    end = "" if text.endswith("\n") else "  (without a newline at its end)"
    return text.removesuffix("\n") + end
