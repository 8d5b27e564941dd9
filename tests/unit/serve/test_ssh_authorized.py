"""Keys of the SSH portal: what opens it, what does not, and that one wrong line hurts no other."""

from __future__ import annotations

import base64
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.ssh_key import fingerprint, public_key
from chorus_tui.serve.ssh.authorized import AuthorizedKey, added, parse, read_line, removed


def blob(kind: str, *parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), *parts))


def ed25519(seed: int) -> str:
    return f"ssh-ed25519 {base64.b64encode(blob('ssh-ed25519', bytes([seed]) * 32)).decode()}"


def rsa(bits: int) -> str:
    modulus = (1 << (bits - 1)).to_bytes(bits // 8, "big")
    return f"ssh-rsa {base64.b64encode(blob('ssh-rsa', bytes([3]), modulus)).decode()}"


def test_a_line_says_who_and_how_much():
    """Person, scope, kind and comment are those of the line; without a scope it is the least."""
    full = read_line(f'person="Ana B",scope="operate" {ed25519(1)} ana@laptop', 3)
    least = read_line(f'person="ben" {ed25519(2)}')

    assert (full.number, full.person, full.scope, full.kind, full.comment) == (
        3,
        "Ana B",
        "operate",
        "ssh-ed25519",
        "ana@laptop",
    )
    assert (least.person, least.scope, least.comment) == ("ben", "read", "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (ed25519(1), "whose key is it"),
        (f'scope="admin" {ed25519(1)}', "whose key is it"),
        (f'person="a",scope="root" {ed25519(1)}', "'root' is none of read, operate, admin"),
        (f'person="a",from="10.0.0.1" {ed25519(1)}', "the option 'from' is not known"),
        (f'person="a",no-pty {ed25519(1)}', "the option 'no-pty' is not known"),
        (f'person="a",person="b" {ed25519(1)}', "stands twice"),
        (f'person="a",PERSON="b" {ed25519(1)}', "stands twice"),
        ('person="a\u202e" ' + ed25519(1), "printable"),
        (f'person="a\\"b" {ed25519(1)}', "no quotes"),
        (f'person="{"a" * 65}" {ed25519(1)}', "at most 64"),
        (f'person="a" {ed25519(1)[:60]}', "cut off"),
        ('person="a" ssh-ed25519 not-base64!', "no base64"),
        ('person="a" ssh-dss AAAA', "no kind of key that is taken"),
        ('person="a" -----BEGIN OPENSSH PRIVATE KEY-----', "private key"),
        (f'person="a" {rsa(1024)}', "RSA key of 1024 bits"),
        (f'person="a" {ed25519(1).replace("ssh-ed25519 ", "ssh-rsa ")}', "no ssh-rsa key"),
        (f'person="a"{ed25519(1)}', "then a blank"),
        ("garbage", "whose key|begin with options|then a blank"),
        (f'person="a" {ed25519(1)} ' + "x" * 20_000, "longer than"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_and_the_others_hold(line, why):
    """What is not understood opens nothing and says why with its number; the lines round it open what they say."""
    text = f'# remark\nperson="first" {ed25519(8)}\n{line}\n\nperson="last" {ed25519(9)}\n'
    found = parse(text)

    assert [key.person for key in found.keys] == ["first", "last"]
    assert [fault.number for fault in found.faults] == [3]
    assert re.search(why, str(found.faults[0]))


def test_a_key_that_stands_twice_opens_nothing():
    """Of two lines for one key nobody can tell which scope was meant: both are faults that name the lines."""
    found = parse(
        f'person="a",scope="read" {ed25519(1)}\nperson="b" {ed25519(2)}\nperson="a",scope="admin" {ed25519(1)}\n'
    )

    assert [key.person for key in found.keys] == ["b"]
    assert [fault.number for fault in found.faults] == [1, 3]
    assert "lines 1 and 3" in str(found.faults[0])


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text):
    """Whatever stands in the file, reading it ends with keys and faults, and a key is only found with a person."""
    for key in parse(text).keys:
        assert key.person


@given(st.text(max_size=80), st.sampled_from(["read", "operate", "admin"]))
def test_what_is_added_is_found_and_no_more(name, scope):
    """A line that was added reads as it was meant, whatever the comment; nothing else in the file changes."""
    key = AuthorizedKey(0, "ana", scope, *public_key(f"{ed25519(5)} {name}"))
    before = f'person="ben",scope="admin" {ed25519(6)}\nwrong line'
    found = parse(added(before, key))

    assert [(one.person, one.scope) for one in found.keys] == [("ben", "admin"), ("ana", scope)]
    assert len(found.faults) == 1


def test_adding_and_removing_leave_the_rest_as_it_was():
    """Remarks and wrong lines stay; a key is added once; who is removed by his name loses all his keys."""
    text = "# ours\nnonsense\n"
    one, two = (AuthorizedKey(0, "ana", "read", *public_key(f"{ed25519(n)} x")) for n in (1, 2))
    text = added(added(text, one), two)
    with pytest.raises(ValueError, match="line 3 has this key already"):
        added(text, one)
    with pytest.raises(ValueError, match="no key has"):
        removed(text, "nobody")

    assert removed(text, one.fingerprint)[0].split("\n")[:3] == ["# ours", "nonsense", two.line()]
    assert [key.fingerprint for key in removed(text, "ana")[1]] == [one.fingerprint, two.fingerprint]
    assert removed(text, "ana")[0] == "# ours\nnonsense\n"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_it_reads_what_ssh_keygen_writes(tmp_path, kind):
    """A public key file of OpenSSH is taken, and its fingerprint is the one that OpenSSH shows."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "me", "-f", str(tmp_path / "k")], check=True)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(tmp_path / "k.pub")], capture_output=True, text=True, check=True
    ).stdout
    _, data, comment = public_key((tmp_path / "k.pub").read_text())

    assert fingerprint(data) == shown.split()[1]
    assert comment == "me"
