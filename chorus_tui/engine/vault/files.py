"""Whole files, sealed to keyrings and opened with what ``age.key`` holds: :class:`chorus_tui.engine.vault.interface.Vault`.

A keyring that has no key yet is replaced by the members that may hold it, each by its own identity: nothing waits for keys.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyrage
from pyrage import x25519

from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.vault import armor, header, rules
from chorus_tui.engine.vault.interface import CannotSeal, Keyring, NotForUs, NotReadable
from chorus_tui.engine.vault.key_file import KeyFile
from chorus_tui.engine.vault.keyrings import Keyrings, MeshKeys

MOST_RECIPIENTS = header.MOST_STANZAS - 16
"""Room is left for the stanza without meaning that age adds."""
MOST_CLEAR = 256 * 1024 * 1024
LARGE = 4 * 1024 * 1024
"""From here on age reads and writes piece by piece, so that other threads of Python get their turn in between."""
_NO_MATCH = "No matching keys found"


class AgeVault:
    """One peer's."""

    def __init__(self, file: KeyFile, keyrings: Keyrings, control: Control, recipient_of: Callable[[str], str]) -> None:
        self._file = file
        self._keyrings = keyrings
        self._control = control
        self._recipient_of = recipient_of

    def readers_of(self, author: str) -> tuple[Keyring, ...]:
        return rules.readers_of(self._control.members.get(author))

    def seal_file(self, clear: bytes, readers: Sequence[Keyring]) -> bytes:
        if len(clear) > MOST_CLEAR:
            raise CannotSeal(f"it is larger than {MOST_CLEAR // 1024**2} MiB")
        keys = self._keyrings.of(self._control.mesh_id)
        found = {self._file.own.recipient}
        for keyring in dict.fromkeys(readers):
            found |= self._recipients(keys, keyring)
        if len(found) > MOST_RECIPIENTS:
            raise CannotSeal(f"more than {MOST_RECIPIENTS} recipients would have to be able to read it")
        return encrypt(clear, sorted(found))

    def _recipients(self, keys: MeshKeys, keyring: Keyring) -> set[str]:
        present = keys.present(keyring)
        if present is not None:
            return {present}
        members = dict(self._control.members)  # whole: this may run in a thread beside the engine's
        entitled = {who for who, member in members.items() if rules.may_hold(member, keyring)}
        if not entitled:
            raise CannotSeal(f"nobody holds the keyring {keyring}, so nobody could read it")
        return {recipient for recipient in map(self._recipient_of, entitled) if recipient}

    def open_file(self, sealed: bytes) -> bytes:
        own, *keys = self._file.identities
        return decrypt(sealed, [own, *reversed(keys)])  # the newest first: most files are


def encrypt(clear: bytes, recipients: Iterable[str]) -> bytes:
    """A binary age file for these recipients."""
    keys = [x25519.Recipient.from_str(one) for one in recipients]
    if len(clear) < LARGE:
        sealed: bytes = pyrage.encrypt(clear, keys)
        return sealed
    out = io.BytesIO()
    pyrage.encrypt_io(_Reader(clear), out, keys)
    return out.getvalue()


def decrypt(sealed: bytes, identities: Sequence[Any]) -> bytes:
    """What an age file, binary or armoured, says to one of ``identities``; all of it or nothing.

    :raises NotReadable: it is none, is damaged, or of a kind that is refused; age itself has not seen it then, unless it is damaged
        past its header.
    :raises NotForUs: none of the identities opens it.
    """
    try:
        binary = armor.to_binary(sealed) if armor.is_armored(sealed) else sealed
        header.check(binary)
    except (armor.BadArmor, header.BadHeader) as error:
        raise NotReadable(f"It is not opened: {error}") from error
    try:
        if len(binary) < LARGE:
            clear: bytes = pyrage.decrypt(binary, list(identities))
            return clear
        out = io.BytesIO()
        pyrage.decrypt_io(_Reader(binary), out, list(identities))
        return out.getvalue()
    except Exception as error:  # noqa: BLE001 - pyrage raises an exception class of its own
        if str(error) == _NO_MATCH:
            raise NotForUs(
                "It is sealed to keyrings that this peer does not hold; a master can grant it what it needs (vault grant)"
            ) from None
        raise NotReadable(f"It is damaged: {error}") from None


class _Reader(io.BytesIO):
    """A file in memory that is read by Python code, where other threads may go on."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size)
