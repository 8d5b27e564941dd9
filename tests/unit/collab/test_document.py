"""A shared text: equal everywhere whatever the order, and neither hurt nor blown up by what is no update of it."""

from __future__ import annotations

import contextlib
import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.contract import state_vector
from chorus_tui.contract.text_edit import Edit
from chorus_tui.engine.collab import document as documents
from chorus_tui.engine.collab import update
from chorus_tui.engine.collab.document import Document, TooLong
from chorus_tui.engine.collab.update import BadUpdate
from chorus_tui.engine.shhh.redactor import Redactor
from tests.unit.collab.editors import CHOICES, document, names, write


@settings(max_examples=120, deadline=None)
@given(st.lists(CHOICES, max_size=25), st.randoms(use_true_random=False), st.integers(0, 100))
def test_any_three_editors_end_equal_whatever_the_order_with_duplicates_and_loss_that_is_repaired(
    choices, chance, lost
):
    """While they write, some updates reach others, some come twice, some are lost; in the end all come, shuffled: all are equal."""
    editors = {name: document(name) for name in names()}
    made: list[tuple[str, bytes]] = []
    for who, where, removed, inserted in choices:
        author = names()[who]
        made.append((author, write(editors[author], where, removed, inserted)))
        for name in names():
            for author_, raw in chance.sample(made, min(2, len(made))):
                if name != author_ and raw and chance.randrange(100) >= lost:
                    editors[name].take(author_, raw)
    for editor in editors.values():
        for author, raw in chance.sample(made, len(made)) * 2:
            if raw:
                editor.take(author, raw)
    late = document("dee")
    for author, raw in reversed(made):
        if raw:
            late.take(author, raw)

    assert len({editor.text for editor in (*editors.values(), late)}) == 1
    assert {editor.waiting for editor in (*editors.values(), late)} == {0}
    from_snapshot = document("eve")
    from_snapshot.take_state(late.whole())
    assert from_snapshot.text == late.text


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_harmless(raw):
    """No bytes at all end the process or change what others wrote."""
    editor = document("ana")
    write(editor, 0, 0, "kept")
    try:
        editor.take("ben", raw)
    except BadUpdate:
        assert editor.refused == 1
    assert editor.text == "kept"


def mutated(raw: bytes, chance: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        match chance.randrange(4):
            case 0 if data:
                data[chance.randrange(len(data))] = chance.choice(
                    [0, 1, 2, 4, 127, 128, 255, 0x84, 0x44, 0xC4, chance.randrange(256)]
                )
            case 1 if data:
                del data[chance.randrange(len(data))]
            case 2:
                data.insert(chance.randint(0, len(data)), chance.randrange(256))
            case _:
                data += chance.randbytes(chance.randint(0, 9))
    return bytes(data)


@settings(max_examples=150, deadline=None)
@given(st.lists(CHOICES, min_size=1, max_size=5), st.integers(0, 2**32))
def test_mutated_updates_crash_nothing_and_grow_nothing_without_bound(choices, seed):
    """Real updates with bytes changed, taken out and put in, under their author's own ids: refused, waiting within the bound, or
    applied; the document goes on working."""
    chance = random.Random(seed)
    ana, ben = document("ana"), document("ben", 1)
    made = [write(ana, where, removed, inserted) for _, where, removed, inserted in choices]
    for raw in made * 10:
        with contextlib.suppress(BadUpdate):
            ben.take("ana", mutated(raw, chance))
    assert len(ben.text) < 2_000
    assert ben.waiting <= 10 * len(made)
    write(ben, 0, 0, "goes on")
    assert "goes on" in ben.text


def item(client: int, clock: int, text: str, pieces: int = 1) -> bytes:
    """One insertion at the beginning of the text, as its author would write it, or as it would not."""
    body = _varint(client) + _varint(clock)
    body += b"".join(b"\x04\x01\x04text" + _varint(len(text)) + text.encode() for _ in range(pieces))
    return b"\x01" + _varint(pieces) + body + b"\x00"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


ANA = update.client_of("ana", b"\0\0\0\7")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (item(ANA, 2**40, "x"), "a client has inserted more"),
        (item(ANA, 2**60, "x"), "too large"),
        (_varint(2**50), "claims"),
        (b"\x01" + _varint(2**40) + _varint(ANA) + b"\x00", "claims"),
        (b"\x01\x01" + _varint(ANA) + b"\x00\x00" + _varint(2**45) + b"\x00", "out of bounds"),
        (b"\x01\x01" + _varint(ANA) + b"\x00\x04\x01\x04text" + _varint(2**30) + b"x\x00", "longer than the update"),
        (b"\x00\x01" + _varint(ANA) + b"\x01" + _varint(2**45) + b"\x01", "cannot be there"),
        (b"\x01\x01" + _varint(ANA) + b"\x00\x04\x01\x05other\x01x\x00", "elsewhere"),
        (b"\x01\x01" + _varint(ANA) + b"\x00\x07\x01\x04text\x00\x00", "something else than text"),
        (item(update.client_of("ben", b"\0\0\0\1"), 0, "in ben's name"), "another peer's id"),
        (item(ANA, 0, "ok") + b"more", "follows its end"),
        (b"x" * (update.MOST_BYTES + 1), "larger than"),
    ],
)
def test_hostile_updates_are_refused_by_name_before_the_library_sees_them(raw, why):
    """Huge clocks, counts and lengths, other roots and kinds, another's name: refused, in words, with nothing changed."""
    editor = document("cem")
    with pytest.raises(BadUpdate, match=why):
        editor.take("ana", raw)
    assert (editor.text, editor.refused) == ("", 1)


