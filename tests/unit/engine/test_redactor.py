"""SHHH's choke point: secrets never pass, our own ids always do, however a stream is split."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.shhh.redactor import Redactor, StreamRedactor
from chorus_tui.engine.tasks import ids

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
