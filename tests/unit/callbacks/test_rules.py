"""Which addresses are called, how a call is signed, and when it is tried again."""

from __future__ import annotations

import contextlib
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.callbacks import rules
from chorus_tui.engine.callbacks.rules import Callback, NotAllowed

LISTED = rules.targets(["ci.example", "hooks.example:8443", "127.0.0.1:9000", "10.0.0.5:443"])


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://ci.example/hook?a=1", "ci.example:443"), ("https://CI.example", "ci.example:443"),
        ("https://hooks.example:8443/", "hooks.example:8443"), ("http://127.0.0.1:9000/x", "127.0.0.1:9000"),
        ("https://10.0.0.5/x", "10.0.0.5:443"),
    ],
)  # fmt: skip
def test_listed_hosts_are_called(url, where):
    """Exactly the hosts and ports that are listed; plain HTTP to this machine itself only."""
    assert str(rules.place(url, LISTED).where) == where


@pytest.mark.parametrize(
    "url",
    [
        "", "ci.example", "ftp://ci.example", "https://", "http://ci.example/", "https://ci.example:444/", "https://evil.example/",
        "https://ci.example.evil.example/", "https://ci.example@evil.example/", "https://user:pass@ci.example/",
        "https://ci.example/#x", "https://ci.example /", "https://ci.example\t/", "https://ci.exämple/", "https://[::1/", "https://ci.example:99999/",
        "http://10.0.0.5:443/", "https://127.1:9000/", "https://2130706433:9000/", "https://ci.example./", "https://ci.example\\@evil.example/",
        "https://ci.example/" + "x" * 2048,
    ],
)  # fmt: skip
def test_others_are_not(url):
    """Whatever is not listed, or only looks as if it were, is refused in words."""
    with pytest.raises(NotAllowed):
        rules.place(url, LISTED)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text):
    """No text breaks the reader."""
    with contextlib.suppress(NotAllowed):
        assert rules.place(f"https://{text}", LISTED).where in LISTED


def test_signature_is_the_documented_one():
    """HMAC-SHA256 of time, dot and body; another time or body has another."""
    wanted = hmac.new(b"secret", b'1700000000.{"a": 1}', hashlib.sha256).hexdigest()

    assert rules.signature("secret", 1_700_000_000, b'{"a": 1}') == f"v1={wanted}"
    assert rules.signature("secret", 1_700_000_001, b'{"a": 1}') != f"v1={wanted}"


@given(st.lists(st.one_of(st.none(), st.integers(100, 599)), min_size=1, max_size=60))
def test_tries(answers):
    """2xx delivers and 410 ends it; else pauses double up to an hour, until a day after the first try. An ended one stays as it is."""
    callback, now = Callback("t", "https://ci.example/", "d"), 1_000.0
    pauses = []
    for status in answers:
        callback = rules.tried(callback, now, status, "no connection")
        if callback.state != "waiting":
            break
        pauses.append(callback.next_at - now)
        now = callback.next_at
    last = answers[callback.tries - 1]

    assert pauses == [min(3_600.0, 5.0 * 2**i) for i in range(len(pauses))]
    assert now - 1_000.0 <= rules.GIVE_UP_S
    assert (callback.state == "delivered") == (last is not None and 200 <= last < 300)
    if callback.state == "waiting":
        assert callback.problem
    if callback.state == "given_up":
        assert last == rules.GONE or now + 3_600.0 > 1_000.0 + rules.GIVE_UP_S


def test_it_is_given_up_after_a_day():
    """A service that never answers is not called for ever."""
    callback, now = Callback("t", "https://ci.example/", "d"), 0.0
    while callback.state == "waiting":
        callback = rules.tried(callback, now, 503, "")
        now = max(now, callback.next_at)

    assert callback.state == "given_up"
    assert 20 <= callback.tries <= 40
