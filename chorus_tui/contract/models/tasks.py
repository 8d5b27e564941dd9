"""Tasks: what is asked for, how far it is, what came of it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from chorus_tui.contract.models.common import Answer, Page, Paged, Request
from chorus_tui.contract.models.coordination import CoordinatedWith
from chorus_tui.contract.models.task_result import CommandResult, Figures, Spent, TaskResult
from chorus_tui.contract.models.task_spec import Priority, TaskSpec

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


NAMED = r"^[0-9A-Za-z]{1,26}$"


def _as_written(value: Any) -> Any:
    """In large letters, as ids are; refused in words, since whoever typed it knows nothing of patterns."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(NAMED.strip("^$"), value):
        raise ValueError("a task's id has up to 26 letters and digits and nothing else; its beginning is enough")
    return value.upper()


TaskName = Annotated[
    str, BeforeValidator(_as_written), Field(pattern=NAMED, description="The task's id, or its beginning")
]


class AnnounceTask(Request):
    """Announce ``spec``. The same ``idempotency_key`` twice from one caller gives the same task; with another ``spec`` it is refused."""

    spec: TaskSpec
    idempotency_key: str = Field(default="", max_length=128)
    callback_url: str = Field(
        default="",
        max_length=2048,
        description="An https address that is called when the task has ended; its host is listed in CHORUS_CALLBACK_HOSTS",
    )


class TaskRef(Request):
    """Names a task."""

    task_id: TaskName


class ListTasks(Paged):
    """Filter of the list; ``cursor`` is ``next`` of the page before."""

    state: State | None = None
    limit: int = Field(default=100, ge=1, le=1000)


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
    announcement: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="The announcement looked at, as tasks.show names it; another one that counts meanwhile is refused",
    )


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


class AllocationCandidate(Answer):
    """A worker that was considered: its score and the parts of it, each 0 to 1, before they are weighed."""

    peer_id: str
    name: str
    score: float
    parts: dict[str, float] = Field(default_factory=dict)
    words: str = ""


class Allocation(Answer):
    """Why an attempt was given to its worker, the first of the candidates, as the admin said that made the grant."""

    weights: dict[str, float] = Field(default_factory=dict)
    candidates: list[AllocationCandidate] = Field(default_factory=list)
    reason: str = ""


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
    why: Allocation | None = Field(default=None, description="Why this worker; none for what was claimed by hand")


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
    """Something said in a task's thread. ``kind`` is ``help`` where help was asked for, ``answer`` where it was given, ``advice``
    of a mentor, else the words' intent; ``attempt`` 0: by no worker."""

    by: str
    name: str
    at: float
    kind: Literal["word", "help", "answer", "advice", "proposal", "question", "agreement", "concern", "response"]
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


class TaskList(Page):
    """A page of the board."""

    tasks: list[TaskRow]


class TaskCallback(Answer):
    """The call that whoever announced a task wants when it has ended, made by this engine. Times are Unix seconds."""

    url: str = Field(
        description="The service's scheme, host and port; what follows them may hold a secret and is not shown"
    )
    state: Literal["waiting", "delivered", "given_up"]
    tries: int = 0
    last_at: float | None = None
    next_at: float | None = Field(default=None, description="When it is tried again")
    problem: str = Field(default="", description="Why the last try failed")


class OtherAnnouncement(Answer):
    """A second announcement under the id of a task, which nobody honest makes."""

    author: str
    author_name: str
    at: float
    title: str
    entry: str = Field(description="The hash of its entry")


class TaskView(TaskRow):
    """Everything known of a task."""

    spec: TaskSpec
    mesh_id: str
    announcement: str = Field(
        default="", description="The hash of the announcement that counts: what approvals and grants name"
    )
    other_announcements: list[OtherAnnouncement] = Field(
        default_factory=list,
        description="Made under the same id, saying something else: none may be granted then, unless the mesh had named one",
    )
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
    callback: TaskCallback | None = Field(default=None, description="Only on the engine that announced it with one")
    subtasks: list[str] = Field(default_factory=list)
    coordinated: list[CoordinatedWith] = Field(default_factory=list, description="Tasks that touch the same thing")
    erased: list[ErasedText] = Field(
        default_factory=list, description="What was said of it and is gone; decisions stand"
    )
