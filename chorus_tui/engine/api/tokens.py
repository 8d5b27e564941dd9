"""Bearer tokens: found in constant time, bounded by scope and time, revoked at once.

Three are made with the data folder and stand in its ``api.tokens``. Others are made and revoked by whoever has the admin scope;
of these only the SHA-256 is kept, which is enough for 256 random bits. Used from the API's thread and from the engine's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.api.token_file import TokenFileError, first_tokens, new_secret, read_issued, write_private

MOST: Final = 256
"""Tokens at once, beside the first three."""
MOST_REVOKED: Final = 1024
"""Revoked tokens that are still known as such, beside the first three; an older one is refused as one that never was."""
EXPIRED_S: Final = 86_400.0
"""How long an expired token is still listed, while there is room."""
ID_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Token:
    """A token, known by its SHA-256. Times are Unix seconds; ``expires_at`` None: never.

    ``person`` is who acts with it, by the word of the admin who made it; empty: whoever holds it. ``folder`` is that of this machine
    whose repositories may be named with it; empty: none.
    """

    digest: str
    scope: Scope
    name: str = ""
    created_at: float | None = None
    expires_at: float | None = None
    person: str = ""
    folder: str = ""

    @property
    def token_id(self) -> str:
        """How people name it."""
        return self.digest[:ID_LENGTH]

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and now >= self.expires_at


class Tokens:
    """The tokens of one engine. ``on_change`` are called after each revocation, in the thread that revoked."""

    def __init__(self, path: Path, first: dict[Scope, str], kept: dict[str, Any], now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Held while the file is written, so that nobody who comes waits for the disk."""
        self._first = dict(first)
        made_with_folder = {_digest(secret): scope for scope, secret in first.items()}
        self._tokens = {
            d: Token(d, scope, f"made with the data folder ({scope.name.lower()})")
            for d, scope in made_with_folder.items()
        }
        self._tokens |= {token.digest: token for token in map(_token, kept.get("tokens", []))}
        self._revoked: dict[str, float] = dict(kept.get("revoked", {}))
        self._used: dict[str, float] = dict(kept.get("used", {}))
        self._unsaved = False
        self._voiding: set[str] = set()
        """Revoked, and not on disk yet: known here until they are, so that whoever saw it fail can revoke them again."""
        self.on_change: list[Callable[[], None]] = []
        self.on_secret: Callable[[list[str]], None] = lambda _: None
        """Is told each new token's secret, for the redactor, before anybody can have it."""
        self.on_void: Callable[[list[str]], None] = lambda _: None
        """Is told the secrets that :attr:`on_secret` was told, once they open nothing: nobody has to look for them any more."""
        self._secrets: dict[str, str] = {}

    @classmethod
    def load_or_create(cls, path: Path, now: Callable[[], float] = time.time) -> Tokens:
        """Read ``path`` and the file beside it, or make it with new tokens. Raises :class:`TokenFileError`."""
        issued = path.with_name(f"{path.name}.json")
        kept = read_issued(issued)
        try:
            return cls(issued, first_tokens(path), kept, now)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise TokenFileError(
                f"{issued} is damaged. Delete it; tokens made by 'chorus-tui token new' are then void"
            ) from error

    # ── who comes ──────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, secret: str) -> Token:
        """The token of ``secret``, marked as used. Raises 401. Takes the same time for every wrong one."""
        given, found = _digest(secret), None
        now = self._now()
        with self._lock:
            for digest, token in self._tokens.items():
                if hmac.compare_digest(given, digest):
                    found = token
            if given in self._revoked:
                raise _refused("This token was revoked")
            if found is None:
                raise _refused("A valid token is needed")
            if found.expired(now):
                raise _refused("This token has expired")
            self._used[found.digest] = now
            self._unsaved = True
        return found

    def holds(self, digest: str) -> bool:
        """Whether the token of ``digest`` still opens anything."""
        with self._lock:
            token = self._tokens.get(digest)
            return token is not None and digest not in self._revoked and not token.expired(self._now())

    def secrets(self) -> list[str]:
        """The first three tokens, for the redactor."""
        return list(self._first.values())

    # ── who may come ───────────────────────────────────────────────────────────────────────────────────────────────

    def issue(
        self, scope: Scope, name: str, expires_at: float | None, person: str = "", folder: str = ""
    ) -> tuple[Token, str]:
        """A new token and its secret, on disk when this returns. Raises :class:`Problem`: 409 when there are too many, 507."""
        secret = new_secret(scope)
        now = self._now()
        token = Token(_digest(secret), scope, name, now, expires_at, person, folder)
        with self._lock:
            self._forget_expired(now)
            if len(self._tokens) - len(self._first) >= MOST:
                raise Problem(409, "too-many-tokens", f"There are {MOST} tokens", "Revoke some: chorus-tui token list")
            self._tokens[token.digest] = token
            self._secrets[token.digest] = secret
        self._tell_void(self._expired(now))
        self.on_secret([secret])
        try:
            self.save()
        except TokenFileError as error:
            with self._lock:
                self._tokens.pop(token.digest, None)
            self._tell_void([token.digest])
            raise Problem(507, "disk", "The token cannot be kept", str(error)) from error
        return token, secret

    def _expired(self, now: float) -> list[str]:
        """Those whose secrets are still looked for, although their time is over."""
        with self._lock:
            return [d for d in self._secrets if d not in self._tokens or self._tokens[d].expired(now)]

    def _tell_void(self, digests: list[str]) -> None:
        with self._lock:
            void = [secret for digest in digests if (secret := self._secrets.pop(digest, None)) is not None]
        if void:
            self.on_void(void)

    def _forget_expired(self, now: float) -> None:
        """Those of over a day ago; when all places are taken, also the one that expired first."""
        expired = [(token.expires_at, d) for d, token in self._tokens.items() if token.expires_at is not None]
        for at, digest in sorted(expired):
            full = len(self._tokens) - len(self._first) >= MOST
            if at > now or not (full or at < now - EXPIRED_S):
                return
            del self._tokens[digest]
            self._used.pop(digest, None)

    def revoke(self, token_id: str) -> Token:
        """Void at once, and for good when this returns.

        Raises 404, 422 when several begin so, or 507 when it cannot be written: it is then tried again with every further save.
        """
        with self._lock:
            gone = self._revoked.keys() - self._voiding
            found = [t for d, t in self._tokens.items() if d.startswith(token_id) and d not in gone]
            if not found:
                raise not_found("token", token_id, "'chorus-tui token list' has them.")
            if len(found) > 1:
                raise invalid({"token_id": f"{len(found)} tokens begin so; give more of it"})
            (token,) = found
            self._revoked[token.digest] = self._now()
            # The first ones stand in their file for ever: forgotten here, one of them would hold again after a restart.
            first = set(map(_digest, self._first.values()))
            others = sorted(self._revoked.keys() - first, key=lambda digest: self._revoked[digest], reverse=True)
            for oldest in others[MOST_REVOKED:]:
                del self._revoked[oldest]
            self._voiding.add(token.digest)
            self._unsaved = True
            self._used.pop(token.digest, None)
        self._tell_void([token.digest])
        for told in list(self.on_change):
            told()
        try:
            self.save()
        except TokenFileError as error:
            title = "It opens nothing any more, but that cannot be written: after a restart it would"
            raise Problem(
                507, "disk", title, f"{error}. Make room; it is tried again every minute, or revoke it again"
            ) from error
        return token

    def all(self) -> list[tuple[Token, float | None]]:
        """Each that was not revoked, and when it was used last."""
        with self._lock:
            rows = [t for d, t in self._tokens.items() if d not in self._revoked]
            return [(token, self._used.get(token.digest)) for token in rows]

    def save(self) -> None:
        """Write what was made, revoked and used; blocks for a sync. Raises :class:`TokenFileError`."""
        with self._writing:
            text, voided = self._stored()
            try:
                write_private(self._path, text)
            except TokenFileError:
                self._unsaved = True
                raise
            with self._lock:
                self._voiding -= voided
                first = set(map(_digest, self._first.values()))
                for digest in voided - first:
                    self._tokens.pop(digest, None)

    def _stored(self) -> tuple[str, set[str]]:
        """What the file says from now on, and which tokens are void by it."""
        with self._lock:
            issued = [t for d, t in self._tokens.items() if t.created_at is not None and d not in self._revoked]
            rows = [
                {
                    "sha256": t.digest,
                    "scope": t.scope.name.lower(),
                    "name": t.name,
                    "created_at": t.created_at,
                    "expires_at": t.expires_at,
                    "person": t.person,
                    "folder": t.folder,
                }
                for t in issued
            ]
            used = {digest: at for digest, at in self._used.items() if digest in self._tokens}
            self._unsaved = False
            return json.dumps({"tokens": rows, "revoked": self._revoked, "used": used}, indent=1), set(self._voiding)

    def save_use(self) -> None:
        """Write when each was used last, if one was used since."""
        if self._unsaved:
            self.save()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _token(row: dict[str, Any]) -> Token:
    expires = row["expires_at"]
    return Token(
        str(row["sha256"]), Scope[str(row["scope"]).upper()], str(row["name"]), float(row["created_at"]),
        None if expires is None else float(expires), str(row.get("person", "")),
        str(row.get("folder", "")),
    )  # fmt: skip


def _refused(title: str) -> Problem:
    return Problem(
        401, "token", title,
        "Send 'Authorization: Bearer <token>'; the first tokens are in api.tokens in the engine's data folder, "
        "'chorus-tui token new' makes others.",
    )  # fmt: skip
