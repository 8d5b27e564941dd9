"""Signatures of persons: what the real ssh-keygen signs is taken, what it refuses is refused."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.ssh_key import signing_key
from chorus_tui.engine.protocol import sshsig
from tests.support.ssh_signing import NAMESPACE, Key, hardware

ANA = Key(5)


def keygen(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ssh-keygen", *arguments], input=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "id"
    keygen("-q", "-t", "ed25519", "-N", "", "-f", str(file), "-C", "ana@laptop")
    return file


def signed(key: Path, text: str, namespace: str = NAMESPACE, *more: str) -> str:
    return sshsig.unarmored(keygen("-Y", "sign", "-n", namespace, "-f", str(key), *more, given=text).stdout)


def public(key: Path) -> str:
    return signing_key(key.with_suffix(".pub").read_text())


def verified_by_openssh(folder: Path, public_key: str, text: str, line: str, namespace: str = NAMESPACE) -> bool:
    (folder / "allowed").write_text(f"ana {public_key}\n")
    (folder / "sig").write_text(sshsig.armored(line))
    asked = ("-Y", "verify", "-f", str(folder / "allowed"), "-I", "ana", "-n", namespace, "-s", str(folder / "sig"))
    return keygen(*asked, given=text).returncode == 0


@pytest.mark.parametrize("text", ["", "x", '{"choice":"approve","reason":"für ☃"}', "long " * 4000])
def test_what_ssh_keygen_signs_is_taken_and_names_its_key(key, text):
    """Whatever the text; the answer is the public key in its one form."""
    assert sshsig.signer(text, NAMESPACE, signed(key, text)) == (public(key), "")


def test_the_armor_is_that_of_ssh_keygen(key):
    """Byte for byte, so that what a record holds is read by the program itself."""
    made = keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(key), given="x").stdout

    assert sshsig.armored(sshsig.unarmored(made)) == made


def test_another_text_purpose_or_hash_is_refused_and_told(key):
    """None of them names a signer."""
    line = signed(key, "approve")

    assert sshsig.signer("reject", NAMESPACE, line) == (
        "",
        "its signature is not of this vote: something else was signed",
    )
    assert "another purpose" in sshsig.signer("approve", NAMESPACE, signed(key, "approve", "file"))[1]
    assert "SHA-512" in sshsig.signer("approve", NAMESPACE, signed(key, "approve", NAMESPACE, "-Ohashalg=sha256"))[1]


def test_a_key_of_another_kind_is_refused(tmp_path):
    """Nobody can be enrolled with it."""
    keygen("-q", "-t", "ecdsa", "-N", "", "-f", str(tmp_path / "id"))

    assert "kind of key" in sshsig.signer("x", NAMESPACE, signed(tmp_path / "id", "x"))[1]
    with pytest.raises(ValueError, match="ed25519"):
        signing_key((tmp_path / "id.pub").read_text())


@given(st.data())
def test_no_changed_byte_is_taken(data):
    """Wherever it is, and however much is cut off or added; nothing but a refusal comes of it."""
    public_key, line = hardware("x", 1) if data.draw(st.booleans()) else (ANA.public, ANA.sign("x"))
    blob = bytearray(base64.b64decode(line))
    at = data.draw(st.integers(0, len(blob) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "add"]))
    if how == "flip":
        blob[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del blob[at:]
    else:
        blob += b"\0"
    who, why = sshsig.signer("x", NAMESPACE, base64.b64encode(bytes(blob)).decode())

    assert sshsig.signer("x", NAMESPACE, line) == (public_key, "")
    assert not who
    assert why


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_no_signature_is_refused_and_breaks_nothing(text, line):
    """Whatever stands there."""
    assert sshsig.signer(text, NAMESPACE, line)[0] == ""


def test_a_key_in_hardware_signs_when_it_is_touched(tmp_path):
    """The real program takes and refuses the same texts; a signature without a touch is none, though that program asks for no touch."""
    public_key, touched = hardware("x", 1)
    _, untouched = hardware("x", 0)

    assert sshsig.signer("x", NAMESPACE, touched) == (public_key, "")
    assert signing_key(public_key) == public_key
    assert verified_by_openssh(tmp_path, public_key, "x", touched)
    assert not verified_by_openssh(tmp_path, public_key, "y", touched)
    assert "touch" in sshsig.signer("x", NAMESPACE, untouched)[1]
