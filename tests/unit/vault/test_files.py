"""Sealed files, their headers, and the age command as the judge of both."""

from __future__ import annotations

import base64
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrage import x25519

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.vault import armor, files, header
from chorus_tui.engine.vault.files import AgeVault, decrypt, encrypt
from chorus_tui.engine.vault.interface import CannotOpen, CannotSeal, NotForUs, NotReadable
from chorus_tui.engine.vault.key_file import InMemory, KeyFile, RoleKey
from chorus_tui.engine.vault.keyrings import Keyrings, MeshKeys

MESH = "ab" * 32
ME = x25519.Identity.generate()
SEALED = encrypt(b"words", [str(ME.to_public())])


def member(name: str, authority: str, role: str = "") -> Member:
    return Member(name, name, "agent", role, (), authority, 1)  # type: ignore[arg-type]


def vault(*members: Member, recipients: dict[str, str] | None = None) -> tuple[AgeVault, KeyFile]:
    """Of the first member, in a mesh of these."""
    file = KeyFile(InMemory())
    control = SimpleNamespace(mesh_id=MESH, members={one.peer_id: one for one in members})
    keyrings = Keyrings()
    keyrings.meshes[MESH] = MeshKeys()
    return AgeVault(file, keyrings, control, lambda who: (recipients or {}).get(who, "")), file  # type: ignore[arg-type]


def give(made: AgeVault, file: KeyFile, keyring: str) -> str:
    """A key for a keyring, its secret in the file."""
    recipient = file.add(RoleKey(MESH, keyring, 1, str(x25519.Identity.generate())))
    made._keyrings.of(MESH).roster.keyrings[keyring] = (recipient,)
    return recipient


@given(st.binary(max_size=2000))
def test_no_bytes_are_more_than_refused(data):
    """Whatever comes from elsewhere: it opens or is refused in words, and nothing else happens."""
    for given_ in (data, header._INTRO + data, armor.BEGIN + b"\n" + data):
        with pytest.raises(CannotOpen):
            decrypt(given_, [ME])


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_one_changed_byte_never_opens_as_something_else(at, by):
    """Every byte of a sealed file is vouched for."""
    changed = bytearray(SEALED)
    changed[at] ^= by
    with pytest.raises(CannotOpen):
        decrypt(bytes(changed), [ME])


@given(st.binary(max_size=500))
def test_armour_is_undone_to_the_last_byte(data):
    """Any bytes; with ends of lines of either kind, and white space outside."""
    text = base64.b64encode(data)
    lines = [text[n : n + 64] for n in range(0, len(text), 64)]
    for end in (b"\n", b"\r\n"):
        whole = end.join([armor.BEGIN, *lines, b"-----END AGE ENCRYPTED FILE-----"])
        if data:
            assert armor.to_binary(b" \n" + whole + end) == data


def stanza(type_: bytes, *arguments: bytes, body: bytes = b"\x01" * 32) -> bytes:
    text = base64.b64encode(body).rstrip(b"=")
    return b" ".join([b"->", type_, *arguments]) + b"\n" + text + b"\n"


X25519 = stanza(b"X25519", base64.b64encode(b"\x02" * 32).rstrip(b"="))
MAC = b"--- " + base64.b64encode(b"\x03" * 32).rstrip(b"=") + b"\n" + b"\x04" * 32


@pytest.mark.parametrize(
    ("stanzas", "text"),
    [
        (X25519 * 257, "more than 256"),
        (X25519 + stanza(b"big", body=b"\x05" * 47 * 2048)[:-1] + b"\n", "larger than"),
        (stanza(b"scrypt", base64.b64encode(b"\x06" * 16).rstrip(b"="), b"21"), "from 1 to 20"),
        (stanza(b"ssh-ed25519", b"abcd", b"AA"), "ssh-ed25519"),
        (b"", "no recipient"),
    ],
    ids=["recipients", "header", "work factor", "kind", "none"],
)
def test_headers_are_bounded(stanzas, text):
    """Count, size, price and kind."""
    with pytest.raises(header.BadHeader, match=text):
        header.check(header._INTRO + stanzas + MAC)
    assert header.check(header._INTRO + X25519 * 256 + MAC)


def test_who_is_not_named_does_not_open_it():
    """And is told so, apart from what is damaged."""
    with pytest.raises(NotForUs):
        decrypt(SEALED, [x25519.Identity.generate()])
    with pytest.raises(NotReadable):
        decrypt(SEALED[:-1], [ME])


def test_a_keyring_without_a_key_is_its_members():
    """Until it has one, those who may hold it read with their own identities; where nobody may, nothing is sealed."""
    bob = x25519.Identity.generate()
    made, _ = vault(member("ada", "coordination"), member("bob", "decision"), recipients={"bob": str(bob.to_public())})

    assert decrypt(made.seal_file(b"for bob", ["decision"]), [bob]) == b"for bob"
    with pytest.raises(CannotSeal, match="master"):
        made.seal_file(b"for nobody", ["master"])


def test_the_age_command_opens_it_with_the_key_file(tmp_path):
    """``age -d -i age.key FILE`` opens what this peer may read, by a role key too; with a peer's file that has no such key it
    fails."""
    made, file = vault(member("ada", "master"))
    key = give(made, file, "decision")
    sealed = tmp_path / "sealed.age"
    sealed.write_bytes(encrypt(b"decided", [key]))
    (tmp_path / "ada.key").write_text(file._disk.text)
    other = KeyFile.load_or_create(tmp_path / "bob.key")

    def age(name: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["age", "-d", "-i", name, "sealed.age"], cwd=tmp_path, capture_output=True, check=False)

    assert age("ada.key").stdout == b"decided"
    assert age("bob.key").returncode != 0
    assert made.open_file(sealed.read_bytes()) == b"decided"
    assert other.identities
    plain = subprocess.run(["age", "-r", key], input=b"by hand", capture_output=True, check=True).stdout
    armoured = subprocess.run(["age", "-a", "-r", key], input=b"by hand", capture_output=True, check=True).stdout
    assert (made.open_file(plain), made.open_file(armoured)) == (b"by hand", b"by hand")


def test_a_large_file_leaves_other_threads_their_turn():
    """Sealing and opening 64 MiB in a thread never stops the rest of the engine for long."""
    clear, done, pauses = bytes(64 * 1024 * 1024), threading.Event(), []

    def work() -> None:
        assert decrypt(encrypt(clear, [str(ME.to_public())]), [ME]) == clear
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    before = time.perf_counter()
    while not done.is_set():
        done.wait(0.001)
        now = time.perf_counter()
        pauses.append(now - before)
        before = now
    worker.join()
    assert len(pauses) > 20


def test_what_is_too_large_is_not_sealed(monkeypatch):
    """The text names the bound."""
    monkeypatch.setattr(files, "MOST_CLEAR", 3)
    made, _ = vault(member("ada", "master"))
    with pytest.raises(CannotSeal, match="larger"):
        made.seal_file(b"four", ["master"])


def test_readers_follow_the_author():
    """Role, authorities that may read it, masters."""
    made, _ = vault(member("ada", "suggestion", "Back-end"))
    assert made.readers_of("ada") == ("master", "decision", "coordination", "suggestion", "role:back-end")
    assert made.readers_of("nobody") == ("master",)
    assert entries.ROLE_KEY_SET
