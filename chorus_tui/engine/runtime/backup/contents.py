"""What a backup holds: a tar archive, its first member about itself, its last the hash of each file between. Pure.

``age -d -i KEY FILE | tar x && sha256sum -c SHA256SUMS`` reads it without this program.
"""

from __future__ import annotations

import re

from pydantic import BaseModel, ValidationError

FORMAT = 1
ABOUT, SUMS = "backup.json", "SHA256SUMS"
MOST_SMALL = 64 * 1024 * 1024
"""Bytes of the two members above."""
UNFINISHED = ".restoring"
"""Where files lie until all of them are verified."""
_COPYING = ".backup-"
_OF_THE_MOMENT = ("engine.lock", "crashes", "blobs/partial", UNFINISHED)
_NO_USE = ("engine.log", "portals", "portal-ssh.log", "portal-web.log")
"""Of no use in another place: what logs told, and invitations that expire. Backups that were made with them are restored."""
_LOGS = ("-wal", "-shm", "-journal")


class BadBackup(Exception):
    """It cannot be made or restored. The text says why and the way out."""


class About(BaseModel):
    """The first member."""

    backup: int
    version: str
    made_at: str
    peer_id: str
    formats: dict[str, int]


def belongs(name: str) -> bool:
    """Whether a file of a data folder, besides its stores, belongs into a backup. What is new one day does, too."""
    return _may_be_there(name) and not _is_of(name, _NO_USE)


def _may_be_there(name: str) -> bool:
    if name.startswith(_COPYING) or name.endswith(_LOGS):
        return False
    return not _is_of(name, _OF_THE_MOMENT)


def _is_of(name: str, places: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in places)


def copying_prefix() -> str:
    """Of the folder in which copies of the stores lie while they are packed."""
    return _COPYING


def about(raw: bytes) -> About:
    """Raises :class:`BadBackup`: none of ours, or of a newer version."""
    try:
        told = About.model_validate_json(raw)
    except ValidationError:
        raise BadBackup(f"It does not begin with {ABOUT}, so it is no backup") from None
    if told.backup > FORMAT:
        raise BadBackup(
            f"It is a backup in format {told.backup}, made by version {told.version}; this version reads up to format {FORMAT}. "
            "Restore it with that version"
        )
    return told


def file_name(name: str) -> str:
    """The name of a member that is a file to be restored. Raises :class:`BadBackup` when it leads out of the folder."""
    parts = name.split("/")  # an absolute name begins with an empty one
    sound = all(re.fullmatch(r"[^\x00-\x1f]{1,255}", part) and part not in (".", "..") for part in parts)
    if not sound or not _may_be_there(name):
        raise BadBackup(f"It holds a file that no data folder has: {name!r:.200}")
    return name


def sums(hashes: dict[str, str]) -> bytes:
    """The last member."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items())).encode()


def compare(told: bytes, found: dict[str, str]) -> None:
    """Raises :class:`BadBackup` unless the files found are those told, each with its hash."""
    if sums(found) == told:
        return
    expected = {line[66:]: line[:64] for line in told.decode(errors="replace").splitlines()}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    raise BadBackup(f"Files are missing or damaged: {', '.join(wrong[:5])}. Take another backup")
