"""The inbox: order, names, what fits, and that a thing is answered once."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.inbox import AnswerItem, InboxItem
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.inbox import rules
from chorus_tui.engine.inbox.service import InboxService
from chorus_tui.engine.journal.events import EventBus

NOW = 1_000_000.0


def item(n: int, **fields: Any) -> InboxItem:
    base: dict[str, Any] = {
        "item_id": f"approval:{n:04}", "kind": "approval", "subject_id": f"{n:04}", "title": f"item {n}", "purpose": "?",
        "since": NOW, "choices": ["approve", "deny"],
    }  # fmt: skip
    return InboxItem.model_validate(base | fields)


ITEMS = st.builds(
    lambda n, priority, since, left: item(
        n, priority=priority, since=NOW - since, expires_at=None if left is None else NOW + left
    ),
    st.integers(0, 9999), st.sampled_from(["low", "medium", "high", "urgent"]), st.integers(0, 10**5),
    st.none() | st.integers(-100, 10**5),
)  # fmt: skip


@given(st.lists(ITEMS, unique_by=lambda one: one.item_id))
def test_the_order_is_by_urgency_and_does_not_depend_on_who_tells_first(items):
    """The more urgent comes first; what has expired is not shown; the order is a function of the set."""
    shown = rules.in_order(items, NOW)
    rank = ["urgent", "high", "medium", "low"]
    assert [rank.index(one.priority) for one in shown] == sorted(rank.index(one.priority) for one in shown)
    assert shown == rules.in_order(reversed(items), NOW)
    assert {one.item_id for one in shown} == {
        one.item_id for one in items if not one.expires_at or one.expires_at > NOW
    }


@given(st.lists(ITEMS, unique_by=lambda one: one.item_id), st.text("0123456789", max_size=4))
def test_a_name_means_all_that_begin_so_and_a_whole_one_means_itself(items, name):
    """A whole id, or that of the subject, is never ambiguous."""
    assert {one.item_id for one in rules.meant(items, name)} <= {one.item_id for one in items}
    for one in items:
        assert rules.meant(items, one.item_id) == [one]
        assert rules.meant(items, one.subject_id) == [one]


@pytest.mark.parametrize(("fields", "choice", "text", "wrong"), [
    ({}, "approve", "", set()), ({}, "perhaps", "", {"choice"}), ({}, "", "", {"choice"}),
    ({"words": "needed"}, "deny", " ", {"text"}), ({"words": "needed"}, "deny", "no", set()),
    ({"choices": [], "words": "needed"}, "deny", "no", {"choice"}), ({"choices": [], "words": "needed"}, "", "so be it", set()),
])  # fmt: skip
def test_an_answer_has_to_fit(fields, choice, text, wrong):
    """A choice out of those given, words where they are needed; each fault at its field."""
    assert set(rules.misfit(item(1, **fields), choice, text)) == wrong


class Shelf:
    """A feature whose items go when they are answered."""

    kinds = frozenset({"approval"})

    def __init__(self, *items: InboxItem) -> None:
        self.items = {one.item_id: one for one in items}
        self.given: list[tuple[str, str, str]] = []
        self.broken = False

    def waiting(self) -> list[InboxItem]:
        if self.broken:
            raise RuntimeError("broken")
        return list(self.items.values())

    async def answer(self, one: InboxItem, choice: str, text: str, _caller: Any) -> str:
        await trio.sleep(0.1)
        del self.items[one.item_id]
        self.given.append((one.item_id, choice, text))
        return "done"


def service(*shelves: Shelf) -> InboxService:
    return InboxService(list(shelves), EventBus(), SystemClock())


async def test_two_answers_at_once_count_once(autojump_clock):
    """The second learns that it came too late; the feature saw one."""
    shelf = Shelf(item(1))
    inbox = service(shelf)
    told: list[str] = []

    async def answer(choice: str) -> None:
        try:
            await inbox.handlers()["inbox.answer"](AnswerItem(item_id="0001", choice=choice), None)
            told.append("done")
        except Problem as problem:
            told.append(problem.title)

    async with trio.open_nursery() as nursery:
        await nursery.start(inbox.run)
        nursery.start_soon(answer, "approve")
        nursery.start_soon(answer, "deny")
        with trio.move_on_after(5):
            while len(told) < 2:
                await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    assert sorted(told) == ["It does not wait any more", "done"]
    assert len(shelf.given) == 1


async def test_a_broken_part_hides_no_other(autojump_clock):
    """What the others give is shown all the same."""
    broken, whole = Shelf(item(1)), Shelf(item(2))
    broken.broken = True
    assert [one.item_id for one in service(broken, whole).waiting()] == ["approval:0002"]


async def test_an_answer_that_does_not_fit_reaches_no_feature(autojump_clock):
    """The fault is named at its field, and the item still waits."""
    shelf = Shelf(item(1))
    with pytest.raises(Problem) as caught:
        await service(shelf).handlers()["inbox.answer"](AnswerItem(item_id="approval:0001", choice="maybe"), None)
    assert "choice" in caught.value.fields
    assert shelf.given == []
    assert shelf.items


async def test_an_answer_to_what_was_asked_before_reaches_no_feature(autojump_clock):
    """What is asked changed under the same name since it was looked at: that is said; to what is asked now it is an answer."""
    shelf = Shelf(item(1, version="new"))
    answer = service(shelf).handlers()["inbox.answer"]
    with pytest.raises(Problem) as caught:
        await answer(AnswerItem(item_id="0001", choice="approve", version="old"), None)
    before = list(shelf.given)
    await answer(AnswerItem(item_id="0001", choice="approve", version="new"), None)

    assert (caught.value.code, before, len(shelf.given)) == ("changed", [], 1)
