"""Tasks: what is asked for, how far it is, what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chorus_tui.contract import hosts
from chorus_tui.contract.models.common import Answer, Request

Priority = Literal["low", "medium", "high", "urgent"]
Approval = Literal["auto", "risky", "always"]
Deliver = Literal["patch", "bundle", "branch"]
State = Literal[
    "announced",
    "waiting",
    "granted",
    "pulling",
    "creating",
    "starting",
    "running",
    "collecting",
    "result_in",
    "completed",
    "failed",
    "cancelled",
    "budget_exhausted",
    "escalated",
]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled", "budget_exhausted"})
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


class AnnounceTask(Request):
    """Announce ``spec``. The same ``idempotency_key`` twice gives the same task."""

    spec: TaskSpec
    idempotency_key: str = Field(default="", max_length=128)


class TaskRef(Request):
    """Names a task."""

    task_id: str = Field(pattern=TASK_ID)


class ListTasks(Request):
    """Filter of the list; ``cursor`` is ``next`` of the page before."""

    state: State | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None


class WaitTask(TaskRef):
    """Wait at most ``timeout_s`` seconds; the answer is the task as it is then."""

    timeout_s: float = Field(default=60, ge=0, le=3600)


class CancelTask(TaskRef):
    """Cancel, with a reason others can read."""

    reason: str = Field(default="", max_length=500)


class ClaimTask(TaskRef):
    """Take a task by hand."""


class ReleaseTask(TaskRef):
    """Give back a task that was claimed by hand; it is granted anew."""

    reason: str = Field(default="", max_length=300)


class SubmittedFile(Request):
    """One file; ``content`` is base64."""

    name: str = Field(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f]+$", description="A file name, no path")
    content: str = Field(max_length=960_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$", description="Base64, 700 KB of bytes")


class SubmitTask(TaskRef):
    """The result of a task that was claimed by hand: ``output`` or ``patch`` with a file, ``failed`` with a reason."""

    kind: Literal["output", "patch", "failed"]
    file: SubmittedFile | None = None
    reason: str = Field(default="", max_length=2000, description="Why it failed; else a note on the result")

    @model_validator(mode="after")
    def _complete(self) -> SubmitTask:
        if self.kind == "failed" and not self.reason.strip():
            raise ValueError("reason: say why it failed")
        if (self.kind == "failed") != (self.file is None):
            raise ValueError(f"file: {'a failed task has none' if self.file else f'the {self.kind} is missing'}")
        return self


class RetryTask(TaskRef):
    """A new task that asks for the same as an ended one."""


class JudgeTask(TaskRef):
    """A person's word on a task that waits for approval."""

    reason: str = Field(default="", max_length=500)


class SayToTask(TaskRef):
    """A word in the task's thread; an agent that works on it reads it before its next step."""

    text: str = Field(min_length=1, max_length=4_000)


class SteerTask(TaskRef):
    """Pause or resume an agent between two steps, or stop it: then what it has done so far is its result."""

    reason: str = Field(default="", max_length=300)


class ReadOutput(TaskRef):
    """Read output from byte ``offset`` on."""

    offset: int = Field(default=0, ge=0)


class OutputChunk(Answer):
    """Output of one attempt. ``gap`` counts bytes that were never received here (progress is fleeting)."""

    task_id: str
    attempt: int
    offset: int
    text: str
    stream: Literal["stdout", "stderr", "both"] = "both"
    gap: int = 0
    next: int | None = Field(default=None, description="Byte offset to read on from")
    complete: bool = False


class Artifact(Answer):
    """One file of a result. ``path`` is relative to /workspace/output; ``sha256`` is hex; ``size`` in bytes."""

    path: str
    size: int
    sha256: str


class CommandResult(Answer):
    """How one command ended."""

    command: str
    exit_code: int
    seconds: float


class Change(Answer):
    """What differs from the repository's base commit. ``patch`` is a blob digest; ``size`` is its size in bytes."""

    base: str
    patch: str
    size: int
    files: int
    insertions: int
    deletions: int
    names: list[str] = Field(default_factory=list, description="Files that differ, as many as there is room for")
    left_out: str = Field(default="", description="What of the work is not in the patch, and why")


