"""Contents under addresses in words: versions, siblings, removal, who can read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chorus_tui.contract.counting import many
from chorus_tui.contract.ucxl import InvalidAddress

if TYPE_CHECKING:
    from chorus_tui.contract.models.ucxl import NavigationStep, PlaceRow, Put, Sources, VersionRow

SETTLED = "settled"
MOVES = "may still move"


def fixed(row: VersionRow) -> str:
    """Whether its number stays."""
    return SETTLED if row.settled else MOVES


def siblings(row: VersionRow) -> str:
    """Versions written at the same time; empty when there are none."""
    if not row.sibling_count:
        return ""
    more = f" and {row.sibling_count - len(row.siblings)} more" if row.sibling_count > len(row.siblings) else ""
    return f"written at the same time as {', '.join(str(n) for n in row.siblings)}{more}"


def author(row: VersionRow) -> str:
    """Who signed it, and for whom that peer says to have spoken."""
    return f"{row.author_name} for {row.on_behalf_of}" if row.on_behalf_of else row.author_name


def readers(row: VersionRow | PlaceRow) -> str:
    """Who can read it."""
    named = getattr(row, "readers", [])
    if named:
        return f"sealed to {', '.join(named)}"
    return "sealed" if getattr(row, "sealed", False) else "every member"


def state(row: VersionRow) -> str:
    """In a few words: what it is and what is special about it."""
    what = "removed" if row.tombstone else many(row.size, "byte")
    return ", ".join(part for part in (what, siblings(row), fixed(row)) if part)


def written(answer: Put) -> str:
    """What became of a version that was just written."""
    row = answer.version
    if row.tombstone:
        return f"Removed: version {row.n} of {row.place} has no content; earlier versions are still there"
    taken = "; secrets were taken out first" if answer.redacted else ""
    beside = f", {siblings(row)}" if row.sibling_count else ""
    return (
        f"Version {row.n} of {row.place}{beside}; held by {answer.held_by} of {answer.reachable} others in reach{taken}"
    )


def stepped(step: NavigationStep) -> str:
    """Where a step led."""
    if not step.success:
        return f"{step.error}. Still at version {step.from_version} of {step.maximum}"
    return f"From version {step.from_version} to {step.to_version} of {step.maximum}"


def held(answer: Sources) -> str:
    """Who gives the bytes."""
    here = "held here" if answer.here else "not held here"
    names = ", ".join(f"{one.name} (announced)" if one.announced else one.name for one in answer.sources)
    return f"{here}; {names or 'nobody else in reach'} (asked {answer.asked})"


def refused(error: InvalidAddress) -> list[tuple[str, str]]:
    """An invalid address: field, message, raw."""
    return [("field", error.field), ("message", error.message), ("raw", error.raw)]


def candidates(fields: Iterable[tuple[str, str]]) -> list[str]:
    """The addresses that an error about a wildcard names."""
    return [address for name, address in fields if name.startswith("candidate ")]
