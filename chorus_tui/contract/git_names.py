"""Which names of a hostile archive or diff may become paths of a git tree, and who signs a commit. Pure; at least as strict as git itself.

git refuses its own folder's name in every spelling that some file system takes for it: another case, invisible
characters (HFS+), trailing dots and blanks, short names and streams (NTFS). What it refuses would spoil a whole patch, so
it is judged here, name by name.
"""

from __future__ import annotations

import re

_PATH_BYTES = 4095
_PART_BYTES = 255
_QUOTED = re.compile(rb'[\x00-\x1f\x7f"\\]')
_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_CRUD = re.compile(r"[<>\x00-\x1f\x7f]")
_NOBODY = "chorus"
_TAIL = re.compile(rb"(?::.*|[ .]+)\Z", re.DOTALL)


def signature(name: str, peer_id: str) -> tuple[str, str]:
    """Name and address of whoever has no address of their own: the one of the peer that says who it was, where no mail goes."""
    # A top-level domain that is reserved for being nobody's.
    return one_line(name).strip() or _NOBODY, f"{one_line(peer_id).replace(' ', '') or _NOBODY}@chorus.invalid"


def one_line(text: str) -> str:
    """Without what a line about a person cannot hold."""
    return _CRUD.sub("", text)


def member_path(raw: bytes) -> bytes:
    """The path of a name in the tree; ``b""`` for the root. Raises ``ValueError`` with the reason."""
    if raw.startswith(b"/"):
        raise ValueError("absolute name")
    if b"\0" in raw:
        raise ValueError("name with a NUL")
    parts = [part for part in raw.split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        raise ValueError("name with '..'")
    path = b"/".join(parts)
    if len(path) > _PATH_BYTES or any(len(part) > _PART_BYTES for part in parts):
        raise ValueError("name too long")
    if any(_folded(part) in {b".git", b"git~1"} for part in _parts(path)):
        raise ValueError("git's own folder")
    if any(part in {b".", b".."} for part in _parts(path)):
        raise ValueError("name with '..'")
    return path


def link_target(raw: bytes, path: bytes) -> bytes:
    """The target of the symbolic link at ``path``. Raises ``ValueError`` with the reason."""
    if not raw or b"\0" in raw or len(raw) > _PATH_BYTES:
        raise ValueError("a link to nothing, or with a target that is too long")
    # Below a folder of that name, too: git takes a link with such a part anywhere in its path for a trick.
    for part in map(_folded, _parts(path)):
        if part == b".gitmodules" or part.startswith((b"gitmod~", b"gi7")):
            raise ValueError("a link in place of .gitmodules")
    return raw


def parents(path: bytes) -> list[bytes]:
    """The folders above a path, the nearest first."""
    found = []
    while b"/" in path:
        path = path.rsplit(b"/", 1)[0]
        found.append(path)
    return found


def quoted(path: bytes) -> bytes:
    """A path as ``git fast-import`` reads it."""
    return b'"' + _QUOTED.sub(lambda found: b"\\%03o" % found[0][0], path) + b'"'


def _parts(path: bytes) -> list[bytes]:
    # A backslash is a letter here and a separator where somebody may apply the patch.
    return re.split(rb"[/\\]", path)


def _folded(part: bytes) -> bytes:
    """A part as the most forgiving file system may take it."""
    try:
        part = _UNSEEN.sub("", part.decode("utf-8")).encode()
    except UnicodeDecodeError:
        # Bytes that are no text hide nothing from a file system that wants text.
        return part.lower()
    while (cut := _TAIL.sub(b"", part)) != part:
        part = cut
    return part.lower()
