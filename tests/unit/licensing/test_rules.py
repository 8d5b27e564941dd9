"""Licences: what a token must say, who may start, until when an engine runs, when the server is asked again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from chorus_tui.engine.licensing import rules
from chorus_tui.engine.licensing.license import LicenseError, check
from chorus_tui.engine.licensing.rules import Breaker, Holder
from chorus_tui.engine.licensing.statement import Lease, NotSigned, read
from tests.support.kaching import signed

KEY = SigningKey(b"k" * 32)
PUBLIC = bytes(KEY.verify_key)
LEASE = {
    "kind": "lease", "license": "a" * 64, "cluster": "prod", "node": "me", "nonce": "0" * 32, "issued_at": 1_000_000,
    "lease_until": 1_003_600, "expires_at": 2_000_000, "node_limit": 3, "features": ["mesh"],
}  # fmt: skip
ME = Holder("a" * 64, "prod", "me")


def lease(**other) -> Lease:
    said = read(signed(KEY, {**LEASE, **other}), PUBLIC)
    assert isinstance(said, Lease)
    return said


@pytest.mark.parametrize(
    ("id_", "server", "why"),
    [
        ("", "", "CHORUS_LICENSE_ID is not set"),
        ("dev-", "", "no development licence"),
        ("prod-123", "", "no licence server to ask"),
        ("prod 123", "http://x", "malformed"),
        ('"prod-123"', "http://x", "malformed"),
        ("x" * 129, "http://x", "malformed"),
    ],
)
def test_an_id_that_cannot_be_right_is_refused_without_asking_anybody(id_, server, why):
    """The reason and the way out, and never the id."""
    with pytest.raises(LicenseError, match=why) as caught:
        check(id_, server)

    assert len(id_) < 5 or id_ not in str(caught.value)


@pytest.mark.parametrize(("id_", "server"), [("dev-local", ""), ("dev-local", "http://x"), ("prod-123", "http://x")])
def test_an_id_that_may_be_right_passes(id_, server):
    """Development licences need no server."""
    check(id_, server)


@given(position=st.integers(0, 400), letter=st.sampled_from("AQz09_-."))
def test_a_statement_with_any_letter_changed_does_not_count(position, letter):
    """Prefix, payload and signature alike."""
    text = signed(KEY, LEASE)
    at = position % len(text)
    changed = text[:at] + letter + text[at + 1 :]
    if changed == text or _same_bytes(changed, text):
        return

    with pytest.raises(NotSigned):
        read(changed, PUBLIC)


def _same_bytes(one: str, other: str) -> bool:
    """Base64 has spare bits in its last letter; what they say does not matter, as the bytes are the same."""
    return one[:-1] == other[:-1]


@pytest.mark.parametrize(
    "other",
    [
        {"lease_until": 999_999},
        {"expires_at": 1_003_599},
        {"node_limit": 0},
        {"kind": "gift"},
        {"license": "prod-123"},
        {"kind": "refusal", "reason": "bored"},
        {"issued_at": "yesterday"},
    ],
)
def test_a_signed_statement_with_impossible_fields_does_not_count(other):
    """Times that contradict each other, fields of the wrong kind, an id in clear."""
    with pytest.raises(NotSigned, match="signed, but"):
        read(signed(KEY, {**LEASE, **other}), PUBLIC)


@pytest.mark.parametrize(
    "text", [None, 7, "", "kaching1", "kaching1..", "kaching1.e30.AAAA", "x" * 9000, "kaching1.é.é"]
)
def test_what_is_no_statement_is_named_so(text):
    """Whatever comes: one kind of error."""
    with pytest.raises(NotSigned):
        read(text, PUBLIC)


@pytest.mark.parametrize(
    ("other", "now", "seen_at", "why"),
    [
        ({}, 1_000_100, 1_000_000, ""),
        ({}, 1_003_600 + 71 * 3600, 1_000_000, ""),
        ({}, 1_003_600 + 73 * 3600, 1_000_000, "72 hours"),
        ({"expires_at": 1_003_600}, 1_003_601, 1_000_000, "expired"),
        ({}, 1_000_100, 1_100_000, "clock is behind"),
        ({}, 999_000, 0, "clock is behind"),
        ({"cluster": "other"}, 1_000_100, 1_000_000, "cluster 'other'"),
        ({"node": "another"}, 1_000_100, 1_000_000, "another node"),
        ({"license": "b" * 64}, 1_000_100, 1_000_000, "another licence"),
    ],
)
def test_a_kept_lease_lets_its_own_holder_start_within_its_grace(other, now, seen_at, why):
    """And nobody else, not after the licence's end, not with a clock that was set back."""
    said = rules.may_start(lease(**other), ME, now, seen_at)

    assert (why in said) if why else said == ""


@given(
    length=st.integers(1, 10**7), rest=st.integers(0, 10**7),
    refused=st.one_of(st.none(), st.integers(1_000_000, 3_000_000)), now=st.floats(1_000_000, 3_000_000),
)  # fmt: skip
def test_a_running_engine_goes_on_for_72_hours_after_whatever_went_wrong_first(length, rest, refused, now):
    """Nothing ends it sooner, nothing prolongs it, and a start is never allowed where a run is over."""
    found = lease(lease_until=1_000_000 + length, expires_at=1_000_000 + length + rest)
    end = rules.running_end(found, refused)
    wrong = min(found.lease_until, refused if refused is not None else found.lease_until)

    assert end == wrong + rules.GRACE_S
    if refused is None and now >= end:
        assert rules.may_start(found, ME, now, 0)


def test_a_lease_is_renewed_at_a_third():
    """Not before, and at once when it is later than that."""
    assert rules.wait_s(lease(), Breaker(), 1_000_000, 5.0) == 1200
    assert rules.wait_s(lease(), Breaker(), 1_001_200, 5.0) == 0
    assert rules.wait_s(lease(), Breaker(), 1_500_000, 5.0) == 0


def test_five_failures_open_the_way_for_a_minute_and_then_one_trial_passes():
    """A trial that fails opens it again; a success forgets all."""
    breaker = Breaker()
    for at in range(4):
        breaker = rules.failed(breaker, float(at))
        assert rules.phase(breaker, float(at)) == "closed"
        assert rules.wait_s(lease(), breaker, 1_000_000, float(at)) == rules.RETRY_S
    breaker = rules.failed(breaker, 10.0)

    assert rules.phase(breaker, 10.0) == rules.phase(breaker, 69.9) == "open"
    assert rules.wait_s(lease(), breaker, 1_500_000, 30.0) == 40.0
    assert rules.phase(breaker, 70.0) == "half-open"
    assert rules.phase(rules.failed(breaker, 70.0), 129.0) == "open"
