"""The network key: who may join at all. Rules of the protocol, section 1.

``key``: set by the person, here and on the other machines. ``user-key``: a file made once in the user's configuration
folder, shared by that user's peers on this machine; listening and discovery stay on loopback. ``open``: switched off by
the word ``open``; loopback only.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final, Literal, NamedTuple

from chorus_tui import locations

LENGTH: Final = 32
OPEN: Final = "open"
SWARM_HEADER: Final = "/key/swarm/psk/1.0.0/"
FILE_NAME: Final = "network.key"

Mode = Literal["key", "user-key", "open"]


class NetworkKeyError(ValueError):
    """The key is no key; the text says what one looks like, never what was given."""


class NetworkKey(NamedTuple):
    """``key`` is None in mode ``open`` only."""

    mode: Mode
    key: bytes | None
    loopback_only: bool


def choose(setting: str | None, *, folder: Path | None = None) -> NetworkKey:
    """The key that ``CHORUS_NETWORK_KEY`` (or its ``_FILE``) stands for; None or empty means the user's own.

    :param folder: where the user's key file is kept; :func:`locations.config_dir` by default.
    :raises NetworkKeyError: for a text that is no key, or a key file that is not private.
    """
    text = (setting or "").strip()
    if text.lower() == OPEN:
        return NetworkKey("open", None, loopback_only=True)
    if text:
        return NetworkKey("key", parse(text), loopback_only=False)
    return NetworkKey("user-key", user_key(folder or locations.config_dir()), loopback_only=True)


def parse(text: str) -> bytes:
    """32 bytes from hex, base64, or libp2p's swarm.key file. Raises :class:`NetworkKeyError`."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if lines and lines[0] == SWARM_HEADER:
        return _swarm_key(lines[1:])
    if len(lines) == 1:
        for decode in (_hex, _base64):
            key = decode(lines[0])
            if key is not None:
                return key
    raise NetworkKeyError(
        "The network key is not 32 bytes in hex or base64, nor a swarm.key file. "
        "Take it from `chorus-tui invite` on another machine, or make one: openssl rand -hex 32"
    )


def to_text(key: bytes) -> str:
    """The form that people pass on: hex."""
    return key.hex()


def user_key(folder: Path) -> bytes:
    """The user's key file, made on first use. Of two that start at once, both end with the same key."""
    path = folder / FILE_NAME
    with contextlib.suppress(FileNotFoundError):
        return _read_private(path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=FILE_NAME)  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(to_text(secrets.token_bytes(LENGTH)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails when another was quicker; what it made is complete.
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    return _read_private(path)


def _read_private(path: Path) -> bytes:
    text = path.read_text()
    if path.stat().st_mode & 0o077:
        raise NetworkKeyError(f"{path} can be read by others. Make it private: chmod 600 {path}")
    try:
        return parse(text)
    except NetworkKeyError:
        raise NetworkKeyError(f"{path} holds no network key. Remove it, and a new one is made.") from None


def _swarm_key(lines: list[str]) -> bytes:
    decoders = {"/base16/": _hex, "/base64/": _base64}
    key = decoders[lines[0]](lines[1]) if len(lines) == 2 and lines[0] in decoders else None
    if key is None:
        raise NetworkKeyError(f"The swarm.key file needs three lines: {SWARM_HEADER}, /base16/ or /base64/, the key")
    return key


def _hex(text: str) -> bytes | None:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        return None
    return key if len(key) == LENGTH else None


def _base64(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == LENGTH else None


def invitation_note(key: NetworkKey, port: int) -> str:
    """What keeps an invitation from being good for other machines, or for long; ``port`` as it is set, 0: a free one at each start."""
    notes = []
    if key.loopback_only:
        notes.append(
            "This peer listens on this machine only, because CHORUS_NETWORK_KEY is not set. Set it here to the key of this invitation and "
            "start again; then other machines can reach it"
        )
    if not port:
        notes.append(
            "The port in the address is another one after each start of this peer. Set CHORUS_P2P_PORT, start again and invite then, "
            "for an address that stays"
        )
    return ". ".join(notes)