def test_updates_that_wait_for_what_never_comes_are_bounded_for_each_author():
    """A member that sends updates whose beginnings are missing fills its own share and nobody else's."""
    editor = document("cem")
    tracemalloc.start()
    for n in range(3_000):
        try:
            editor.take("ana", item(update.client_of("ana", n.to_bytes(4, "big")), 1, f"{n} " * 2_000))
        except BadUpdate:
            break
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert editor.refused
    assert held < documents.MOST_WAITING + (4 << 20)
    ben = document("ben")
    editor.take("ben", write(ben, 0, 0, "is heard"))
    assert editor.text == "is heard"


def test_an_author_cannot_make_a_text_grow_without_end():
    """What one peer inserts in a session is bounded, whatever client ids it uses; others are still heard."""
    editor, taken = document("cem"), 0
    for n in range(40):
        with contextlib.suppress(BadUpdate):
            editor.take("ana", item(update.client_of("ana", n.to_bytes(4, "big")), 0, "x" * 400_000))
            taken += 400_000
    assert editor.refused
    assert taken <= documents.MOST_OF_AUTHOR
    assert len(editor.text) == taken
    editor.take("ben", write(document("ben"), 0, 0, "heard "))
    assert "heard " in editor.text


def test_a_text_is_refused_where_it_is_typed_when_it_gets_too_long():
    """The cap is told to who types; what is there stays, and can still be made shorter."""
    editor = document("ana")
    other = document("cem")
    for raw in editor.write([Edit(0, 0, "x" * documents.MOST_TEXT)], str).updates:
        other.take("ana", raw)
    assert other.text == editor.text
    with pytest.raises(TooLong):
        editor.write([Edit(0, 0, "y")], str)
    editor.write([Edit(0, 10, "z")], str)
    late = document("cem")
    late.take_state(editor.whole())
    assert late.text == editor.text
    assert len(editor.text) == documents.MOST_TEXT - 9
    portal = document("ana", 1)
    portal.take_state(editor.whole())
    with pytest.raises(TooLong):
        editor.take_own("ana", portal_types(portal, "y" * 20), str)


def test_an_engine_writes_on_under_a_fresh_id_and_stops_where_others_would():
    """A program that writes and deletes without end: every update is taken by others until the limit of one author, which is told
    before anything has changed; what others write is still heard, and all have the same text."""
    editor, other = document("ana"), document("cem")
    written = documents.MOST_OF_AUTHOR // 300_010
    for n in range(written):
        for raw in editor.write([Edit(0, len(editor.text), f"{n} 😀" + "x" * 300_000)], str).updates:
            other.take("ana", raw)
    with pytest.raises(TooLong, match=f"at most {documents.MOST_OF_AUTHOR} characters"):
        editor.write([Edit(0, len(editor.text), "y" * 310_000)], str)
    assert other.text == editor.text
    assert other.text.startswith(f"{written - 1} ")
    assert len(state_vector.read(editor.state)) == 2
    for raw in editor.write([Edit(0, 10, "")], str).updates:
        other.take("ana", raw)
    raw = write(document("ben"), 0, 0, "heard ")
    for each in (editor, other):
        each.take("ben", raw)
    assert other.text == editor.text
    assert "heard " in editor.text


def test_there_is_room_for_what_stands_in_for_a_secret_of_the_portal():
    """The marker is the engine's own insertion: others take it, too, however much was written before."""
    redact = Redactor(["hunter2hunter2"]).text
    editor, other, portal = document("ana"), document("cem"), document("ana", 1)
    for size in (*[290_000] * 7, update.MOST_CLOCK - 7 * 290_000 - 5):
        for raw in editor.write([Edit(0, len(editor.text), "x" * size)], str).updates:
            other.take("ana", raw)
    portal.take_state(editor.whole())
    done = editor.take_own("ana", portal_types(portal, "hunter2hunter2 "), redact)
    assert done is not None
    assert done.redacted
    for raw in done.updates:
        other.take("ana", raw)
    assert other.text == editor.text
    assert "hunter2" not in other.text


def portal_types(portal: Document, text: str) -> bytes:
    """Past the portal's own cap."""
    (made,) = portal._own(lambda: portal._edit(Edit(0, 0, text)))
    return made


def test_nothing_tears_a_character_of_two_units_apart():
    """An insertion or deletion inside an emoji is refused: the library would say something else of it to each peer."""
    ana, cem = document("ana", 7), document("cem")
    cem.take("ana", write(ana, 0, 0, "a😀b"))
    inside = b"\x01\x01" + _varint(ANA + 1) + b"\x00\x84" + _varint(ANA) + b"\x01\x01x\x00"
    half = b"\x00\x01" + _varint(ANA) + b"\x01\x01\x01"
    for raw in (inside, half):
        with pytest.raises(BadUpdate, match="tears a character apart"):
            cem.take("ana", raw)
    assert cem.text == "a😀b"


def test_a_new_start_never_writes_under_an_id_with_another_history():
    """Ids come from chance at each start, begin with their peer's own bits, and fit 53 bits."""
    one, two = (update.client_of("ana", bytes([0, 0, 0, n])) for n in (1, 2))
    assert one != two
    assert update.prefix_of(one) == update.prefix_of(two) == update.prefix("ana") != update.prefix("ben")
    assert max(update.client_of(str(n), b"\xff" * 4) for n in range(500)).bit_length() <= 53


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), max_size=20))
def test_a_state_vector_is_read_as_it_was_written(state):
    """And nothing else is one."""
    assert state_vector.read(state_vector.write(state)) == state
    with pytest.raises(ValueError, match="state vector"):
        state_vector.read(state_vector.write(state) + b"\x80")
