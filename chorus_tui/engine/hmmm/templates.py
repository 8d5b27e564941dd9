"""Templates of messages: JSON files in a folder of this machine's choice, each checked before it is offered."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from chorus_tui.contract.models.hmmm import Template, Templates

LARGEST = 64 * 1024
MOST = 200


class NoFolder(Exception):
    """There is no folder to keep a template in. The text says how to set one."""


def load(folder: str) -> Templates:
    """All of a folder; a file that is no template is told with its fault. No folder: none."""
    if not folder:
        return Templates()
    found: list[Template] = []
    faults: dict[str, str] = {}
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix == ".json")[:MOST]
    except OSError as error:
        return Templates(folder=folder, faults={folder: f"cannot be read: {error.strerror} (CHORUS_TEMPLATES_DIR)"})
    for path in paths:
        try:
            found.append(_read(path))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            faults[path.name] = f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}"
        except (OSError, ValueError) as error:
            faults[path.name] = str(error)
    return Templates(templates=found, faults=faults, folder=folder)


def _read(path: Path) -> Template:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 10} KiB")
    template = Template.model_validate_json(data)
    if template.name != path.stem:
        raise ValueError(f"its name is {template.name!r}, but the file's is {path.stem!r}")
    return template


def save(folder: str, template: Template) -> Path:
    """Write one, whole or not at all; one of the same name is replaced.

    :raises NoFolder: no folder is set, or it cannot be written.
    """
    if not folder:
        raise NoFolder("No folder for templates is set; set CHORUS_TEMPLATES_DIR and start again")
    path = Path(folder) / f"{template.name}.json"
    fresh = path.with_suffix(".json.new")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        fresh.write_text(template.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(fresh, path)  # noqa: PTH105 - the name says what is meant: atomically
    except OSError as error:
        raise NoFolder(f"{path} cannot be written: {error.strerror} (CHORUS_TEMPLATES_DIR)") from error
    return path
