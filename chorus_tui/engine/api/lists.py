"""Which operations answer with a list, and in which order its pages go. Pure.

The features give whole lists in the order in which people want them; a list that fits a page is passed on as it is. When it does not, the
orders here say which row comes after which. Where a feature's own order moves with every word, rows go by what never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from chorus_tui.contract.models import decisions, patches
from chorus_tui.engine import paging

WHOLE: Final = 1 << 40
"""What a feature is asked for instead of a page."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows are in ``field`` of the answer; ``place`` orders them."""

    field: str
    place: Callable[[Any], paging.Place]


def _decision(row: decisions.DecisionRow) -> paging.Place:
    is_open = row.state in decisions.OPEN
    return (not is_open, row.closes_at if is_open else -row.made_at, row.entry)


LISTS: Final[dict[str, Listing]] = {
    "assistance.requests": Listing("questions", lambda row: (-row.at, row.request)),
    "blobs.list": Listing("blobs", lambda row: (-row.used_at, row.digest)),
    "collab.list": Listing("collabs", lambda row: (row.state, -row.last_at, row.session)),
    "coordination.projects": Listing("projects", lambda row: (row.project_id,)),
    "coordination.reports": Listing("reports", lambda row: (row.peer_id,)),
    "coordination.sessions": Listing("sessions", lambda row: (-row.opened_at, row.session_id)),
    "decisions.list": Listing("decisions", _decision),
    "election.history": Listing("terms", lambda row: (-row.term, -row.index)),
    "hmmm.rooms": Listing("threads", lambda row: (not row.escalated, -row.last_at, row.key)),
    "inbox.list": Listing("inbox", lambda row: (row.since, row.item_id)),
    "journal.forks": Listing("forks", lambda row: (row.author, row.epoch, row.seq)),
    "members.list": Listing("members", lambda row: (row.peer_id,)),
    "members.persons": Listing("persons", lambda row: (row.name,)),
    "patches.list": Listing("patches", lambda row: (row.state not in patches.OPEN, -row.changed_at, row.key)),
    "peers.list": Listing("peers", lambda row: (row.peer_id,)),
    "tasks.list": Listing("tasks", lambda row: (-row.announced_at, row.task_id)),
    "tokens.list": Listing("tokens", lambda row: (row.created_at or 0.0, row.token_id)),
    "ucxl.history": Listing("versions", lambda row: (row.n,)),
    "ucxl.places": Listing("places", lambda row: (-row.at, row.place)),
}
"""By operation. Not among them: searches, which give the best of what they find and say what they left out, and the journal, which
pages by itself because it is never read as a whole."""


@dataclass(frozen=True, slots=True)
class Pages:
    """One request for a page of a list."""

    name: str
    listing: Listing
    limit: int
    filters: dict[str, Any]
    after: paging.Place | None

    def of(self, answer: BaseModel) -> BaseModel:
        """``answer`` with this page of its rows."""
        rows = getattr(answer, self.listing.field)
        if self.after is None and len(rows) <= self.limit:
            return answer
        given, last = paging.page(rows, self.listing.place, self.limit, self.after)
        following = None if last is None else paging.to_cursor(self.name, self.filters, last)
        return answer.model_copy(update={self.listing.field: given, "next": following})


def pages(name: str, request: BaseModel) -> tuple[BaseModel, Pages | None]:
    """What to ask the feature for, and what to make of its answer; None when ``name`` is no list. Raises 422."""
    listing = LISTS.get(name)
    if listing is None:
        return request, None
    fields = request.model_dump(mode="json")
    limit, cursor = fields.pop("limit"), fields.pop("cursor")
    after = None if cursor is None else paging.from_cursor(name, fields, cursor)
    whole = request.model_copy(update={"limit": WHOLE, "cursor": None})
    return whole, Pages(name, listing, limit, fields, after)
