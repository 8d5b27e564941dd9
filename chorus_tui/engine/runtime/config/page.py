"""Two files made from the table of variables: docs/configuration.md, and deploy/env.example to start a deployment from."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap

from chorus_tui.contract.variables import HUMAN_DEFAULTS, VARIABLES, Variable

KINDS = {
    "text": "text", "id": "name", "int": "whole number", "float": "number", "bool": "true or false", "port": "port", "list": "list",
    "multiaddrs": "multiaddrs", "json": "JSON", "url": "URL",
}  # fmt: skip


def markdown() -> str:
    """The whole page."""
    lines = [
        "# Settings", "",
        "Made from the table in `chorus_tui/contract/variables.py` by `make docs`; do not edit.", "",
        "An engine takes its settings from the environment. Every variable `NAME` can also be given as `NAME_FILE`, the path of a",
        "file that holds the value: so secrets stay out of the environment. Lists have commas between their items. Wrong values keep",
        "an engine from starting: all of them are named at once, with exit code 2. An unknown `CHORUS_…` name is a warning that names",
        "the nearest one.", "",
        "`chorus-tui config check` shows what is in force and where each value comes from, secrets hidden; `--with OTHER.env` finds",
        "what does not go together with another deployment, `--same-machine` also what two engines cannot share on one machine.",
    ]  # fmt: skip
    for group, rows in groupby(VARIABLES, key=lambda variable: variable.group):
        lines += ["", f"## {group}", "", "| variable | value | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{row.name}` | {_value(row)} | {_default(row)} | {_cell(row.help)} |" for row in rows]
    return "\n".join(lines) + "\n"


def example() -> str:
    """An environment file with every variable as a comment: the default stands there, or nothing when there is none."""
    lines = [
        "# Settings of an agent, for systemd's EnvironmentFile=, docker run --env-file and the like. Take out a # to set one.",
        "# Made from the table in chorus_tui/contract/variables.py by make docs. Each can be NAME_FILE, the path of a file, instead.",
        "# chorus-tui config check shows what is in force; config check --with OTHER.env compares two deployments.",
    ]
    for group, rows in groupby(VARIABLES, key=lambda variable: variable.group):
        lines += ["", f"## {group}"]
        for row in rows:
            lines += ["", *wrap(f"{row.help} ({_plain(row)})", 118, initial_indent="# ", subsequent_indent="# ")]
            lines.append(f"#{row.name}={row.default}")
    return "\n".join(lines) + "\n"


def _plain(row: Variable) -> str:
    return _value(row).replace("`", "")


def _value(row: Variable) -> str:
    kind = ", ".join(f"`{choice}`" for choice in row.choices) or KINDS.get(row.kind, row.kind)
    if row.low is not None and row.high is not None:
        kind += f", {row.low:.15g} to {row.high:.15g}"
    return kind + (", secret" if row.secret else "")


def _default(row: Variable) -> str:
    default = f"`{row.default}`" if row.default else ""
    person = HUMAN_DEFAULTS.get(row.name)
    return default if person is None else f"{default}; a person's own engine: `{person}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