class Spent(Answer):
    """What an attempt has used of its budget."""

    seconds: float = 0.0
    steps: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    containers: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and answers together, as the budget counts."""
        return self.prompt_tokens + self.answer_tokens


class Figures(Answer):
    """What a sandbox uses. CPU in percent of one core; memory and what its writable folders hold in MiB."""

    cpu_percent: float = Field(ge=0, le=1_000_000)
    memory_mb: float = Field(ge=0, le=1e9)
    disk_mb: float = Field(ge=0, le=1e9)


class TaskResult(Answer):
    """What a worker reported, from its feed entry.

    ``outcome``: ``completed`` all commands ended with 0, or the agent says that the goal is reached; ``failed`` one did
    not, or memory ran out (``reason`` says which); ``budget_exhausted`` time, steps, tokens or containers were used up;
    ``error`` the worker could not run it (no image, Docker gone, no model answers).
    """

    outcome: Literal["completed", "failed", "cancelled", "error", "budget_exhausted"]
    reason: str = ""
    detail: str = ""
    summary: str = Field(default="", description="What was done, in the worker's words")
    change: Change | None = Field(default=None, description="None: no repository, or nothing differs")
    spent: Spent | None = None
    model: str = Field(default="", description="Models that took part, as provider/model")
    transcript: str = Field(default="", description="Blob digest of the agent's transcript, as JSON lines")
    exit_code: int | None = None
    output_tail: str = ""
    output_bytes: int = 0
    output_cut: bool = False
    log: str = Field(default="", description="Blob digest of the whole kept output")
    artifacts: list[Artifact] = Field(default_factory=list)
    commands: list[CommandResult] = Field(default_factory=list)
    held_by: int | None = Field(
        default=None, description="Other members that held all its files when it was said; None: it names no file"
    )
    image: str = ""
    image_id: str = ""
    phases: dict[str, float] = Field(default_factory=dict, description="Seconds of each phase")
    max_memory_mb: float | None = None
    max_cpu_percent: float | None = Field(
        default=None, description="Of one core; None: it was over too soon to measure"
    )
    max_disk_mb: float | None = Field(
        default=None, description="What its writable folders held at most, MiB, as measured"
    )


class Attempt(Answer):
    """One grant and what became of it."""

    attempt: int
    worker: str
    worker_name: str
    granted_at: float
    by_hand: bool = False
    ended: Literal["", "released", "expired", "accepted", "failed", "cancelled", "budget_exhausted"] = ""
    reason: str = ""
    result: TaskResult | None = Field(default=None, description="A result that came, accepted or not")


class ApprovalWord(Answer):
    """One person's word: approved, or denied."""

    by: str
    name: str
    at: float
    approved: bool
    reason: str = ""


class Verification(Answer):
    """What the checks of a task showed, in a fresh sandbox with nothing but its result.

    ``state``: ``none`` it has no checks, or no result to check; ``waiting`` for somebody to run them; ``running``;
    ``passed``; ``failed``; ``error`` nobody could run them. ``own_worker``: run by the very worker that did the task.
    """

    state: Literal["none", "waiting", "running", "passed", "failed", "error"] = "none"
    detail: str = ""
    by: str = ""
    by_name: str = ""
    own_worker: bool = False
    at: float = 0.0
    checks: list[CommandResult] = Field(default_factory=list)
    output_tail: str = ""
    log: str = Field(default="", description="Blob digest of what the checks printed")


class TaskWord(Answer):
    """Something said in a task's thread. ``kind``: ``word``, ``help`` (asked for) or ``proposal``; ``attempt`` 0: by no worker."""

    by: str
    name: str
    at: float
    kind: Literal["word", "help", "proposal"]
    text: str
    attempt: int = 0


class Delivered(Answer):
    """Where a worker brought an accepted change: a ref of a repository, or why it could not."""

    by: str
    name: str
    at: float
    where: str = ""
    ref: str = ""
    commit: str = ""
    problem: str = ""


class LostResult(Answer):
    """Evidence: a result that was said and does not count. ``why`` says why not; ``entry`` is the hash of the feed entry."""

    worker: str
    worker_name: str
    attempt: int
    at: float
    why: str
    entry: str
    result: TaskResult


class ErasedText(Answer):
    """A message of the task whose text was erased by a decision; ``entry`` is the hash of its header, which stays."""

    type: str
    author: str
    author_name: str
    at: float
    entry: str


class TaskRow(Answer):
    """One line of the board."""

    task_id: str
    title: str
    state: State
    detail: str = Field(default="", description="In words: why it waits, why it failed")
    priority: Priority
    announcer: str
    announcer_name: str
    announced_at: float
    holder: str = ""
    holder_name: str = ""
    attempt: int = 0
    seconds: float | None = Field(default=None, description="Time since the grant, or from grant to end")


class TaskList(Answer):
    """A page of the board."""

    tasks: list[TaskRow]
    next: str | None = None


class TaskView(TaskRow):
    """Everything known of a task."""

    spec: TaskSpec
    mesh_id: str
    continues: str = Field(default="", description="The task this one goes on from, of a mesh that was left")
    continued_as: str = ""
    attempts: list[Attempt]
    result: TaskResult | None = Field(description="The accepted result, or None")
    figures: Figures | None = Field(
        default=None, description="What its sandbox uses now, while it runs and is heard of"
    )
    confirmed: bool = Field(description="The end stands in the control log")
    announced_delivery: dict[str, int | bool] = Field(default_factory=dict, description="stored, sent, held_by")
    waiting_for: str = ""
    evidence: list[LostResult] = Field(
        default_factory=list, description="Results that lost: late, by somebody else, or twice; never what is done"
    )
    retry_of: str = Field(default="", description="The ended task of which this is a new attempt")
    retried_as: list[str] = Field(default_factory=list)
    approvals_needed: int = 0
    approvals: list[ApprovalWord] = Field(default_factory=list, description="Who agreed or denied, and when")
    verification: Verification = Field(default_factory=Verification)
    words: list[TaskWord] = Field(default_factory=list, description="The task's thread, oldest first; the newest 100")
    paused: bool = Field(default=False, description="Somebody paused it; its worker waits between two steps")
    spent: Spent | None = Field(default=None, description="Of its budget so far: heard from its worker, or reported")
    delivered: list[Delivered] = Field(default_factory=list)
    subtasks: list[str] = Field(default_factory=list)
    erased: list[ErasedText] = Field(
        default_factory=list, description="What was said of it and is gone; decisions stand"
    )
