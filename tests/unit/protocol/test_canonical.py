"""The quick way of writing canonical JSON and the exact one give the same bytes, or the same refusal."""

from __future__ import annotations

import json
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import MAX_DEPTH, MAX_INTEGER, MAX_KEYS, WireError

ODD = '\x00\x1f\x7f\x80\x85\u2028\u2029\ud7ff\ue000\ufeff\uffff\U00010000\U0010ffff"\\/\b\f\n\r\t'
CHARACTERS = st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=12)
KEYS = st.text(st.characters(max_codepoint=127), max_size=6) | TEXT
NUMBERS = (
    st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 2**53 <= abs(x) < 1e21)
    | st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e-4, 9.9e-5, 1e-7, 4503599627370495.5, 1e21, 5e-324])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


class Colour(StrEnum):
    """A string that is no plain one."""

    RED = "red"


class Level(IntEnum):
    """A number that is no plain one."""

    HIGH = 3


@given(VALUES)
@example({"": 1, "z": 2, "é": 3, "\ufb33": 4, "\U0001f600": 5})
@example({"a": 0.5, "A": 1.5, "_": [0.25, 1900000012.345, -0.75]})
def test_both_ways_give_the_same_bytes(value: Any) -> None:
    """Whatever JSON and the bounds can hold is written as the reference writes it, and read back."""
    exact = rfc8785.dumps(value)

    assert canonical.encode(value) == exact
    assert canonical.encode_frame(value) == exact
    assert rfc8785.dumps(canonical.decode(exact)) == exact


@given(st.dictionaries(KEYS, st.integers(0, 9), min_size=2, max_size=8))
def test_keys_are_sorted_by_their_utf_16_units(value: dict[str, int]) -> None:
    """Also where that differs from the order of code points."""
    keys = list(json.loads(canonical.encode(value)))

    assert keys == sorted(keys, key=lambda key: key.encode("utf-16-be"))


@given(VALUES, st.characters(categories=["Cs"]), st.booleans())
def test_a_lone_surrogate_is_refused(value: Any, lone: str, in_key: bool) -> None:
    """In a key or in a string, deep inside or not."""
    bad = {f"k{lone}": value} if in_key else {"k": [value, f"{lone}x"]}
    with pytest.raises(WireError) as caught:
        canonical.encode(bad)
    assert caught.value.reason == "not_json"


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (Colour.RED, b'"red"'),
        ([Level.HIGH], b"[3]"),
        ({Colour.RED: (1, 2)}, b'{"red":[1,2]}'),
        ({"t": True, "n": None, "x": "\x7f\x1f"}, b'{"n":null,"t":true,"x":"\x7f\\u001f"}'),
        (MAX_INTEGER, b"9007199254740991"),
    ],
)
def test_types_made_from_those_of_json(value: Any, raw: bytes) -> None:
    """Enums and tuples are written as what they are made from."""
    assert canonical.encode(value) == raw


@pytest.mark.parametrize(
    "value",
    [
        MAX_INTEGER + 1, -MAX_INTEGER - 1, 2**70, [2.0**60], float("nan"), float("inf"), {1: "x"}, {None: 1}, {True: 1},
        {"x": {1.5: 1}}, b"x", {"x"}, object(),
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(value: Any) -> None:
    """Never written as something near it: Python's encoder would turn a key 1 into a string."""
    with pytest.raises(WireError) as caught:
        canonical.encode(value)
    assert caught.value.reason == "not_json"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return value


def test_the_bounds_are_where_they_are_said_to_be() -> None:
    """Sixteen levels and 1,024 keys pass in both directions, one more of either does not; a loop is too deep."""
    wide = {str(n): n for n in range(MAX_KEYS)}
    for value in (nested(MAX_DEPTH), wide):
        assert canonical.decode(canonical.encode(value)) == value

    loop: list[Any] = []
    loop.append(loop)
    for value, reason in ((nested(MAX_DEPTH + 1), "too_deep"), (wide | {"x": 1}, "too_many_keys"), (loop, "too_deep")):
        with pytest.raises(WireError) as caught:
            canonical.encode(value)
        assert caught.value.reason == reason
        if value is not loop:
            with pytest.raises(WireError) as caught:
                canonical.decode(rfc8785.dumps(value))
            assert caught.value.reason == reason


@given(VALUES)
def test_another_form_of_the_same_is_refused(value: Any) -> None:
    """Spaces, escapes and order that the canonical form does not have are never taken."""
    exact = rfc8785.dumps(value)
    for other in (
        json.dumps(value, indent=1),
        json.dumps(value),
        json.dumps(value, sort_keys=True, separators=(",", ":")),
    ):
        if other.encode() != exact:
            with pytest.raises(WireError) as caught:
                canonical.decode(other.encode())
            assert caught.value.reason in ("not_canonical", "not_json")


def test_what_was_found_good_is_read_anew_and_judged_by_each_bound() -> None:
    """The form of a document is judged once; what it says is nobody else's, and a narrower bound refuses it still."""
    raw = canonical.encode({"a": [1], "b": 2})
    first = canonical.decode(raw)
    first["a"].append("changed")

    assert canonical.decode(raw) == {"a": [1], "b": 2}
    for bound in ({"limit": len(raw) - 1}, {"max_keys": 1}):
        with pytest.raises(WireError):
            canonical.decode(raw, **bound)


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    """Documents without end fill no memory."""
    for number in range(canonical.REMEMBERED + 2):
        canonical.decode(canonical.encode(number))

    assert len(canonical._FOUND_CANONICAL) <= canonical.REMEMBERED


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1024, 1025, 30_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_too_many_levels_are_that_however_many_they_are(levels: int, brackets: tuple[bytes, bytes]) -> None:
    """Also beyond what the reader itself takes, which says it in words of its own."""
    opening, closing = brackets
    data = opening * (levels - 1) + b"[1]" + closing * (levels - 1)
    for read in (partial(canonical.decode, limit=1 << 20), canonical.decode_frame):
        with pytest.raises(WireError) as caught:
            read(data)
        assert caught.value.reason == "too_deep"
