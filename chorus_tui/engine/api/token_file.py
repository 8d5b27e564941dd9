"""The files that tokens are kept in: the owner's alone (mode 0600), never through a link, replaced in one step.

``api.tokens`` holds the first three tokens in clear, so that whoever owns the data folder can use them. Beside it
``api.tokens.json`` holds the others as hashes only, and which were revoked.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from chorus_tui.contract.operations import Scope
from chorus_tui.engine.private_file import replace_private

_HEADER = "# Bearer tokens of this engine's API. Each line: scope, token. Delete the file to have new ones made.\n"


class TokenFileError(Exception):
    """A token file cannot be used. The text names it and says what to do."""


def read_private(path: Path) -> str | None:
    """The text of ``path``, or None when there is none. Raises :class:`TokenFileError` when others could have read it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TokenFileError(f"Cannot read the token file {path}: {error.strerror}") from error
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise TokenFileError(f"{path} can be read by others. Run: chmod 600 {path}, or delete it for new tokens")
        return file.read()


def write_private(path: Path, text: str) -> None:
    """Replace ``path``, mode 0600, synced. Raises :class:`TokenFileError`."""
    try:
        replace_private(path, text.encode())
    except OSError as error:
        raise TokenFileError(f"Cannot write the token file {path}: {error.strerror}") from error


def first_tokens(path: Path) -> dict[Scope, str]:
    """The three tokens of ``path``, made when there is none. Raises :class:`TokenFileError`."""
    text = read_private(path)
    if text is not None:
        return _parse(text, path)
    tokens = {scope: new_secret(scope) for scope in Scope}
    write_private(path, _HEADER + "".join(f"{scope.name.lower()} {token}\n" for scope, token in tokens.items()))
    return tokens


def new_secret(scope: Scope) -> str:
    """256 random bits behind a beginning that people and scanners know it by."""
    return f"chorus-{scope.name.lower()}-{secrets.token_urlsafe(32)}"


def read_issued(path: Path) -> dict[str, Any]:
    """What :func:`write_private` wrote of :class:`~chorus_tui.engine.api.tokens.Tokens`; empty when there is none."""
    text = read_private(path)
    if text is None:
        return {}
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise TokenFileError(f"{path} is damaged. Delete it; tokens made by 'chorus-tui token new' are then void")
    return kept


def _parse(text: str, path: Path) -> dict[Scope, str]:
    tokens: dict[Scope, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0].upper() not in Scope.__members__ or len(words[1]) < 16:
            raise TokenFileError(f"{path}, line {number}: expected a scope (read, operate, admin) and its token")
        tokens[Scope[words[0].upper()]] = words[1]
    if len(set(tokens.values())) != len(Scope):
        raise TokenFileError(f"{path} needs three different tokens: read, operate, admin. Delete it for new ones")
    return tokens
