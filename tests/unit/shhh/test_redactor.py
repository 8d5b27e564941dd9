"""SHHH's choke point: secrets never pass, our own ids always do, however a stream is split."""

from __future__ import annotations

import base64
import hashlib
import json
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.shhh.redactor import ROUNDS, Redactor
from chorus_tui.engine.shhh.rules import Rule
from chorus_tui.engine.shhh.stream import StreamRedactor
from chorus_tui.engine.tasks import ids
from tests.support.secrets import samples

OWN = "s3cr3t-of-this-node/with+signs"
SECRETS = [
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----",
    "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "sk-proj-" + "x9Y8" * 8, "xoxb-123456789012-abcdefABCDEF", "AIza" + "b" * 35,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "AGE-SECRET-KEY-1" + "Q" * 58, OWN, base64.b64encode(OWN.encode()).decode(),
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
@pytest.mark.parametrize("form", ["{}", "token is {} here", '{{"a": "{}"}}', "x={}\ny=1", "Authorization: Bearer {}"])
def test_no_secret_passes(secret, form):
    """Whatever stands round it; what is left names the rule and is not redacted again."""
    redactor = Redactor([OWN])
    clean = redactor.text(form.format(secret))

    assert secret not in clean
    assert "[REDACTED:" in clean
    assert redactor.text(clean) == clean


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**40), st.binary(min_size=10, max_size=10))
def test_our_own_ids_always_pass(seed, seconds, chance):
    """Peer ids, hashes, signatures, ULIDs and multiaddrs match no rule."""
    me = Identity(seed)
    text = " ".join(
        [me.peer_id, hashlib.sha256(seed).hexdigest(), me.sign(b"d", seed), ids.ulid(seconds / 1000, chance),
         f"/ip4/127.0.0.1/tcp/9000/p2p/{me.peer_id}", f"sha256:{hashlib.sha256(chance).hexdigest()}"]
    )  # fmt: skip

    assert Redactor([OWN]).text(text) == text


@pytest.mark.parametrize("secret", SECRETS, ids=range(len(SECRETS)))
def test_a_stream_split_anywhere_gives_what_the_whole_gives(secret):
    """At every split point no secret passes and nothing else is lost."""
    whole = f"before {secret} after\nlast line".encode()
    for cut in range(0, len(whole), 3):
        redactor = Redactor([OWN])
        stream = StreamRedactor(redactor)
        out = (stream.feed(whole[:cut]) + stream.feed(whole[cut:]) + stream.flush()).decode()

        assert secret not in out
        assert out.startswith("before ")
        assert out.endswith("last line")


def test_values_are_copied_and_secret_fields_are_redacted():
    """Nested values, keys too; a field named like a secret is one; the original stays as it was."""
    value = {"env": {"DB_PASSWORD": "correct horse battery", "n": 3}, "list": [OWN, None, True]}
    clean = Redactor([OWN]).value(value)

    assert "correct horse" not in str(clean)
    assert OWN not in str(clean)
    assert clean["env"]["n"] == 3
    assert value["list"][0] == OWN


@pytest.mark.parametrize("address", [
    "ucxl://grace:developer@shop:decisions/*^/decisions/01ARZ3NDEKTSV4RRFFQ69G5FAV", "UCXL://any:any@any:any/*^/",
])  # fmt: skip
def test_an_address_of_ours_is_no_url_with_a_password(address):
    """Agent and role stand where a URL has user and password, which goes, and is not redacted again."""
    redactor = Redactor([])
    url = redactor.text("see https://grace:developer@shop.example/x")

    assert redactor.text(address) == address
    assert "developer" not in url
    assert redactor.text(url) == url


