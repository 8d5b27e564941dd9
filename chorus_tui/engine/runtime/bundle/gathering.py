"""Gathers the parts of a bundle; a part that cannot be had says why."""

from __future__ import annotations

import io
import json
import os
import platform
import tarfile
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from chorus_tui import __version__
from chorus_tui.contract.models.operate import Bundled
from chorus_tui.contract.variables import named
from chorus_tui.engine.runtime import crash_report
from chorus_tui.engine.runtime.asking import fetch
from chorus_tui.engine.runtime.bundle.secrets import known, search
from chorus_tui.engine.runtime.config.assigned import assigned
from chorus_tui.engine.runtime.config.effective import check
from chorus_tui.engine.runtime.doctor.examination import examine
from chorus_tui.engine.settings import Settings, SettingsError, load, read
from chorus_tui.engine.shhh import doors
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.locations import data_dir

ASKED = {
    "health.json": "/health",
    "metrics.txt": "/metrics",
    "status.json": "/api/v1/status",
    "journal.json": "/api/v1/journal/stats",
    "peers.json": "/api/v1/peers",
    "log.json": "/api/v1/engine/log?limit=1000",
}
"""Parts that a running engine gives, and where it is asked for them."""
LOG_TAIL = 256 * 1024
"""Bytes of the log that an engine left behind."""
NO_ENGINE = "no engine answered\n"


class CannotWrite(Exception):
    """The bundle's file cannot be made. The text names it and the reason."""


async def bundle(
    kind: Literal["agent", "human"], environ: Mapping[str, str], folder: str | None, to: str | None
) -> Bundled:
    """Gather, redact, search, write. Raises ``SecretLeft`` and :class:`CannotWrite`; then no file is left."""
    settings = _settings(environ, kind)
    path = data_dir(kind, folder or _folder(environ, kind) or None)
    secrets = known(environ, settings, path)
    redactor = Redactor(secrets)
    clean = redactor.at(doors.BUNDLE).text
    parts = {name: clean(text) for name, text in (await _parts(kind, environ, folder, path)).items()}
    search(parts, secrets, redactor)
    file = Path(to or time.strftime("chorus-support-%Y%m%d-%H%M%S.tar.gz", time.gmtime()))
    raw = packed(parts)
    _write(file, raw)
    return Bundled(file=str(file), size=len(raw), parts=sorted(parts))


def _settings(environ: Mapping[str, str], kind: Literal["agent", "human"]) -> Settings | None:
    """None where they cannot be used: that is what the bundle is to show."""
    try:
        return load(environ, kind)
    except SettingsError:
        return None


def _folder(environ: Mapping[str, str], kind: Literal["agent", "human"]) -> str:
    """By its own variable, whatever else is wrong."""
    try:
        return str(read(named("CHORUS_DATA_DIR"), environ, kind)[1])
    except ValueError:
        return ""


async def _parts(
    kind: Literal["agent", "human"], environ: Mapping[str, str], folder: str | None, path: Path
) -> dict[str, str]:
    said, troubles = await assigned(environ, kind)
    checked = check(environ, kind, assigned=said)
    parts = {
        "versions.json": _json(_versions()),
        "config.json": checked.model_copy(update={"warnings": [*checked.warnings, *troubles]}).model_dump_json(
            indent=1
        ),
        "doctor.json": (await examine(kind, environ, folder)).model_dump_json(indent=1),
        "engine.log": _left_behind(path / "engine.log"),
        **{f"crashes/{report.name}": _left_behind(report) for report in crash_report.reports(path)},
    }
    for name, question in ASKED.items():
        answer = await fetch(path, question)
        parts[name] = NO_ENGINE if answer is None else answer.text
    return parts


def _versions() -> dict[str, Any]:
    """Of this program, of what it runs on, of what it is made of."""
    packages = {dist.metadata["Name"]: dist.version for dist in metadata.distributions()}
    return {
        "chorus-tui": __version__, "python": platform.python_version(), "system": platform.platform(), "cpus": os.cpu_count(),
        "packages": dict(sorted(packages.items())),
    }  # fmt: skip


def _left_behind(file: Path) -> str:
    """The end of what an engine left behind."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - LOG_TAIL))
            return log.read().decode("utf-8", "replace")
    except OSError as error:
        return f"{error.strerror}\n"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def packed(parts: Mapping[str, str]) -> bytes:
    """The parts as a tar.gz, in one folder."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in sorted(parts.items()):
            entry = tarfile.TarInfo(f"chorus-support/{name}")
            raw = text.encode("utf-8", "replace")
            entry.size, entry.mode, entry.mtime = len(raw), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(raw))
    return made.getvalue()


def _write(file: Path, raw: bytes) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(raw)
    except OSError as error:
        raise CannotWrite(f"{file} cannot be written: {error.strerror}. --to names another") from None
