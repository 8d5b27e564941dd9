"""``age.key``: this peer's own identity and every role key it was given, one plain age identity file.

``age -d -i age.key FILE`` opens with it what this peer may read. The own identity stands first; each role key has a comment line
above it. A key is in the file, on the disk, before anybody hears of it; none is ever taken out that could open something.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pyrage import x25519

from chorus_tui.engine.private_file import NotPrivate, read_private, replace_private
from chorus_tui.engine.vault.age_identity import AgeIdentity, AgeKeyError

_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how every age identity begins
_LABEL = re.compile(r"# keyring ([a-z0-9._:-]{1,80}), version ([0-9]{1,7}), mesh ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class RoleKey:
    """A version of a keyring of a mesh, with its secret."""

    mesh_id: str
    keyring: str
    version: int
    secret: str = field(repr=False)

    @property
    def label(self) -> str:
        """The comment above it."""
        return f"# keyring {self.keyring}, version {self.version}, mesh {self.mesh_id}"


class Disk(Protocol):
    """Where the text of the file is kept."""

    name: str

    def read(self) -> str | None:
        """The text, or None when there is none yet. Raises :class:`AgeKeyError`."""
        ...

    def write(self, text: str) -> None:
        """Replace it as a whole; returns when it is on the disk. Raises :class:`AgeKeyError`."""
        ...


class FileOnDisk:
    """A file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def read(self) -> str | None:
        try:
            return read_private(self._path).decode(errors="replace")
        except FileNotFoundError:
            return None
        except NotPrivate as error:
            raise AgeKeyError(str(error)) from None

    def write(self, text: str) -> None:
        try:
            replace_private(self._path, text.encode())
        except OSError as error:
            raise AgeKeyError(f"{self.name} cannot be written: {error.strerror}; the key is not used") from error


class InMemory:
    """A file that ends with its owner; for simulations."""

    name = "age.key"

    def __init__(self) -> None:
        self.text: str | None = None

    def read(self) -> str | None:
        return self.text

    def write(self, text: str) -> None:
        self.text = text


class KeyFile:
    """Reads it once, and writes it whole on every change."""

    def __init__(self, disk: Disk) -> None:
        """Make it on first use. Raises :class:`AgeKeyError`."""
        self._disk = disk
        text = disk.read()
        if text is None:
            text = new_identity()[1]
            disk.write(text)
        self._lines = [line.strip() for line in text.splitlines()]
        identities = identities_in(text, disk.name)
        self.own = AgeIdentity(identities[0])
        self.identities: list[x25519.Identity] = identities
        """All of them, the own one first."""
        self.keys: dict[str, RoleKey] = dict(self._labelled())
        """Role keys by recipient."""

    @classmethod
    def load_or_create(cls, path: Path) -> KeyFile:
        """The file at ``path``. Raises :class:`AgeKeyError`."""
        return cls(FileOnDisk(path))

    def add(self, key: RoleKey) -> str:
        """Keep a role key; its recipient. It is on the disk when this returns. Raises :class:`AgeKeyError`."""
        identity = x25519.Identity.from_str(key.secret)
        recipient = str(identity.to_public())
        if recipient not in self.keys:
            lines = [*self._lines, key.label, key.secret]
            self._disk.write("\n".join(lines) + "\n")
            self._lines = lines
            self.identities.append(identity)
            self.keys[recipient] = key
        return recipient

    def forget(self, recipient: str) -> None:
        """Drop a key that was made here and that the mesh decided against: nothing was ever sealed to it."""
        key = self.keys[recipient]
        at = self._lines.index(key.secret)
        lines = self._lines[: at - 1] + self._lines[at + 1 :]
        self._disk.write("\n".join(lines) + "\n")
        self._lines = lines
        del self.keys[recipient]
        self.identities = [one for one in self.identities if str(one.to_public()) != recipient]

    def _labelled(self) -> list[tuple[str, RoleKey]]:
        found = []
        for label, line in zip(self._lines, self._lines[1:], strict=False):
            match = _LABEL.fullmatch(label.strip())
            if match and _counts(line):
                secret = line.strip()
                key = RoleKey(match[3], match[1], int(match[2]), secret)
                found.append((recipient_of_secret(secret), key))
        return found


def new_identity() -> tuple[str, str]:
    """A fresh one: its recipient, and the text of a file that holds it."""
    made = x25519.Identity.generate()
    return str(made.to_public()), f"# public key: {made.to_public()}\n{made}\n"


def identities_in(text: str, name: str) -> list[x25519.Identity]:
    """All that the text of an identity file holds, at least one. Raises :class:`AgeKeyError`, which calls it ``name``."""
    identities = [_identity(line, number, name) for number, line in enumerate(text.splitlines(), 1) if _counts(line)]
    if not identities:
        raise AgeKeyError(f"{name} holds no age identity; restore it from a backup or move it away for a new one")
    return identities


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _identity(line: str, number: int, name: str) -> x25519.Identity:
    try:
        return x25519.Identity.from_str(line.strip() if line.strip().startswith(_SECRET) else "")
    except Exception:  # noqa: BLE001 - pyrage raises an exception class of its own
        raise AgeKeyError(
            f"{name}, line {number}: no age identity; restore the file from a backup. Without one, take the line out: what was "
            "sealed to this key alone is lost, role keys are given to this peer again"
        ) from None


def recipient_of_secret(secret: str) -> str:
    """Of an ``AGE-SECRET-KEY-1…``; empty when it is none."""
    try:
        return str(x25519.Identity.from_str(secret).to_public())
    except Exception:  # noqa: BLE001 - as above
        return ""