FRAGMENTS = [
    *(text for _, text, _ in samples(Random(9))), "password=", "secret: ", "token", "Bearer ", "://", "a:b@", "[REDACTED:assigned:0123abcd]",
    "[REDACTED:", "]", "=", '"', "\\", "\n", " ", "%20", "%", "é", "\udc80", "x" * 9, "sk-", "-----BEGIN PRIVATE KEY-----", base64.b64encode(b"password=hunter2hunter2").decode(),
]  # fmt: skip


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12))
@settings(max_examples=100)
def test_what_is_redacted_is_not_redacted_again(fragments):
    """Whatever pieces of secrets, names, markers and encodings stand beside each other."""
    redactor = Redactor([OWN])
    clean = redactor.text("".join(fragments))

    assert redactor.text(clean) == clean


def test_equal_secrets_have_equal_markers_under_the_kept_key():
    """Two redactors with one key agree, wherever a secret stands; with another key they do not."""
    one, other, third = Redactor(), Redactor(), Redactor()
    one.use_key(b"k" * 16)
    other.use_key(b"k" * 16)
    secret = "ghp_" + "a1B2" * 9

    assert one.text(secret) == other.text(f"x {secret}").removeprefix("x ")
    assert one.text(secret) == one.text(f"password={secret}").removeprefix("password=")
    assert third.text(secret) != one.text(secret)


def test_own_secrets_are_known_in_every_form_they_take():
    """Plain, URL-encoded, JSON-escaped, as hex, and in base64 at any alignment, also url-safe."""
    own = 'p"a/ss+wörd-of-ours'
    redactor = Redactor([own])
    raw = own.encode()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"x" * shift + raw + b"yz").decode()
            assert "[REDACTED:own-secret:" in redactor.text(text)
    short = base64.b64encode(b"a:s3cr+t/x").decode()
    assert "[REDACTED:own-secret:" in Redactor(["s3cr+t/x"]).text(f"Basic-ish {short}")
    for text in (own, raw.hex(), quote(own, safe=""), json.dumps(own), json.dumps(own, ensure_ascii=False)):
        assert "[REDACTED:own-secret:" in redactor.text(f"<{text}>"), text


def test_the_audit_book_knows_rule_door_and_place_and_no_secret():
    """A finding in a map is noted with its path; the same one again only counts."""
    redactor = Redactor(wall=lambda: 5.0)
    secret = "ghp_" + "a1B2" * 9
    door = redactor.at("feed")
    for _ in range(3):
        door.value({"data": {"note": f"it is {secret}"}})
    record = redactor.audit.newest(10)[0]

    assert (record.rule, record.severity, record.door, record.count) == ("github-token", "high", "feed", 3)
    assert record.place == "data.note@6"
    assert secret not in str(redactor.audit.stored())
    assert len(redactor.audit.newest(10)) == 1


def test_a_named_value_is_a_secret_by_its_name():
    """A list of names and values says the same as a map."""
    clean = Redactor().value(
        [{"name": "DB_PASSWORD", "value": "correct horse"}, {"name": "LANG", "value": "correct horse"}]
    )

    assert "correct" not in clean[0]["value"]
    assert clean[1]["value"] == "correct horse"


def test_a_line_without_end_is_cut_where_no_secret_is():
    """One long line with a secret at every place of it, fed in pieces: none is shown, and nothing else is lost."""
    secret = "ghp_" + "a1B2" * 9
    line = ("y" * 700 + f",{secret},") * 60
    stream, out = StreamRedactor(Redactor()), b""
    for at in range(0, len(line), 613):
        out += stream.feed(line[at : at + 613].encode())
    text = (out + stream.flush()).decode()

    assert "a1B2a1B2" not in text
    assert text.count("[REDACTED:github-token:") == 60
    assert text.count("y") == 60 * 700


def test_a_private_key_without_end_is_dropped_and_the_stream_goes_on():
    """More lines than any key has are not shown as soon as the hold is full; the next plain line is."""
    lines = [
        "-----BEGIN RSA PRIVATE KEY-----",
        *["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ" for _ in range(2000)],
    ]
    stream, out = StreamRedactor(Redactor()), b""
    for line in [*lines, "plain words: after it"]:
        out += stream.feed(f"{line}\n".encode())
    text = (out + stream.flush()).decode()

    assert "MIIEvQ" not in text
    assert text.endswith("plain words: after it\n")


