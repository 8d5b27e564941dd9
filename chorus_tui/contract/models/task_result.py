"""What came of an attempt: as its worker reports it, in its feed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer


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
