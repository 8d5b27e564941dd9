"""Pastes of guests: whole when they fit, however they come; never held when they do not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from chorus_tui.serve.pastes import PASTE, GuestParser, PasteRefused

START, END = "\x1b[200~", "\x1b[201~"


def told(messages: Iterable[Message]) -> list[object]:
    """Keys by their names, pastes by their texts."""
    said: list[object] = []
    for message in messages:
        match message:
            case events.Key():
                said.append(message.key)
            case events.Paste():
                said.append(("paste", message.text))
            case PasteRefused():
                said.append("refused")
    return said


def fed(parser: GuestParser, text: str, piece: int) -> list[object]:
    return [one for at in range(0, len(text), piece) for one in told(parser.feed(text[at : at + piece]))]


def held(parser: GuestParser) -> int:
    return sum(map(len, parser._held or [])) + len(parser._tail)


@given(st.text(st.characters(exclude_characters="\x1b\0"), min_size=1, max_size=40), st.integers(1, 50))
def test_a_paste_arrives_whole_in_any_pieces(text, piece):
    """Marks may be cut anywhere; keys before and after it are keys."""
    assert fed(GuestParser(), f"a{START}{text}{END}b", piece) == ["a", ("paste", text), "b"]


@given(st.integers(1, 50))
def test_sequences_in_a_paste_are_text(piece):
    """What a paste holds is not obeyed, and only its own mark ends it."""
    inner = f"x\x1b[A\x1b[201\x1b[{START}y"
    assert fed(GuestParser(), f"{START}{inner}{END}\x1b[A", piece) == [("paste", inner), "up"]


@pytest.mark.parametrize("piece", [100, 4096, 1 << 22])
def test_a_paste_at_the_bound_is_taken_and_one_beyond_is_refused_at_once(piece):
    """It is said once, while it still comes; nothing of it is held; what follows its end is read as ever."""
    parser = GuestParser()

    assert fed(parser, f"{START}{'x' * PASTE}{END}", piece) == [("paste", "x" * PASTE)]
    assert fed(parser, f"{START}{'x' * (PASTE + 10)}", piece) == ["refused"]
    assert held(parser) < len(END)
    assert fed(parser, f"{'x' * PASTE * 3}{END}b{START}c{END}", piece) == ["b", ("paste", "c")]


def test_a_paste_without_an_end_is_held_no_further_than_the_bound():
    """However much comes."""
    parser = GuestParser()
    most = 0
    fed(parser, START, 6)
    for _ in range(1000):
        fed(parser, "x" * 1000, 1000)
        most = max(most, held(parser))

    assert most <= PASTE + len(END)


def test_nothing_and_half_a_sequence_end_nothing():
    """An empty piece is no end of the input; an escape that nothing followed begins no mark; an empty paste is none."""
    parser = GuestParser()
    assert fed(parser, "a", 1) + told(parser.feed("")) + fed(parser, "b", 1) == ["a", "b"]
    assert fed(parser, f"{START}{END}c", 3) == ["c"]
    assert fed(parser, "\x1b", 1) == []
    parser._timeout_time = 0.0
    assert told(parser.tick()) == ["escape"]
    assert fed(parser, "[200~", 1) == ["left_square_bracket", "2", "0", "0", "tilde"]


@given(st.integers(1, 50), st.sampled_from(["99999;99999;1;1", "24;80;0;0", "48:1;80:2;480;800"]))
def test_a_size_among_the_keys_is_passed_over(piece, size):
    """Whatever it says and however it comes, nothing is told of it, and the mouse goes on counting in cells."""
    parser = GuestParser()
    text = f"a\x1b[48;{size}t\x1b[<0;5;6Mb"
    found = [one for at in range(0, len(text), piece) for one in parser.feed(text[at : at + piece])]

    assert [type(one) for one in found] == [events.Key, events.MouseDown, events.Key]
    assert (found[1].x, found[1].y) == (4, 5)