def test_a_rule_that_reads_markers_finds_nothing_in_them():
    """Even one that is made to: neither the name nor the hash of a marker is found; what stands beside one is."""
    rule = Rule("inner", "low", ("assigned",), r"assigned:[0-9a-z\]=]{8,60}")
    redactor = Redactor((), [rule])
    marker = "[REDACTED:assigned:0123abcd]"

    assert redactor.text(f"x {marker} y {marker}") == f"x {marker} y {marker}"
    assert "assigned:fedcba98" not in redactor.text(f"{marker} assigned:fedcba98")


@pytest.mark.parametrize("times", [1, ROUNDS, ROUNDS + 1, 40])
@pytest.mark.parametrize("joined", ["sk-" + "a1B2" * 16, "curl -u grace:hunter2hunter2 "])
def test_secrets_that_hide_each_other_are_all_gone(joined, times):
    """However many stand together, where only the first is seen until it is gone; what stands on other lines is kept."""
    redactor = Redactor()
    clean = redactor.text(f"first line\nx {joined * times}\nlast line")

    assert "a1B2" not in clean
    assert "hunter2" not in clean
    assert clean.startswith("first line\nx ")
    assert clean.endswith("\nlast line")
    assert redactor.text(clean) == clean


def test_what_goes_on_over_lines_is_gone_to_its_end():
    """When one line was not all of it, nothing behind the first is left."""
    rule = Rule("chain", "low", ("next",), r"(?:^|\])\n?(next-[a-z]{8})")
    redactor = Redactor((), [rule])
    clean = redactor.text("next-abcdefgh\n" * (3 * ROUNDS))

    assert "abcdefgh" not in clean
    assert redactor.text(clean) == clean


NETRC = ["machine code.example login grace\n", "password hunter2hunter2\n"]


@pytest.mark.parametrize("lines", [
    NETRC, ["machine code.example\n", "\tlogin grace\n", "\tpassword hunter2hunter2\n"], ["x\n", *NETRC, "y\n", *NETRC],
    ["machine code.example\r\n", "  login grace password hunter2hunter2\r\n"],
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 0])
def test_a_netrc_that_comes_line_by_line_shows_no_password(lines, size):
    """In lines, and in pieces of them; everything else of it is shown."""
    stream, out, text = StreamRedactor(Redactor()), b"", "".join(lines)
    for part in [text[at : at + size] for at in range(0, len(text), size)] if size else lines:
        out += stream.feed(part.encode())
    out += stream.flush()

    assert b"hunter2" not in out
    assert out.count(b"[REDACTED:netrc-password:") == text.count("password")
    assert out.count(b"grace") == text.count("grace")
    assert out.count(b"\n") == text.count("\n")


def test_a_machine_that_is_none_is_not_waited_for():
    """The next line shows that no password follows; more than its reach is not held in any case."""
    stream = StreamRedactor(Redactor())

    assert stream.feed(b"the machine has started\n") == b"the machine has started\n"
    assert stream.feed(b"on a machine seven\n") == b"on a "
    assert stream.feed(b"it goes on\n") == b"machine seven\nit goes on\n"
    assert stream.feed(b"machine seven\n" + b"z" * 500).startswith(b"machine seven\n")


def test_what_is_forgotten_costs_nothing_and_others_are_still_found(monkeypatch):
    """In none of its forms is it looked for, unless another secret looks so too; a secret that is known already builds nothing."""
    redactor = Redactor([OWN])
    alone = redactor.longest
    redactor.add(["guest-" * 20, quote(OWN, safe="")])
    redactor.forget(["guest-" * 20, quote(OWN, safe=""), "never known"])

    assert redactor.longest == alone
    assert redactor.text("guest-" * 20) == "guest-" * 20
    assert OWN not in redactor.text(f"x {OWN} {quote(OWN, safe='')} y")

    monkeypatch.setattr("chorus_tui.engine.shhh.redactor.automaton", None)
    redactor.add([OWN])
    redactor.forget(["never known"])
