"""Signing with a person's own key, by the ssh-keygen of their machine: keys in files, in an agent, in hardware.

The private key is never read here. ssh-keygen asks for a passphrase or a touch itself, at the terminal.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from chorus_tui.contract.ssh_key import signing_key

MISSING = "ssh-keygen is not installed on this machine; it comes with OpenSSH (Debian: apt install openssh-client)"


class CannotSign(Exception):
    """Nothing was signed. The text says why and what to do."""


def public_key(file: Path) -> str:
    """Of the key in ``file``, private or public, in its one form. Raises :class:`CannotSign`."""
    file = file.expanduser()
    beside = file if file.suffix == ".pub" else file.with_name(file.name + ".pub")
    try:
        if beside.is_file():
            with beside.open(encoding="utf-8", errors="replace") as lines:
                return signing_key(lines.readline(4096))
        if not file.is_file():
            raise CannotSign(f"{file}: no such key; 'ssh-keygen -t ed25519' makes one")
        return signing_key(_ssh_keygen("-y", "-f", str(file), given=b""))
    except OSError as error:
        raise CannotSign(f"{beside}: {error.strerror}") from error
    except ValueError as error:
        raise CannotSign(f"{beside if beside.is_file() else file}: {error}") from error


def sign(file: Path, namespace: str, text: str) -> str:
    """The armored signature of ``text``. Raises :class:`CannotSign`."""
    return _ssh_keygen("-q", "-Y", "sign", "-n", namespace, "-f", str(file.expanduser()), given=text.encode())


def _ssh_keygen(*arguments: str, given: bytes) -> str:
    """What it printed. It complains, and asks for a touch, on our own error stream, and for a passphrase at the terminal."""
    try:
        done = subprocess.run(["ssh-keygen", *arguments], input=given, stdout=subprocess.PIPE, check=False)  # noqa: S603, S607 - the person's ssh-keygen; no shell
    except FileNotFoundError:
        raise CannotSign(MISSING) from None
    if done.returncode != 0 or not done.stdout:
        hint = "is the file a key that ssh-keygen can use, its passphrase right, or its agent running (ssh-add -l)?"
        raise CannotSign(f"ssh-keygen did nothing with {arguments[-1]}; what it said stands above: {hint}")
    return done.stdout.decode("utf-8", "replace")
