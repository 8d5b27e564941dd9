"""Every list of the contract goes by pages: each row once, in the list's order, also when rows come and go in between."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from chorus_tui.contract.models.common import Paged
from chorus_tui.contract.operations import BY_NAME, OPERATIONS
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.lists import LISTS, WHOLE, pages

NO_LISTS = {"journal.tail", "journal.fleeting"}
"""The journal pages by itself, because it is never read as a whole; what is fleeting is one bounded page."""


def listed(name: str) -> BaseModel:
    """A request for the first page of two."""
    fields = {
        field: _value(model)
        for field, model in BY_NAME[name].request_model().model_fields.items()
        if model.is_required()
    }
    return BY_NAME[name].request_model().model_construct(**fields, limit=2)


def _value(field: Any) -> Any:
    """Something for a field that has no default; nothing looks at it here."""
    return 1 if field.annotation in (int, float) else "x"


def rows(name: str, count: int) -> list[BaseModel]:
    """Made-up rows, told apart by every field that the list could be ordered by."""
    (model,) = get_args(BY_NAME[name].response_model().model_fields[LISTS[name].field].annotation)
    return [
        model.model_construct(**{field: _of(kind.annotation, n) for field, kind in model.model_fields.items()})
        for n in range(count)
    ]


def _of(kind: Any, number: int) -> Any:
    kinds = get_args(kind) or (kind,)
    if bool in kinds:
        return False
    return number if int in kinds or float in kinds else f"x{number:03}"


def read(name: str, kept: list[BaseModel], between: Any = lambda: None) -> list[Any]:
    """All pages, as a program follows them; ``between`` happens before each further one."""
    listing, request, found = LISTS[name], listed(name), []
    while True:
        asked, page = pages(name, request)
        assert page is not None
        assert (asked.limit, asked.cursor) == (WHOLE, None)
        field = listing.field
        answer = page.of(
            BY_NAME[name].response_model().model_construct(**{field: sorted(kept, key=listing.place)}, next=None)
        )
        assert len(getattr(answer, field)) <= 2
        found += [listing.place(row) for row in getattr(answer, field)]
        if answer.next is None:
            return found
        request = request.model_copy(update={"cursor": answer.next})
        between()


def test_every_paged_operation_is_a_list():
    """Whatever takes ``limit`` and ``cursor`` as all do has an order here, and nothing else has."""
    paged = {one.name for one in OPERATIONS if issubclass(one.request_model(), Paged)}

    assert paged - NO_LISTS == set(LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_pages_give_each_row_once_and_in_order(name):
    """Five rows by pages of two."""
    kept = rows(name, 5)

    assert read(name, kept) == sorted(LISTS[name].place(row) for row in kept)


@pytest.mark.parametrize("name", LISTS)
def test_who_stays_is_given_once_while_others_come_and_go(name):
    """Between two pages the first row goes and another one comes: of those that stay none is left out or given twice."""
    kept, coming = rows(name, 5), rows(name, 9)[5:]
    stay = [LISTS[name].place(row) for row in kept[1:]]

    def change() -> None:
        if coming:
            kept.append(coming.pop())
            kept[:] = [row for row in kept if LISTS[name].place(row) in stay or row is kept[-1]]

    found = read(name, kept, change)
    assert [place for place in found if place in stay] == sorted(stay)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_of_another_list_is_refused(name):
    """It would begin anywhere."""
    _, page = pages(name, listed(name))
    field = LISTS[name].field
    answer = page.of(BY_NAME[name].response_model().model_construct(**{field: rows(name, 5)}, next=None))
    other = next(one for one in LISTS if one != name)
    with pytest.raises(Problem, match="cursor"):
        pages(other, listed(other).model_copy(update={"cursor": answer.next}))
