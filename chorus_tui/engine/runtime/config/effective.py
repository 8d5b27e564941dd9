"""Every variable as an engine would take it: value, origin, what is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chorus_tui.contract.models.operate import Configuration, EffectiveSetting
from chorus_tui.contract.variables import VARIABLES, Variable
from chorus_tui.engine.runtime.config import rules
from chorus_tui.engine.settings import SettingsError, load, read
from chorus_tui.locations import data_dir

HIDDEN = "(set, hidden)"
Kind = Literal["agent", "human"]
Origin = Literal["default", "environment", "file", "assignment", "wrong"]


class EnvironmentFileError(Exception):
    """A file of variables that cannot be read. The text names the line."""


@dataclass(slots=True)
class Deployment:
    """One environment, read: what each variable is, and whatever is wrong with all of them."""

    kind: Kind
    settings: list[EffectiveSetting] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(environ: Mapping[str, str], kind: Kind, assigned: Mapping[str, Any] | None = None) -> Deployment:
    """Never raises for what is wrong in it. ``assigned``: values that stand above the environment, by variable."""
    found = Deployment(kind)
    for variable in VARIABLES:
        try:
            text, found.values[variable.name] = read(variable, environ, kind)
        except ValueError:
            found.settings.append(_row(variable, "", "wrong", environ))
        else:
            origin = _origin(variable, environ)
            if assigned and variable.name in assigned:
                found.values[variable.name] = value = assigned[variable.name]
                text, origin = ",".join(value) if isinstance(value, list | tuple) else str(value), "assignment"
            found.settings.append(_row(variable, text, origin, environ))
    if "CHORUS_DATA_DIR" in found.values:
        found.values["CHORUS_DATA_DIR"] = _folder(kind, found.values["CHORUS_DATA_DIR"])
    try:
        found.warnings += load(environ, kind).warnings
    except SettingsError as error:
        found.problems, found.warnings = error.problems, error.warnings
    return found


def _folder(kind: Kind, given: str) -> str:
    """The folder that is used, so that one left out and one written out can be compared."""
    try:
        return str(data_dir(kind, given or None))
    except RuntimeError:  # the home of a user whom there is not
        return given


def check(
    environ: Mapping[str, str],
    kind: Kind,
    other: Path | None = None,
    *,
    same_machine: bool = False,
    assigned: Mapping[str, Any] | None = None,
) -> Configuration:
    """The answer of ``config check``; ``other`` is an environment file, ``assigned`` as :func:`look` takes it.

    Raises :class:`EnvironmentFileError`.
    """
    mine = look(environ, kind, assigned)
    answer = Configuration(kind=kind, settings=mine.settings, problems=mine.problems, warnings=mine.warnings)
    if other is None:
        return answer
    theirs = look(environment_file(other), kind)
    problems = [*mine.problems, *(f"{other}: {problem}" for problem in theirs.problems)]
    warnings = [*mine.warnings, *(f"{other}: {warning}" for warning in theirs.warnings)]
    return answer.model_copy(
        update={
            "other": str(other), "problems": problems, "warnings": warnings,
            "clashes": [] if problems else rules.clashes(mine.values, theirs.values, same_machine=same_machine),
        }
    )  # fmt: skip


def _origin(variable: Variable, environ: Mapping[str, str]) -> Origin:
    if environ.get(f"{variable.name}_FILE", "").strip():
        return "file"
    return "environment" if environ.get(variable.name, "").strip() else "default"


def _row(
    variable: Variable,
    text: str,
    origin: Origin,
    environ: Mapping[str, str],
) -> EffectiveSetting:
    shown = HIDDEN if variable.secret and text else text
    file = environ.get(f"{variable.name}_FILE", "").strip() if origin == "file" else ""
    return EffectiveSetting(
        name=variable.name, value=shown, origin=origin, file=file, group=variable.group, secret=variable.secret
    )


def environment_file(path: Path) -> dict[str, str]:
    """``NAME=value`` a line, as Docker, systemd and a shell read it: comments, ``export`` and quotes are understood.

    Raises :class:`EnvironmentFileError`; repeats no value.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise EnvironmentFileError(f"{path} cannot be read: {why}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        bare = line.strip().removeprefix("export ").strip()
        if not bare or bare.startswith("#"):
            continue
        name, separator, value = bare.partition("=")
        if not separator or not name.strip().isidentifier():
            raise EnvironmentFileError(f"{path}, line {number}: NAME=value is expected")
        found[name.strip()] = _unquoted(value.strip(), f"{path}, line {number}")
    return found


def _unquoted(value: str, where: str) -> str:
    if not value.startswith(("'", '"')):
        return value
    try:
        parts = shlex.split(value, comments=True)
    except ValueError:
        raise EnvironmentFileError(f"{where}: a quote is not closed") from None
    return parts[0] if parts else ""
