"""Bearer tokens: one each for read, operate and admin, in a file of the data folder that only its owner can read."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

from chorus_tui.contract.operations import Scope

_HEADER = "# Bearer tokens of this engine's API. Each line: scope, token. Delete the file to have new ones made.\n"


class TokenFileError(Exception):
    """The token file cannot be used. The text names it and says what to do."""


class Tokens:
    """The tokens of one engine."""

    def __init__(self, by_scope: dict[Scope, str]) -> None:
        self._by_scope = dict(by_scope)

    @classmethod
    def load_or_create(cls, path: Path) -> Tokens:
        """Read ``path``, or make it with new tokens, mode 0600. Raises :class:`TokenFileError`."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return cls._create(path)
        except OSError as error:
            raise TokenFileError(f"Cannot read the token file {path}: {error.strerror}") from error
        with os.fdopen(handle, encoding="ascii", errors="replace") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise TokenFileError(
                    f"{path} can be read by others. Run: chmod 600 {path}, or delete it for new tokens"
                )
            return cls(_parse(file.read(), path))

    @classmethod
    def _create(cls, path: Path) -> Tokens:
        tokens = {scope: f"chorus-{scope.name.lower()}-{secrets.token_urlsafe(32)}" for scope in Scope}
        text = _HEADER + "".join(f"{scope.name.lower()} {token}\n" for scope, token in tokens.items())
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            raise TokenFileError(f"Cannot write the token file {path}: {error.strerror}") from error
        return cls(tokens)

    def scope_of(self, token: str) -> Scope | None:
        """The scope of ``token``, or None. Takes the same time for every wrong token."""
        given, found = token.encode("utf-8", "replace"), None
        for scope, known in self._by_scope.items():
            if hmac.compare_digest(given, known.encode()):
                found = scope
        return found

    def secrets(self) -> list[str]:
        """All tokens, for the redactor."""
        return list(self._by_scope.values())


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
