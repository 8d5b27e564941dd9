"""What must not be in a bundle, and the search for it.

Two nets, because one may have a hole: every part is redacted when it is gathered, and the whole is searched again for the
exact values and for all shapes before it is written.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

from chorus_tui.contract.variables import VARIABLES
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.settings import Settings
from chorus_tui.engine.shhh.redactor import SHORTEST, Redactor
from chorus_tui.locations import config_dir

KEY_FILES = ("identity.key", "age.key", "api.tokens")


class SecretLeft(Exception):
    """A bundle would hold a secret. The text names the part, never the secret."""


def known(environ: Mapping[str, str], settings: Settings | None, folder: Path) -> list[str]:
    """Every secret of this peer that can be read here, in the forms in which it is written down; those of variables also
    when they are wrong, and when another keeps the settings from being used."""
    found = list(settings.secrets) if settings is not None else []
    for variable in VARIABLES:
        if variable.secret:
            found += [
                environ.get(variable.name, "").strip(),
                _content(environ.get(f"{variable.name}_FILE", "").strip()),
            ]
    files = (*(folder / name for name in KEY_FILES), config_dir() / network_key.FILE_NAME)
    # A word such as "operate" stands beside a token in its file and is no secret.
    written = {secret for file in files for secret in _forms(file) if len(secret) >= 2 * SHORTEST}
    # A value that is wrong may be a right one with something beside it.
    parts = {word for text in found for word in text.split() if len(word) >= 2 * SHORTEST}
    return sorted({secret for secret in found if len(secret) >= SHORTEST} | parts | written)


def _content(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _forms(file: Path) -> list[str]:
    """A key file's bytes and words. What is not there, or not ours to read, is not ours to leak."""
    try:
        raw = file.read_bytes()
    except OSError:
        return []
    lines = raw.decode("utf-8", "ignore").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    return [raw.hex(), base64.b64encode(raw).decode(), *words]


def search(parts: Mapping[str, str], secrets: Iterable[str], redactor: Redactor) -> None:
    """Raises :class:`SecretLeft` when a part holds one of ``secrets``, or anything that looks like any."""
    values = [secret for secret in secrets if len(secret) >= SHORTEST]
    for name, text in parts.items():
        if any(value in text for value in values):
            raise SecretLeft(f"{name} holds a secret of this peer")
        if redactor.text(text) != text:
            raise SecretLeft(f"{name} holds what looks like a secret")
