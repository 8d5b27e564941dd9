"""The rules of shared texts: redaction, places, pieces, who may, and when."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.contract.models.collab import TextEdit
from chorus_tui.contract.text_edit import Edit, applied, difference, moved, place_of, row_and_column
from chorus_tui.engine.collab import edits, rules, update
from chorus_tui.engine.collab.book import Book, Session
from chorus_tui.engine.collab.heard import MOST_HEARD, Heard
from chorus_tui.engine.collab.pieces import pieces
from chorus_tui.engine.collab.redaction import taken_out
from chorus_tui.engine.control.grants import Grants
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol.messages.collab import PIECE, CollabEnded, CollabSession, CollabUpdate, encode
from chorus_tui.engine.protocol.ulid import PATTERN, ulid
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.screens.collab_copy import SharedCopy
from tests.unit.collab.editors import CHOICES, document, edit_of, said, write

TEXTS = st.text(st.sampled_from("ab\n😀ß "), max_size=40)
ID = "01ARZ3NDEKTSV4RRFFQ69G5FD0"


@given(TEXTS, TEXTS, st.integers(0, 40))
def test_the_difference_of_two_texts_makes_the_one_of_the_other(old, new, near):
    """Wherever the cursor is said to be."""
    assert applied(old, difference(old, new)) == new
    assert applied(old, difference(old, new, min(near, len(new)))) == new


@given(TEXTS, st.floats(0, 1), st.sampled_from(["a", "aa", "b", "😀"]))
def test_what_was_typed_ends_at_the_cursor(text, where, typed):
    """A letter typed beside its like is where it was typed, so that others' cursors move as they should."""
    at = int(where * len(text))
    new = text[:at] + typed + text[at:]
    assert difference(text, new, at + len(typed)) == Edit(at, 0, typed)


@given(TEXTS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 6), TEXTS)
def test_a_place_stays_with_its_characters_through_anothers_edit(text, place, where, removed, inserted):
    """Before the edit it does not move; behind it it keeps what follows it; inside it goes to its beginning. It is never outside."""
    at, edit = int(place * len(text)), edit_of(text, where, removed, inserted)
    after, now = applied(text, edit), moved(at, edit)
    assert 0 <= now <= len(after)
    if at <= edit.at:
        assert after[:now] == text[:at]
    elif at >= edit.at + edit.removed:
        assert after[now:] == text[at:]
    else:
        assert now == edit.at


@given(TEXTS, st.integers(0, 60))
def test_rows_and_columns_are_places(text, place):
    """There and back."""
    place = min(place, len(text))
    assert place_of(text, *row_and_column(text, place)) == place
    assert 0 <= place_of(text, place, place * 2) <= len(text)


@settings(max_examples=80, deadline=None)
@given(st.lists(CHOICES, max_size=15))
def test_the_portals_copy_tells_each_edit_of_others_exactly(choices):
    """The edits it gives for an update, one after the other, make its new text of its old one; its own it sends once."""
    engine = document("ana", 1)
    copy = SharedCopy(update.client_of("ana", bytes(4)), b"")
    for who, where, removed, inserted in choices:
        if who:
            before, raw = copy.text, write(engine, where, removed, inserted)
            for edit in copy.take(raw) if raw else []:
                before = applied(before, edit)
            assert before == copy.text
        else:
            copy.type(edit_of(copy.text, where, removed, inserted))
            parts, raw = copy.batch()
            copy.sent(parts)
            if raw:
                engine._checked = lambda _author, update_: __import__(
                    "chorus_tui.engine.collab.update", fromlist=["read"]
                ).read(update_)  # type: ignore[method-assign]
                engine.take("ana", raw)
        assert copy.text == engine.text
        assert not copy.unsent


def test_a_secret_is_taken_out_only_where_it_was_typed_and_only_once_it_is_complete():
    """Letter by letter nothing is found until it is whole; what others wrote elsewhere stays theirs; a marker stays a marker."""
    redact = Redactor(["hunter2hunter2"]).text
    assert taken_out("a hunter2hunter", "a hunter2hunter2", redact) is not None
    assert taken_out("a hunter2hunte", "a hunter2hunter", redact) is None
    others = "hunter2hunter2 was here. " + "x" * 50
    assert taken_out(others, others + "y", redact) is None
    found = taken_out("", "key: hunter2hunter2 end", redact)
    assert found is not None
    clean = applied("key: hunter2hunter2 end", found)
    assert "hunter2" not in clean
    assert taken_out(clean, clean + "!", redact) is None
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIB\n" * 800
    assert taken_out(key, key + "-----END PRIVATE KEY-----", redact) is not None


