"""What is known of patches, as the feeds said it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from chorus_tui.engine.protocol.messages.patches import PatchCreated, PatchReview, PatchState
from chorus_tui.engine.protocol.said import Said

Revision = Said[PatchCreated]
Review = Said[PatchReview]
Word = Said[PatchState]

Key = tuple[str, str]
"""Author and id: nobody takes an id that is another's."""


class Ballot(NamedTuple):
    """A decision that cites a revision. ``closing`` is the index of the entry of the control log that ended it; ``why`` it decides
    nothing about the patch, empty when it does: who proposed it may have asked only some."""

    decision_id: str
    entry: str
    state: str
    outcome: str
    closing: int | None
    why: str = ""


@dataclass(slots=True)
class Patch:
    """All that is known of one patch: its revisions, and what was said of it; parts of it may not be here yet."""

    key: Key
    revisions: dict[str, Revision] = field(default_factory=dict)
    reviews: dict[str, Review] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    """All by hash."""
