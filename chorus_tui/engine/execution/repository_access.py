"""How git reaches a host that settings allow: which URLs, whose certificates, which credential.

A credential stands in a private file for the time of one run and goes to its own host only: git's own store helper reads
it when that host asks. It is never in a command line, a URL, an environment or an error.
"""

from __future__ import annotations

import base64
import os
import shlex
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.store import private_folder

_TOKEN_USER = "x-access-token"  # noqa: S105 - the name hosts expect beside a token
_WANTED = ("could not read Username", "could not read Password", "Authentication failed")


@dataclass(frozen=True, slots=True)
class Access:
    """``config`` for one run of git, without a secret in it, and the ``secrets`` that git's words must not show."""

    host: str
    config: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def has_credential(self) -> bool:
        """Whether settings hold a credential for this host."""
        return bool(self.secrets)

    def told(self, error: Exception) -> str:
        """Words of git for people, with the way out when the host refuses."""
        text = str(error)
        if any(words in text for words in _WANTED):
            known = "the one there is refused" if self.secrets else "there is none"
            text += f" ({self.host} wants a credential; in CHORUS_REPOSITORY_CREDENTIALS {known})"
        return text


def allowed_host(url: str, hosts: tuple[str, ...]) -> str:
    """The host (with its port, when it is not 443) of an https URL. Raises :class:`RepositoryError` with the reason."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RepositoryError("repository: this is no URL") from error
    if parts.username is not None or parts.password is not None:
        raise RepositoryError("repository: leave user and password out of the URL; it is shown to everybody")
    if parts.scheme != "https" or not parts.hostname or not url.isprintable() or " " in url:
        raise RepositoryError(f"repository {url!r}: only https URLs are cloned")
    host = parts.hostname if port in {None, 443} else f"{parts.hostname}:{port}"
    if host not in hosts:
        listed = ", ".join(hosts) or "none"
        raise RepositoryError(f"repository {url}: {host} is not among CHORUS_REPOSITORY_HOSTS ({listed})")
    if parts.query or parts.fragment or not parts.path.strip("/"):
        raise RepositoryError(f"repository {url}: give the clone URL alone, without query or fragment")
    return host


@contextmanager
def access(settings: ExecutionSettings, url: str) -> Iterator[Access]:
    """Reach ``url`` while the block runs. Raises :class:`RepositoryError` for a URL that settings do not allow."""
    host = allowed_host(url, settings.repository_hosts)
    with private_folder(settings.scratch, "chorus-access-") as folder:
        config: list[str] = []
        secrets: tuple[str, ...] = ()
        if settings.repository_ca:
            config.append(f"http.sslCAInfo={_authorities(folder, settings.repository_ca)}")
        credential = settings.repository_credentials.get(host)
        if credential:
            user, colon, token = credential.partition(":")
            user, token = (user, token) if colon else (_TOKEN_USER, credential)
            file = folder / "credential"
            line = f"https://{quote(user, safe='')}:{quote(token, safe='')}@{urlsplit(url).netloc}\n"
            _write_private(file, line)
            config.append(f"credential.helper=store --file={shlex.quote(str(file))}")
            basic = base64.b64encode(f"{user}:{token}".encode()).decode()
            secrets = tuple(dict.fromkeys((credential, basic, token, quote(token, safe=""))))
        yield Access(host, tuple(config), secrets)


def _authorities(folder: Path, own: str) -> Path:
    """A file with the system's certificate authorities and the operator's: git takes one file or the other."""
    made = folder / "authorities.pem"
    system = ssl.get_default_verify_paths().cafile
    known = Path(system).read_text(encoding="utf-8", errors="replace") if system else ""
    made.write_text(f"{known}\n{own}\n", encoding="utf-8")
    return made


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