@given(st.binary(max_size=100_000))
@settings(max_examples=30, deadline=None)
def test_pieces_are_all_of_it_in_order_and_each_fits(data):
    """Also when a piece looks like a secret by chance: it is cut until it does not."""
    picky = lambda piece: len(piece) < 50 or piece[0] % 2 == 0  # noqa: E731 - short here
    for passes in (lambda _piece: True, picky):
        found = pieces(data, passes)
        assert b"".join(found) == data
        assert all(0 < len(piece) <= PIECE for piece in found)
    assert all(picky(piece) or len(piece) <= 6 for piece in pieces(data, picky))


def update_message(n: int, of: int, whole: bytes, part: bytes) -> CollabUpdate:
    return CollabUpdate(session=ID, update=encode(part), group=hashlib.sha256(whole).hexdigest(), piece=n, pieces=of)


def test_an_update_in_pieces_is_whole_with_the_last_and_a_broken_row_is_none():
    """Pieces of one author follow each other; one that is missing makes none, and the next update stands by itself."""
    session = Session(ID)
    first, second = update_message(0, 2, b"abcd", b"ab"), update_message(1, 2, b"abcd", b"cd")
    assert session.piece(("ana", "e", 0), first, 1) is None
    whole = session.piece(("ana", "e", 1), second, 1)
    assert whole is not None
    assert whole.keys == (("ana", "e", 0), ("ana", "e", 1))
    assert session.piece(("ana", "e", 2), second, 1) is None
    assert session.piece(("ana", "e", 3), first, 1) is None
    assert session.piece(("ana", "e", 4), update_message(1, 2, b"wxyz", b"yz"), 1) is None
    assert session.piece(("ana", "e", 5), update_message(0, 1, b"x", b"x"), 1) is not None
    assert len(session.updates) == 2


def opening(author: str, at: int, **fields: object) -> rules.Opening:
    said = CollabSession.model_validate({"session": ID, "title": "t", **fields})
    return rules.Opening(author, (at, 0, author), said)


def test_who_may_write_only_ever_turns_to_yes_whatever_the_order():
    """The owner, those it invited, roles ever held, everybody when it is open; another's invitation to it counts for nothing."""
    began, more = opening("ana", 1, invited=["ben"]), opening("ana", 5, roles=["Back End"])
    foreign = opening("eve", 9, open=True)
    for order in ([began, more, foreign], [foreign, more, began]):
        assert [rules.may_write(order, peer, roles) for peer, roles in (
            ("ana", ()), ("ben", ()), ("cem", ()), ("cem", ("back_end",)), ("eve", ()),
        )] == [True, True, False, True, False]  # fmt: skip
    assert rules.may_write([began, opening("ana", 7, open=True)], "cem", ())
    assert not rules.may_write([], "ana", ())


def test_the_owner_ends_it_else_a_master_and_the_end_names_what_is_in_time():
    """Others' words end nothing, nor do a former master's, and no master's word takes the place of the owner's, however early; entries
    beyond what the end names are late, also of a feed that it did not know."""
    said = CollabEnded(session=ID, outcome="nothing", covers={"a" * 32: 3}, text_hash="0" * 64)
    ends = [
        rules.Ending(who, (at, 0, who), said)
        for who, at in (("eve", 1), ("mia", 5), ("ana", 7), ("ana", 9), ("mia", 8))
    ]
    masters = {"mia"}.__contains__
    for order in (ends, ends[::-1]):
        assert rules.the_end(order, "ana", masters) is ends[2]
        assert rules.the_end([one for one in order if one.author != "ana"], "ana", masters) is ends[1]
        assert rules.the_end([one for one in order if one.author != "ana"], "ana", set().__contains__) is None
    assert rules.the_end(ends[:1], "ana", masters) is None
    assert rules.in_time(("x", "a" * 32, 2), ends[1])
    assert not rules.in_time(("x", "a" * 32, 3), ends[1])
    assert not rules.in_time(("x", "b" * 32, 0), ends[1])
    assert rules.in_time(("x", "b" * 32, 0), None)
    assert rules.covers([("x", "a", 2), ("x", "a", 0), ("y", "b", 5)]) == {"a": 3, "b": 6}
    assert rules.lacking({"a": 3}, {"a": 2})
    assert not rules.lacking({"a": 3}, {"a": 3, "b": 1})


