"""One attempt carried out: started, run in a sandbox, reported."""

from __future__ import annotations

import codecs
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
import trio

from chorus_tui.contract.models.task_result import Figures, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.ai.quoting import quoted
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.execution.interface import Executor, Job, Phase, Repositories, RepositoryError, Work
from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.journal.interface import BlobMissing, Blobs, Journal
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks import agent_at_work
from chorus_tui.engine.tasks.agent_at_work import Around, Mind
from chorus_tui.engine.tasks.naming import digests
from chorus_tui.engine.tasks.task import Key

log = structlog.get_logger("chorus.tasks.run")

PROGRESS_S = 1.0
PHASE_S = 30.0
REPEAT_S = 4.0
PIECE = 12_000


class StreamRedactor(Protocol):
    """Redacts a stream of bytes split anywhere."""

    def feed(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class Planning(Protocol):
    """Has an agent's plan agreed on before it works."""

    async def agree(
        self, task_id: str, attempt: int, spec: TaskSpec, tell: Callable[[str], Awaitable[None]]
    ) -> tuple[str, str]:
        """(the agreed plan, "") or ("", why there is none); waits as long as it takes. ``tell`` hears what for."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run needs of the engine."""

    agent_id: str
    journal: Journal
    control: Control
    blobs: Blobs
    executor: Executor
    repositories: Repositories
    clock: Clock
    redactor: Callable[[], StreamRedactor]
    heard_here: Callable[[str, int, int, str], None]
    """(task id, attempt, offset, text): own output is watched here too."""
    phase_here: Callable[[Key, int, str, str, Spent | None, Figures | None], None]
    mind: Mind | None = None
    around: Around | None = None
    """Both are there where this worker is an agent with a model."""
    planning: Planning | None = None


class Progress:
    """Tells others how far a run is: at most once a second, in pieces they can take."""

    def __init__(self, tools: Tools, key: Key, attempt: int) -> None:
        self._tools = tools
        self._key = key
        self._attempt = attempt
        self._redactor = tools.redactor()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._phase: Phase = "pulling"
        self._detail = ""
        self._figures: Figures | None = None
        self._pending = ""
        self._offset = 0
        self._changed = trio.Event()
        self._told: tuple[str, float] = ("", 0.0)
        self._spent: Spent | None = None

    async def phase(self, phase: Phase, detail: str = "") -> None:
        self._phase, self._detail = phase, beginning(detail, 500)
        self._here()

    async def spent(self, spent: Spent) -> None:
        """What of the budget is used so far."""
        self._spent = spent
        self._here()

    async def figures(self, cpu_percent: float, memory_mb: float, disk_mb: float) -> None:
        self._figures = Figures(cpu_percent=cpu_percent, memory_mb=memory_mb, disk_mb=disk_mb)
        self._here()

    def _here(self) -> None:
        self._tools.phase_here(self._key, self._attempt, self._phase, self._detail, self._spent, self._figures)
        self._changed.set()

    async def output(self, data: bytes) -> None:
        self._take(self._redactor.feed(data))

    def _take(self, data: bytes) -> None:
        text = readable(self._decoder.decode(data).encode())
        if not text:
            return
        start = self._offset + len(self._pending.encode())
        self._tools.heard_here(self._key[1], self._attempt, start, text)
        self._pending += text
        self._changed.set()

    async def tell(self) -> None:
        """Whisper what is new, until cancelled."""
        while True:
            with trio.move_on_after(REPEAT_S):  # for those who began to listen after the last change
                await self._changed.wait()
            self._changed = trio.Event()
            await self._whisper()
            await trio.sleep(PROGRESS_S)

    async def last(self) -> None:
        """Whisper what is left."""
        self._take(self._redactor.flush())
        if self._pending:
            await self._whisper()

    async def _whisper(self) -> None:
        # When output outruns the gossip the middle is left out; offsets show the hole, and the log has it all.
        skipped, text = self._pending[:-PIECE], self._pending[-PIECE:]
        self._offset += len(skipped.encode())
        data = {
            "task_id": self._key[1], "mesh_id": self._key[0], "attempt": self._attempt, "phase": self._phase,
            "offset": self._offset, "text": text, "detail": self._detail,
            "spent": self._spent.model_dump() if self._spent else None,
            "figures": self._figures.model_dump() if self._figures else None,
        }  # fmt: skip
        self._pending = ""
        self._offset += len(text.encode())
        await self._tell_everybody(data)
        await self._tools.journal.whisper("task_progress", data, topic=topics.task(self._key[1]))

    async def _tell_everybody(self, data: dict[str, object]) -> None:
        """The phase alone, for the boards of those who do not listen to this task: on change, and now and then."""
        now = self._tools.clock.monotonic()
        if self._phase == self._told[0] and now - self._told[1] < PHASE_S:
            return
        self._told = (self._phase, now)
        await self._tools.journal.whisper(
            "task_progress", {**data, "text": "", "figures": None}, topic=topics.COORDINATION
        )


async def replicated(blobs: Blobs, result: TaskResult) -> TaskResult:
    """Bring what a result names to others before it is said, and let the result say how many hold it."""
    named = list(digests(result))
    if not named:
        return result
    copies = await blobs.replicate(named)
    if not copies.held_by:
        log.warning("⚠️ No other member holds the files of a result yet", files=len(named), in_reach=copies.reachable)
    return result.model_copy(update={"held_by": copies.held_by})


def with_plan(description: str, plan: str) -> str:
    """A task's description with the plan that was agreed on, and what a person said of it, in one line: it sets no other goal."""
    return f"{description}\n\nThe plan that was agreed on; keep to it:\n{quoted(plan)}".strip()


class Run:
    """One grant, from its claim to its result."""

    def __init__(self, tools: Tools, key: Key, attempt: int, spec: TaskSpec) -> None:
        self._tools = tools
        self._key = key
        self._attempt = attempt
        self._spec = spec
        self.reported = False
        """The result is on disk: from here on the run ends by itself. The worker brings it to the admin."""
        self._said: dict[str, Any] = {}

    async def to_the_end(self) -> None:
        """Claim, run, report. Cancelling it kills the sandbox, unless the result is already said."""
        tools, (mesh_id, task_id) = self._tools, self._key
        base = {"task_id": task_id, "mesh_id": mesh_id, "attempt": self._attempt}
        await tools.journal.say("task_claim", {**base, "agent_id": tools.agent_id})
        log.info("🔧 Started", task_id=task_id, attempt=self._attempt, title=self._spec.title)
        progress = Progress(tools, self._key, self._attempt)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(progress.tell)
            result = await self._execute(progress)
            nursery.cancel_scope.cancel()
        await progress.last()
        result = await replicated(tools.blobs, result)
        self._said = {**base, "result": result.model_dump()}
        await tools.journal.say("task_complete", self._said)
        self.reported = True
        log.info("✅ Result said", task_id=task_id, attempt=self._attempt, outcome=result.outcome, reason=result.reason)

    async def say_again(self) -> None:
        """The result once more: where it was said does not count any more, because another copy of this peer spoke there."""
        await self._tools.journal.say("task_complete", self._said)
        log.info("✅ Result said again", task_id=self._key[1], attempt=self._attempt)

    async def _execute(self, progress: Progress) -> TaskResult:
        tools = self._tools
        made: Path | None = None
        try:
            refused = await self._plan(progress) if self._spec.plan_first else ""
            if refused:
                return TaskResult(outcome="failed", reason="no_agreed_plan", detail=refused)
            source, made = await self._repository()
            job = Job(self._key[1], self._attempt, self._spec, source, *self._goal(progress))
            return await tools.executor.run(job, progress, self._put_blob)
        except (RepositoryError, BlobMissing) as error:
            return TaskResult(outcome="error", reason="repository_unusable", detail=beginning(str(error), 600))
        finally:
            if made is not None:
                tools.repositories.discard(made)

    async def _plan(self, progress: Progress) -> str:
        """Have the plan agreed on; it becomes part of the task's description. Why not, or an empty text."""
        spec = self._spec
        if self._tools.planning is None:
            return "its worker has no model to make a plan with"

        async def tell(words: str) -> None:
            await progress.phase("pulling", words)

        with trio.move_on_after(spec.timeout_s):
            plan, refused = await self._tools.planning.agree(self._key[1], self._attempt, spec, tell)
            if not refused:
                self._spec = spec.model_copy(update={"description": with_plan(spec.description, plan)})
            return refused
        return f"its plan was not agreed on within {spec.timeout_s} s"

    def _goal(self, progress: Progress) -> tuple[Work, int] | tuple[()]:
        """How a goal is worked on, and for how long it may pause; nothing for a task with commands."""
        tools = self._tools
        if not self._spec.goal or tools.mind is None or tools.around is None:
            return ()
        attempt = agent_at_work.Attempt(
            tools.mind, tools.around, self._key, self._attempt, self._spec, progress.spent,
            lambda detail: progress.phase("running", detail),
        )  # fmt: skip
        return attempt.work, agent_at_work.PAUSE_S

    async def _repository(self) -> tuple[Path | None, Path | None]:
        """The repository's folder or bundle, and what of it is ours to throw away."""
        named = self._spec.repository
        if not named:
            return None, None
        if named.startswith("sha256:"):
            return await self._tools.blobs.path(named), None
        fetched = await self._tools.repositories.fetch(named)
        return fetched, fetched

    async def _put_blob(self, path: Path) -> tuple[str, int]:
        info = await self._tools.blobs.put_file(path)
        return info.digest, info.size
