"""The book of patches: whatever comes in whatever order, and what is taken back, erased or forked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.patches.book import Book
from chorus_tui.engine.protocol.messages.context import SlurpEventGenerated
from tests.unit.patches.cases import EPOCH, ID, hash_of, review, revision, word


@dataclass(frozen=True)
class Header:
    """What the book reads of an entry's header."""

    author: str
    epoch: str
    seq: int
    hlc: str


@dataclass(frozen=True)
class FeedEntry:
    """As far as the book reads it."""

    header: Header
    hash: str

    @property
    def author(self) -> str:
        return self.header.author


def entry(said: Any) -> Any:
    """The feed entry that something was said in."""
    return FeedEntry(Header(said.author, said.epoch, said.seq, f"{said.at_ms}:0:x"), said.hash)


def book(*said: Any) -> Book:
    made = Book()
    for one in said:
        made.apply(entry(one), one.message)
    return made


def facts() -> list[Any]:
    first, second, other = revision(0), revision(1), revision(0, author="b")
    return [
        first, second, other, review("b", "approve", first), review("b", "changes", second), review("a", "approve", other),
        word("a", "submitted", second), word("b", "withdrawn", other), word("a", "applied", second),
    ]  # fmt: skip


@given(st.permutations(facts()))
def test_the_order_of_arrival_changes_nothing(said):
    """Reviews before their patch, a revision before the one it follows: the same book."""
    made, straight = book(*said), book(*facts())

    assert made.patches == straight.patches
    assert {key: made.newest(patch).hash for key, patch in made.patches.items()} == {
        key: straight.newest(patch).hash for key, patch in straight.patches.items()
    }


def test_an_id_of_anothers_patch_takes_nothing_over():
    """A patch is known by its author too: two of one id are two, and the id alone then names both."""
    made = book(*facts())

    assert sorted(made.patches) == [("a", ID), ("b", ID)]
    assert len(made.named(ID[:5])) == 2


def test_what_is_said_again_is_there_once():
    """A replayed entry changes nothing."""
    assert book(*facts(), *facts()).patches == book(*facts()).patches


def test_an_erased_revision_takes_what_was_said_of_it_along():
    """After an erasure everything else is told again: the revision before is the newest, and the review of the gone one waits."""
    made = book(*facts())
    made.reset()
    for one in facts():
        if one.hash != revision(1).hash:
            made.apply(entry(one), one.message)
    patch = made.patches["a", ID]

    assert made.newest(patch).message.revision == 0
    assert [one.message.patch for one in patch.reviews.values()] == [revision(0).hash]
    assert not patch.words


def test_behind_a_fork_nothing_counts_until_it_is_decided():
    """The revision before the fork is the newest; decided, all counts again."""
    made = book(*facts())
    patch = made.patches["a", ID]
    made.doubt("a", EPOCH, 1)
    assert made.newest(patch).message.revision == 0
    assert made.in_doubt(revision(1))
    made.doubt("a", EPOCH, None)
    assert made.newest(patch).message.revision == 1


def test_events_are_known_once():
    """What those who remember were told of is not told again, and forgotten with the feeds."""
    made = Book()
    told = SlurpEventGenerated(event_id=hash_of("x"), event_type="patch", context_path="general/patches/x")
    made.apply(entry(revision()), told)
    assert made.events == {hash_of("x")}
    made.reset()
    assert not made.events


def control(index: int, type_: str, data: dict[str, Any], mesh: str = "1" * 64) -> ControlEntry:
    return ControlEntry(mesh, 1, index, "1:0:x", type_, data, None, "a", b"", "", hash_of(mesh, index))


def test_a_member_stays_what_it_was_when_it_left():
    """What it made outlives its membership; a present word of the mesh counts over all that was."""
    made = Book()
    person = {"peer_id": "a", "agent_id": "ana", "kind": "human", "authority": "master"}
    agent = {"peer_id": "b", "agent_id": "bob", "kind": "agent", "authority": "coordination"}
    made.decided(control(0, entries.FOUNDED, {"founder": person, "voters": ["a"]}))
    made.decided(control(1, entries.MEMBER_ADDED, {"member": agent}))
    made.decided(control(2, entries.MEMBER_RETIRED, {"peer_id": "b"}))
    here = "1" * 64

    assert (gone := made.member("b", here)) is not None
    assert gone.authority == "coordination"
    assert made.member("b", "2" * 64) == gone
    assert made.member("c", here) is None
    made.decided(control(3, entries.MEMBER_ADDED, {"member": {**agent, "authority": "read_only"}}))
    assert (again := made.member("b", here)) is not None
    assert again.authority == "read_only"