def test_presence_ends_and_snapshots_are_due_by_number_or_size():
    """15 s of silence; 200 updates or 256 KiB; nothing new, nothing due."""
    assert rules.present({"ben": 10.0, "ana": 9.0, "cem": 1.0}, 20.0) == ["ana", "ben"]
    assert [rules.snapshot_due(n, size) for n, size in ((199, 10), (200, 10), (1, 256 * 1024), (0, 0))] == [
        False,
        True,
        True,
        False,
    ]
    assert len({rules.color(name, "abc") for name in "abc"}) == 3


def test_edits_of_programs_are_placed_one_after_the_other_and_misfits_are_told():
    """Find and replace, all of them, at a place, at the end; what is not there is said, and changes nothing."""
    found, misfits = edits.placed("one two one", [
        TextEdit(find="one", replace="1", everywhere=True), TextEdit(find="three", replace="3"), TextEdit(at=-1, insert="!"),
        TextEdit(at=99, insert="x"), TextEdit(at=0, delete=1, insert="I"),
    ])  # fmt: skip
    text = "one two one"
    for edit in found:
        text = applied(text, edit)
    assert text == "I two 1!"
    assert misfits == ["not in the text: three", "at 99, deleting 0: the text has 8 characters"]


def test_a_book_forgets_all_and_tells_so():
    """The fold begins anew: sessions are gone, and whoever shows them is told which."""
    book, told = Book(), []
    book.on_reset = lambda: told.append(True)
    book.session(ID)
    book.reset()
    assert (book.sessions, book.changed, told) == ({}, {ID}, [True])


def test_what_was_heard_and_not_saved_is_saved_by_others_in_turn():
    """Its author has 10 s, then the first of those that are there, 5 s later the next; what was saved is due to nobody."""
    typed = update.Shape
    heard = Heard()
    heard.note("ana", b"1", typed({7: (0, 3)}), 100.0)
    heard.note("ana", b"2", typed({7: (3, 5)}), 105.0)
    heard.note("ben", b"3", typed({}), 108.0)
    assert [heard.due(at, turn) for at, turn in ((109.0, 0), (110.0, 0), (114.0, 1), (118.0, 0), (118.0, 1))] == [
        [], ["ana"], [], ["ana", "ben"], ["ana"],
    ]  # fmt: skip
    heard.saved("ana", typed({8: (0, 99)}))
    assert heard.of("ana") == [b"1", b"2"]
    heard.saved("ana", typed({7: (0, 3)}))
    assert heard.of("ana") == [b"2"]
    heard.note("ana", b"1", typed({7: (0, 3)}), 109.0)
    heard.saved("ana", typed({7: (5, 9)}))
    assert heard.authors() == ["ben"]
    heard.note("ben", bytes(MOST_HEARD), typed({1: (0, 1)}), 109.0)
    assert heard.of("ben") == [b"3"]


def test_what_was_heard_with_holes_goes_in_runs_without_holes_and_is_dropped_when_it_was_said():
    """Words that follow each other go together, up to a size; a hole begins another run; what another said in the author's stead
    stands for itself alone, also of deletions."""
    typed = update.Shape
    heard = Heard()
    said = {b"aa": (0, 2), b"bb": (2, 4), b"dd": (6, 8), b"cc": (4, 6), b"ff": (10, 12)}
    for raw, reach in said.items():
        heard.note("ana", raw, typed({7: reach}), 1.0)
    heard.note("ana", b"gone", typed(deleted=[(7, 3, 4)]), 1.0)
    runs = [[one.update for one in run] for run in heard.runs("ana", 100)]
    assert runs == [[b"aa", b"bb"], [b"dd", b"cc"], [b"ff", b"gone"]]
    assert [len(run) for run in heard.runs("ana", 3)] == [1] * 6

    heard.stood_in("ana", typed({7: (6, 12)}))
    assert heard.of("ana") == [b"aa", b"bb", b"cc", b"gone"]
    heard.stood_in("ana", typed({7: (0, 6)}, deleted=[(7, 2, 4)]))
    assert heard.authors() == []
    heard.note("ana", b"aa", typed({7: (0, 2)}), 1.0)
    heard.drop("ana", heard.runs("ana", 100)[0])
    assert heard.authors() == []


