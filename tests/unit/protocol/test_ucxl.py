"""UCXL addresses: printing and parsing are a pair, and each fault is named at its part."""

from __future__ import annotations

import random
import re
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract import ucxl
from chorus_tui.contract.ucxl import Address, InvalidAddress, Temporal, parse

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
DOTTED = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
PATHS = st.lists(
    st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True).filter(lambda segment: segment != ".."), max_size=4
).map("/".join)
TEMPORAL = st.one_of(
    st.sampled_from([Temporal(), Temporal("any")]),
    st.builds(Temporal, st.sampled_from(["back", "forward"]), st.integers(0, ucxl.MOST_VERSION)),
    st.builds(Temporal, st.just("version"), st.integers(1, ucxl.MOST_VERSION)),
    st.datetimes(timezones=st.just(UTC)).map(lambda at: Temporal("at", at=at)),
)
EXTRA = st.from_regex(r"[!-~]{0,12}", fullmatch=True)
ADDRESSES = st.builds(
    Address, DOTTED, NAMES, DOTTED, NAMES, TEMPORAL, PATHS, EXTRA.map(lambda q: q.replace("#", "")), EXTRA
)


@given(ADDRESSES)
def test_what_is_printed_parses_to_the_same(address):
    """For any address; and the canonical form is its own canonical form."""
    assert parse(str(address)) == address
    assert str(parse(str(address))) == str(address)


def outcome(raw: str) -> Address | InvalidAddress:
    try:
        return parse(raw)
    except InvalidAddress as error:
        return error


def test_ten_thousand_random_texts_and_mutations_are_stable():
    """Each text is refused with field, message and raw, or its canonical form is a fixed point; nothing else ever happens."""
    chance = random.Random(20)
    letters = "aZ09_-.:@/*~^#?%+ \u00e9\n"
    seeds = [
        "ucxl://gpt4:architect@bzzz:v2-migration/*^/decisions/protocol-choice.json", "ucxl://any:any@chorus:*/*~/planning/requirements.md",
        "UCXL://a:b@c.d:e/~~/x?q=1#f", "ucxl://a:*@DistOS:arch/*^/", "ucxl://a:b@c:d/@2030-01-31T12:00:00+02:00/x", "ucxl://a:b@c:d/#/x/y",
    ]  # fmt: skip
    good = 0
    for _ in range(10_000):
        text = list(chance.choice(seeds))
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(text) + 1)
            text[at : at + chance.randrange(3)] = chance.choices(letters, k=chance.randrange(3))
        raw = "".join(text)
        found = outcome(raw)
        if isinstance(found, Address):
            good += 1
            assert parse(str(found)) == found
            assert str(found).startswith("ucxl://")
            assert "*" not in "".join(found.names)
        else:
            assert found.field and found.message and found.raw == raw
            assert found.field in str(found) and found.message in str(found)
            assert re.fullmatch(r"UCXL-400-[A-Z_]+", found.code)
    assert good > 1000


@pytest.mark.parametrize(("raw", "canonical"), [
    ("UCXL://a:b@c:d/*^", "ucxl://a:b@c:d/*^/"), ("ucxl://*:*@*:*/#/x", "ucxl://any:any@any:any/*^/x"),
    ("ucxl://a:b@c:d/~~/x", "ucxl://a:b@c:d/~~1/x"), ("ucxl://a:b@c:d/^^/x", "ucxl://a:b@c:d/^^1/x"),
    ("ucxl://a:b@c:d/*~007/x", "ucxl://a:b@c:d/*~7/x"), ("ucxl://a:b@c:d/*~/x", "ucxl://a:b@c:d/*~/x"),
    ("ucxl://a:b@c:d/@2030-01-31t12:00:00+02:00/x", "ucxl://a:b@c:d/@2030-01-31T10:00:00Z/x"),
    ("ucxl://a.b:c@d.e:f/*^/x?y=/z#/w", "ucxl://a.b:c@d.e:f/*^/x?y=/z#/w"),
])  # fmt: skip
def test_canonical_forms(raw, canonical):
    """Every way to write an address ends as one."""
    assert str(parse(raw)) == canonical


@pytest.mark.parametrize(("raw", "field"), [
    ("http://a:b@c:d/*^/x", "scheme"), ("ucxl://:b@c:d/*^/x", "agent"), ("ucxl://a@c:d/*^/x", "role"), ("ucxl://a:b.c@c:d/*^/x", "role"),
    ("ucxl://a:b/*^/x", "project"), ("ucxl://a:b@/*^/x", "task"), ("ucxl://a:b@c:/*^/x", "task"), ("ucxl://a:b@c:d", "temporal"),
    ("ucxl://a:b@c:d/x", "temporal"), ("ucxl://a:b@c:d/*~0/x", "temporal"), ("ucxl://a:b@c:d/@2030-01-31T12:00:00/x", "temporal"),
    ("ucxl://a:b@c:d/@2030-13-31T12:00:00Z/x", "temporal"), ("ucxl://a:b@c:d/*^/x/../y", "path"), ("ucxl://a:b@c:d/*^//x", "path"),
    ("ucxl://a:b@c:d/*^/x/", "path"), ("ucxl://a:b@c:d/*^/x y", "path"), ("ucxl://a:b@c:d/*^/x?a b", "query"),
    ("ucxl://a:b@c:d/*^/x#\u00e9", "fragment"), ("ucxl://" + "a" * 1100 + ":b@c:d/*^/x", "address"),
])  # fmt: skip
def test_each_fault_is_named_at_its_part(raw, field):
    """With what would be right instead."""
    with pytest.raises(InvalidAddress) as caught:
        parse(raw)
    assert caught.value.field == field


@given(ADDRESSES, ADDRESSES)
def test_wildcards_cover_and_names_do_not(one, other):
    """An address covers itself and any with its names; all wildcards cover everything."""
    assert one.covers(one)
    everything = Address("any", "any", "any", "any")
    assert everything.covers(other)
    assert one.covers(other) == (
        all(a in ("any", b) for a, b in zip(one.names, other.names, strict=True)) and one.path in ("", other.path)
    )
    assert parse(one.place).place == one.place
