"""What a model is told before its task: the prompt of a role, an empty line, and the default instructions.

Roles come from files with one top key, ``roles``. The presets of this package come first, then every ``*.yaml`` of
``CHORUS_PROMPTS_DIR`` by name; a later file replaces a role of the same id as a whole. YAML, because prompts are paragraphs
and its block texts hold them without escapes. Everything is read once, at start, so that what a running task is told cannot
change under it. A fault names file and field, and all faults of all files are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chorus_tui.engine.shhh.cutting import beginning

LARGEST_FILE = 1 << 20
GENERAL = "general"
_GENERAL_PROMPT = (
    "You are an agent in a mesh of people and agents who share their work. You are given one task. "
    "Do exactly that task, and show that it is done."
)
ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class PromptError(Exception):
    """The prompts cannot be used. ``problems`` are all faults, one line each, with file and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["The prompts cannot be used:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoleDefaults(_Part):
    """What an agent of this role has where its own settings say nothing. ``capabilities`` are for people to read.

    Of ``models`` the first is asked, at the first provider of the chain, for every task of this role.
    """

    models: tuple[str, ...] = Field(default=(), max_length=32)
    capabilities: tuple[str, ...] = Field(default=(), max_length=64)
    expertise: tuple[str, ...] = Field(default=(), max_length=64)
    max_tasks: int | None = Field(default=None, ge=0, le=1000)


class Role(_Part):
    """One role."""

    name: str = Field(min_length=1, max_length=100)
    description: str = Field(default="", max_length=1000)
    tags: tuple[str, ...] = Field(default=(), max_length=64)
    system_prompt: str = Field(min_length=1, max_length=100_000)
    defaults: RoleDefaults = RoleDefaults()


@dataclass(frozen=True, slots=True)
class Prompts:
    """All roles by id, and the default instructions."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    instructions: str = ""

    def system(self, role: str) -> str:
        """The system prompt of a role; of a general agent when there is no such role."""
        known = self.roles.get(role.lower())
        prompt = known.system_prompt if known else _GENERAL_PROMPT
        return f"{prompt.strip()}\n\n{self.instructions.strip()}".strip()


def load_prompts(folder: str = "", instructions_path: str = "") -> Prompts:
    """From the package, the folder, and the file of instructions. Raises :class:`PromptError` with all faults."""
    package = resources.files("chorus_tui.engine.ai") / "presets"
    problems: list[str] = []
    roles = _roles("presets/roles.yaml", (package / "roles.yaml").read_text(encoding="utf-8"), problems)
    for path in _files(folder, problems):
        text = _read(path, "CHORUS_PROMPTS_DIR", problems)
        roles |= _roles(str(path), text, problems) if text is not None else {}
    instructions: str | None = (package / "instructions.md").read_text(encoding="utf-8")
    if instructions_path:
        instructions = _read(Path(instructions_path), "CHORUS_DEFAULT_INSTRUCTIONS_PATH", problems)
    if problems:
        raise PromptError(problems)
    return Prompts(roles, instructions or "")


def _files(folder: str, problems: list[str]) -> list[Path]:
    if not folder:
        return []
    if not Path(folder).is_dir():
        problems.append(f"CHORUS_PROMPTS_DIR: {folder} is no folder")
        return []
    return sorted(path for path in Path(folder).iterdir() if path.suffix in {".yaml", ".yml"})


def _read(path: Path, variable: str, problems: list[str]) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            problems.append(f"{path}: larger than {LARGEST_FILE >> 20} MiB")
            return None
        return data.decode("utf-8")
    except OSError as error:
        problems.append(f"{variable}: {path} cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append(f"{path}: no UTF-8 text")
    return None


def _roles(file: str, text: str, problems: list[str]) -> dict[str, Role]:
    """The roles of one file; its faults go to ``problems``."""
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, made stricter
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problems.append(f"{file}: no YAML: {beginning(' '.join(str(error).split()), 300)}")
        return {}
    if not isinstance(value, dict) or set(value) != {"roles"} or not isinstance(value["roles"], dict):
        problems.append(f"{file}: one top key is expected, 'roles', with a role under each id")
        return {}
    found: dict[str, Role] = {}
    for id_, given in value["roles"].items():
        try:
            found[_Named.model_validate({"id": id_}).id] = Role.model_validate(given)
        except ValidationError as error:
            problems.extend(_faults(file, id_, error))
    return found


class _Named(_Part):
    id: str = Field(pattern=ID)


def _faults(file: str, id_: object, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in ("roles", id_, *fault["loc"]))
        yield f"{file}: {where}: {fault['msg']}"


class _Loader(yaml.SafeLoader):
    """Plain values only. Aliases are refused, because a few lines of them unfold to gigabytes; so is a key given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "aliases are not allowed", self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        known: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in known:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            known.add(str(key.value))
        return super().construct_mapping(node, deep)