@given(st.integers(0, 2**40), st.text("ab1", min_size=1, max_size=9), st.text("ab1", min_size=1, max_size=9))
def test_the_id_of_a_session_is_that_of_who_begins_it(ms, author, other):
    """A ULID of its time, which fits its author and nobody else, and no id of another time."""
    found = rules.session_id(author, ms / 1000)
    assert re.fullmatch(PATTERN, found)
    assert found[:10] == ulid(ms / 1000, bytes(10))[:10]
    assert rules.begun_by(found, author)
    assert rules.begun_by(found, other) == (author == other)
    assert not rules.begun_by(rules.session_id(author, ms / 1000 + 1)[:10] + found[10:], author)


def test_nobody_takes_a_session_over_by_saying_earlier_that_it_began_it():
    """Whatever the order: the owner is who made the id; what another says of it, however early its clock, changes nothing."""
    id_ = rules.session_id("ana", 1.0)
    began = said("ana", 1000, "collab_session", {"session": id_, "title": "ana's"})
    stolen = said("eve", 1, "collab_session", {"session": id_, "title": "eve's", "open": True})
    for order in ([began, stolen], [stolen, began]):
        book = Book()
        for entry, message in order:
            book.apply(entry, message)
        assert book.session(id_).owner == "ana"
        assert [one.said.title for one in book.session(id_).openings.values()] == ["ana's"]


def decided(index: int, type_: str, **data: Any) -> ControlEntry:
    return ControlEntry("m" * 64, 1, index, "1:0:n", type_, data, None, "ana", b"", "", "0" * 64)


def test_who_may_only_read_begins_nothing_and_who_ever_might_more_keeps_what_it_wrote():
    """By the control log, whichever comes first: the words or the log. Who was demoted or has left has begun what it began."""
    grants = Grants()
    book = Book(grants.could_propose)
    ids = {name: rules.session_id(name, 1.0) for name in ("ana", "ben", "cem", "dee")}
    for name, id_ in ids.items():
        book.apply(*said(name, 1000, "collab_session", {"session": id_, "title": "t"}))
    began = lambda: {name for name, id_ in ids.items() if book.session(id_).opening is not None}  # noqa: E731 - short here
    assert began() == set()

    person = {"kind": "human", "role": ""}
    members = [("ben", "read_only"), ("cem", "suggestion"), ("dee", "nonsense")]
    log = [
        decided(
            1,
            "mesh_founded",
            founder={**person, "peer_id": "ana", "agent_id": "ana", "authority": "master"},
            voters=["ana"],
            nonce="n",
        )
    ]
    log += [
        decided(n, "member_added", member={**person, "peer_id": name, "agent_id": name, "authority": authority})
        for n, (name, authority) in enumerate(members, 2)
    ]
    log += [
        decided(6, "member_changed", peer_id="cem", authority="read_only"),
        decided(7, "member_retired", peer_id="cem"),
    ]
    for entry in log:
        grants.apply(entry)
    assert began() == {"ana", "cem"}
    grants.apply(decided(8, "member_changed", peer_id="ben", authority="suggestion"))
    assert began() == {"ana", "ben", "cem"}


FEEDS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(0, 999)), st.integers(1, 3), max_size=30)


@given(FEEDS, st.integers(0, 2), st.integers(0, 700))
def test_an_end_can_always_be_said_and_names_the_most_of_everybody(feeds, who, restarts):
    """All epochs while they are few enough; else as many as may be, and of who did not start more often than the others all."""
    noisy = "abc"[who]
    sizes = {
        (author, f"{author}{n}".encode().hex().zfill(32)): size
        for (author, n), size in feeds.items()
        if author != noisy
    }
    sizes |= {(noisy, f"{n:032x}"): 1 + n % 5 for n in range(1000, 1000 + restarts)}
    keys = [(author, epoch, seq) for (author, epoch), size in sizes.items() for seq in range(size)]
    named = rules.nameable(reversed(keys))
    assert named == rules.nameable(keys)
    assert len(named) == min(512, len(sizes))
    assert {epoch for author, epoch in sizes if author != noisy} <= named
    covered = rules.covers(key for key in keys if key[1] in named)
    CollabEnded(session=ID, outcome="nothing", covers=covered, text_hash="0" * 64)
    of_noisy = [(epoch in named, size) for (author, epoch), size in sizes.items() if author == noisy]
    assert max([size for is_in, size in of_noisy if not is_in], default=0) <= min(
        [size for is_in, size in of_noisy if is_in], default=9
    )
