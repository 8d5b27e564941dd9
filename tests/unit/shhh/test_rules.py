"""Every rule finds its secrets in ten contexts and at every split, and nothing that only looks like one."""

from __future__ import annotations

import base64
from itertools import pairwise
from random import Random

import pytest

from chorus_tui.contract.operations import Scope
from chorus_tui.engine.api.token_file import new_secret
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.rules import RULES
from chorus_tui.engine.shhh.scanner import Scanner
from chorus_tui.engine.shhh.stream import StreamRedactor
from tests.support.secrets import CONTEXTS, near_misses, own_ids, samples, stand_in

OWN_IDS = 100_000


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(["s3cr3t-of-this-node/with+signs"])


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_rule_finds_its_secrets_in_every_context(redactor, context):
    """Of generated secrets of every rule, written in one of ten ways, none is left; idempotent."""
    left = []
    for rule, text, secret in samples(Random(context), each=4):
        written = CONTEXTS[context](text)
        clean = redactor.text(written)
        assert redactor.text(clean) == clean
        if any(form in clean for form in stand_in(written, secret)) or "[REDACTED:" not in clean:
            left.append((rule, written, clean))

    assert left == []


def test_a_near_miss_is_left_alone():
    """What only looks like a secret of a rule is not found by that rule."""
    scanner = Scanner()
    wrong = [
        (rule, text)
        for rule, text in near_misses(Random(5))
        if rule in {one.rule for one in scanner.find(text.encode())}
    ]

    assert wrong == []


def test_every_rule_finds_its_own_samples():
    """A sample is found by its rule or by one that stands before it, whose name it then gets."""
    scanner, rank = Scanner(), {rule.name: number for number, rule in reversed(list(enumerate(RULES)))}
    for rule, text, secret in samples(Random(1), each=3):
        found = [one for one in scanner.find(text.encode()) if secret in text.encode()[one.start : one.end].decode()]

        assert found, (rule, text)
        assert rank[found[0].rule] <= rank[rule] or found[0].rule == "assigned", (rule, found)


def test_a_stream_split_anywhere_gives_no_secret():
    """A sample of every shape, split at every byte (a long one at a hundred): neither is it shown, nor what stood round it lost."""
    redactor = Redactor()
    for rule, text, secret in samples(Random(2)):
        whole = f"before it\nnote {text}\nafter it".encode()
        step = max(1, len(whole) // 100)
        for cut in range(0, len(whole), step):
            stream = StreamRedactor(redactor)
            out = (stream.feed(whole[:cut]) + stream.feed(whole[cut:]) + stream.flush()).decode()

            assert secret not in out, (rule, cut)
            assert "[REDACTED:" in out, (rule, cut)
            assert out.startswith("before it\n")
            assert out.endswith("after it")


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_stream_split_inside_a_secret_gives_none_in_any_context(context):
    """Cut at a dozen places of a secret, however it is written: it is not shown."""
    redactor = Redactor()
    for rule, text, secret in samples(Random(f"split {context}")):
        written = CONTEXTS[context](text)
        whole, forms = f"first\n{written}\nlast".encode(), stand_in(written, secret)
        for part in range(1, 13):
            cut = len(whole) * part // 13
            stream = StreamRedactor(redactor)
            out = (stream.feed(whole[:cut]) + stream.feed(whole[cut:]) + stream.flush()).decode()

            assert not any(form in out for form in forms), (rule, cut)
            assert "[REDACTED:" in out, (rule, cut)


def test_no_id_of_ours_is_taken_for_a_secret(redactor):
    """Peer ids, digests, ULIDs, addresses, recipients, commits, UUIDs, CIDs, SRI hashes and markers: none of 100,000."""
    ids = list(own_ids(Random(4), OWN_IDS))
    assert len(ids) == OWN_IDS
    pages = ["\n".join(ids[at : at + 500]) for at in range(0, OWN_IDS, 500)]

    assert [page for page in pages if redactor.text(page) != page] == []


def test_a_token_longer_than_its_window_goes_whole(redactor):
    """However long it is: what reaches the edge of what is looked at first is followed to its end."""
    for token in ("eyJhbGciOiJIUzI1NiJ9.eyJ" + "aB3xYz" * 5000 + "." + "aB3" * 5000, "ya29." + "aB3" * 5000):
        assert "aB3" not in redactor.text(f"a {token} b")


def test_linear_in_hostile_text():
    """The windows of a rule never overlap, so each byte is read by each rule a bounded number of times, whatever stands there."""
    scanner = Scanner()
    for unit in (
        "password=",
        "sk-",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "eyJ",
        "[REDACTED:assigned:01234567]",
        f"secret {'x' * 400} token ",
    ):
        size = 200_000
        raw = (unit * (size // len(unit))).encode()
        for spans in scanner._windows(raw).values():
            assert sum(end - start for start, end in spans) <= len(raw)
            assert all(one[1] < other[0] for one, other in pairwise(spans))


def test_dashes_cost_no_look():
    """A rule, a table, a drawing: no keyword is made of dashes, and the options that begin with some are known all the same."""
    scanner = Scanner()
    assert scanner._windows(b"-" * 100_000) == {}
    (found,) = scanner.find(b"-" * 5_000 + b" tool --my-db-api-key 'a1b2c3d4e5f6g7h8' " + b"-" * 5_000)
    assert (found.rule, found.secret) == ("option", b"a1b2c3d4e5f6g7h8")


def test_a_secret_with_escapes_is_found_wherever_its_text_is_parted(monkeypatch):
    """Text with escapes is read in bounded parts, which share more than the longest secret: at no place is one lost or misplaced."""
    monkeypatch.setattr("chorus_tui.engine.shhh.scanner._SLICE", 20_000)
    secret = b"ghp%5F" + b"a1B2c3D4e5F6" * 3
    for before in range(19_900, 20_100, 7):
        raw = b"%20" * (before // 3) + b"x" * (before % 3) + b" " + secret + b" " + b"%21" * 15_000
        found = [one for one in Scanner().find(raw) if one.rule == "github-token"]
        assert [raw[one.start : one.end] for one in found] == [secret]


def test_of_many_runs_of_base64_only_those_with_a_secret_go():
    """They are decoded into one text; each finding goes back to the run, and to no other."""
    plain = [base64.b64encode(f"nothing to hide in number {n}".encode()) for n in range(200)]
    guilty = [base64.b64encode(b"here: glpat-" + (b"a1B2c3D4e5%d" % n) * 2) for n in range(10, 15)]
    runs = [*plain[:50], guilty[0], *plain[50:100], *guilty[1:4], *plain[100:], guilty[4]]
    raw = b" ".join(runs)

    assert [raw[one.start : one.end] for one in Scanner().find(raw)] == guilty


@pytest.mark.parametrize("scope", Scope)
def test_a_token_of_any_engine_is_known_by_its_shape(scope):
    """As it is made, not as a sample says: also one that this node does not hold."""
    token = new_secret(scope)
    (found,) = Scanner().find(f"export TOKEN_OF={token};".encode())

    assert (found.rule, found.severity, found.secret) == ("chorus-token", "critical", token.encode())
