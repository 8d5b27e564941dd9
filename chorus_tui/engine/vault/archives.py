"""Archives as age files, sealed and opened piece by piece: they may be larger than memory.

Sealed to recipients only. What a passphrase protects is as strong as the passphrase; a key can be kept away from the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pyrage
from pyrage import x25519

from chorus_tui.engine.private_file import NotPrivate, create_private, read_private
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.vault import header
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.interface import NotForUs, NotReadable
from chorus_tui.engine.vault.key_file import identities_in, new_identity


def make_key(path: Path) -> str:
    """A new identity file of mode 0600; its recipient. Raises :class:`AgeKeyError`."""
    recipient, text = new_identity()
    try:
        create_private(path, text.encode())
    except FileExistsError:
        raise AgeKeyError(f"{path} is there already; its recipient stands in its first line") from None
    except (OSError, NotPrivate) as error:
        raise AgeKeyError(f"{path} cannot be written: {error}") from None
    return recipient


def keys_of(path: Path) -> list[x25519.Identity]:
    """The identities of an age identity file. Raises :class:`AgeKeyError`."""
    try:
        return identities_in(read_private(path).decode(errors="replace"), str(path))
    except OSError as error:
        raise AgeKeyError(f"{path} cannot be read: {error.strerror}") from None
    except NotPrivate as error:
        raise AgeKeyError(str(error)) from None


def check_recipients(recipients: Sequence[str]) -> None:
    """Raises :class:`AgeKeyError` naming the first that is none."""
    for one in recipients:
        try:
            x25519.Recipient.from_str(one)
        except Exception:  # noqa: BLE001 - pyrage raises an exception class of its own
            raise AgeKeyError(
                f"{beginning(one, 80)!r} is no age recipient; they begin with age1 (age-keygen -y FILE)"
            ) from None


def seal(reader: IO[bytes], writer: IO[bytes], recipients: Sequence[str]) -> None:
    """Write all that ``reader`` gives as an age file."""
    pyrage.encrypt_io(reader, writer, [x25519.Recipient.from_str(one) for one in recipients])


def check(file: IO[bytes]) -> None:
    """Look at the header before age sees it; ``file`` stands at its beginning again. Raises :class:`NotReadable`."""
    try:
        header.check(file.read(2 * header.MOST_HEADER))
    except header.BadHeader as error:
        raise NotReadable(f"It is not opened: {error}") from None
    file.seek(0)


def unseal(reader: IO[bytes], writer: IO[bytes], keys: Sequence[x25519.Identity]) -> None:
    """Write what an age file says, as far as it is sound. Raises :class:`NotForUs`, or :class:`NotReadable` for what is not."""
    try:
        pyrage.decrypt_io(reader, writer, list(keys))
    except Exception as error:  # noqa: BLE001 - pyrage raises an exception class of its own
        if str(error) == "No matching keys found":
            raise NotForUs("None of the keys opens it: it was sealed to others") from None
        raise NotReadable(f"It is damaged: {error}") from None
