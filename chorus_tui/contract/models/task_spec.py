"""What a task asks for: the part of it that its announcer writes and everybody reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chorus_tui.contract import hosts
from chorus_tui.contract.models.common import Request

Priority = Literal["low", "medium", "high", "urgent"]
Approval = Literal["auto", "risky", "always"]
Deliver = Literal["patch", "bundle", "branch"]
TASK_ID = r"^[0-9A-HJKMNP-TV-Z]{26}$"


class Limits(Request):
    """Bounds of a sandbox. Anybody may lower them; only an agent's settings raise them."""

    memory_mb: int = Field(default=2048, ge=16, le=1 << 20, description="Memory, swap and tmpfs together, MiB")
    cpus: float = Field(default=1.0, gt=0, le=256)
    pids: int = Field(default=256, ge=8, le=32768)
    disk_mb: int = Field(
        default=512, ge=1, le=1 << 20, description="Size of each writable folder, MiB; part of the memory"
    )
    output_mb: int = Field(default=64, ge=1, le=1024, description="Artifacts in sum, MiB")
    log_mb: int = Field(
        default=16, ge=1, le=256, description="Output kept, MiB; what is over is cut in the middle and said"
    )


class Budget(Request):
    """What an attempt may spend, beside its wall time (``timeout_s``); reserved when it is granted."""

    steps: int = Field(default=24, ge=1, le=200, description="Answers of the model")
    tokens: int = Field(default=200_000, ge=500, le=100_000_000, description="Prompt and answers together")
    containers: int = Field(
        default=4, ge=1, le=16, description="Sandboxes: one to work in, one for each try at the checks"
    )
    depth: int = Field(default=1, ge=0, le=4, description="Levels of subtasks that may be announced below it")


class TaskSpec(Request):
    """What is asked for: ``commands`` to run, or a ``goal`` for an agent to reach. Lengths are in characters."""

    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=20_000)
    project_id: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    priority: Priority = "medium"
    role: str = Field(default="", max_length=64, description="The role a worker must have been granted")
    expertise: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=16, description="Areas of which a worker must know one at least"
    )
    language: str = Field(default="", max_length=32, description="Picks the image; empty: the base image")
    image: str = Field(default="", max_length=256, description="Overrides the image of the language")
    repository: str = Field(
        default="",
        max_length=1024,
        description="https URL, blob digest of a bundle, or a path on the announcer's machine",
    )
    commands: list[str] = Field(
        default_factory=list,
        max_length=64,
        description="Shell commands, run in order in /workspace/data until one fails",
    )
    goal: str = Field(
        default="", max_length=16_000, description="What an agent with a model is to reach, instead of commands"
    )
    plan_first: bool = Field(
        default=False, description="The agent proposes its plan in the task's room first, and works when it is agreed"
    )
    kind: str = Field(
        default="",
        max_length=32,
        pattern=r"^[a-z0-9_-]*$",
        description="Kind of work, such as code or docs: picks the model",
    )
    checks: list[str] = Field(
        default_factory=list,
        max_length=16,
        description="Shell commands that show that it is done; run in a fresh sandbox, by another member if there is one",
    )
    deliver: Deliver = Field(
        default="patch",
        description="How a change of the repository comes back: a patch, a bundle with a commit, or a branch that is pushed",
    )
    budget: Budget = Field(default_factory=Budget)
    parent: str = Field(
        default="",
        max_length=26,
        pattern=r"^([0-9A-HJKMNP-TV-Z]{26})?$",
        description="The task whose agent announced this one",
    )
    outputs: list[str] = Field(
        default_factory=list, max_length=64, description="Globs below /workspace/output; empty: everything there"
    )
    env: dict[str, str] = Field(default_factory=dict, max_length=64)
    limits: Limits = Field(default_factory=Limits)
    allowed_hosts: list[Annotated[str, Field(max_length=300)]] = Field(
        default_factory=list,
        max_length=16,
        description="Hosts (host or host:port, without a port 443) its sandbox is let out to; people always have to agree",
    )
    timeout_s: int = Field(default=600, ge=1, le=86_400, description="Wall time of all commands together")
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="Grants at most, when workers are lost or cannot start it"
    )
    depends_on: list[Annotated[str, Field(pattern=TASK_ID)]] = Field(
        default_factory=list, max_length=32, description="Tasks that must be completed before this one is granted"
    )
    approval: Approval = Field(
        default="auto", description="Whether people have to agree before it is granted: never, when it is risky, always"
    )
    approvals: int = Field(
        default=1, ge=1, le=15, description="How many different people have to agree, when some have to"
    )
    approve_within_s: int = Field(
        default=86_400, ge=1, le=31 * 86_400, description="When not enough have agreed by then, the task is cancelled"
    )
    thread_id: str = Field(default="", max_length=128)

    @model_validator(mode="after")
    def _sane_texts(self) -> TaskSpec:
        if bool(self.commands) == bool(self.goal.strip()):
            raise ValueError("commands: give commands to run, or a goal to reach" + (", not both" if self.goal else ""))
        if self.plan_first and not self.goal.strip():
            raise ValueError("plan_first: only a task with a goal has a plan; leave it out, or give a goal")
        if self.deliver == "branch" and not self.repository.startswith("https://"):
            raise ValueError("deliver: a branch can only be pushed to an https repository; use patch or bundle")
        _check_commands("commands", self.commands)
        _check_commands("checks", self.checks)
        _check_env(self.env)
        _check_hosts(self.allowed_hosts)
        for i, pattern in enumerate(self.outputs):
            if pattern.startswith("/") or ".." in pattern.split("/") or not pattern:
                raise ValueError(f"outputs[{i}] must be a glob below /workspace/output, without '..'")
        for i, task_id in enumerate(self.depends_on):
            if task_id in self.depends_on[:i]:
                raise ValueError(f"depends_on[{i}] is named twice")
        return self


def _check_commands(field: str, commands: list[str]) -> None:
    for i, command in enumerate(commands):
        if not command.strip():
            raise ValueError(f"{field}[{i}] is empty")
        if len(command) > 16_384:
            raise ValueError(f"{field}[{i}] is longer than 16384 characters")
        if "\0" in command:
            raise ValueError(f"{field}[{i}] holds a NUL character")


def _check_hosts(allowed: list[str]) -> None:
    found: list[hosts.Target] = []
    for i, text in enumerate(allowed):
        try:
            one = hosts.target(text)
        except ValueError as error:
            raise ValueError(f"allowed_hosts[{i}]: {error}") from None
        if one in found:
            raise ValueError(f"allowed_hosts[{i}] is named twice")
        found.append(one)


def _check_env(env: dict[str, str]) -> None:
    for name, value in env.items():
        if not name.replace("_", "a").isalnum() or name[:1].isdigit() or not name.isascii():
            raise ValueError(f"env: {name!r} is no variable name")
        if "\0" in value or len(value) > 8192:
            raise ValueError(f"env: the value of {name} is too long or holds a NUL character")
