"""From a file and options to the task that is announced. Options win over the file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chorus_tui.contract.models.task_spec import TaskSpec

LIMITS = ("memory_mb", "cpus", "pids", "disk_mb", "output_mb", "log_mb")
BUDGET = ("steps", "tokens", "containers", "depth")


def make_spec(file: str | None, options: dict[str, Any]) -> TaskSpec:
    """The task of ``file`` (``-`` is stdin) with ``options`` over it. Raises UsageError or ValidationError."""
    from chorus_tui.contract.models.task_spec import TaskSpec

    fields = _read(file) if file is not None else {}
    env = dict(_variable(text) for text in options.pop("env"))
    limits, budget = _taken(options, LIMITS), _taken(options, BUDGET)
    # What was not given (None, or no value of a repeatable option) leaves the file's word.
    fields.update({name: value for name, value in options.items() if value not in (None, ())})
    for name, values in (("env", env), ("limits", limits), ("budget", budget)):
        if values:
            fields[name] = {**_mapping(fields, name), **values}
    if not fields.get("title") and (fields.get("goal") or fields.get("commands")):
        asked = fields.get("goal") or fields["commands"][0]
        fields["title"] = str(asked).strip().partition("\n")[0][:200]
    if isinstance(fields.get("repository"), str):
        fields["repository"] = _repository(fields["repository"])
    return TaskSpec.model_validate(fields)


def _read(file: str) -> dict[str, Any]:
    name = "stdin" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        fields = json.loads(text)
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{name} is not valid JSON: {error}") from error
    if not isinstance(fields, dict):
        raise click.UsageError(f"{name} must hold one JSON object, the task.")
    return fields["spec"] if isinstance(fields.get("spec"), dict) else fields


def _taken(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of ``names`` that were given; all of them leave ``options``."""
    found = {name: options.pop(name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _mapping(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name, {})
    if not isinstance(value, dict):
        raise click.UsageError(f"{name} must be a JSON object.")
    return value


def _variable(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise click.UsageError(f"--env {text}: write NAME=VALUE.")
    return name, value


def _repository(text: str) -> str:
    """A path on this machine becomes absolute, since the engine's working folder is another."""
    if not text or "://" in text or text.startswith("sha256:"):
        return text
    return str(Path(text).expanduser().absolute())
