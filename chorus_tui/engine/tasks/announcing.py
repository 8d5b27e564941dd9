"""The doors of the tasks feature: announce, list, show, wait, output, cancel; and carrying open tasks into a new mesh."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.contract.models import tasks as models
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.behalf import person
from chorus_tui.engine.bell import pause
from chorus_tui.engine.control import authority
from chorus_tui.engine.control.interface import NoMesh
from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import BlobMissing, Refused
from chorus_tui.engine.tasks import dependencies, ids, reach, views
from chorus_tui.engine.tasks.output import KEPT_BYTES, OutputBuffer
from chorus_tui.engine.tasks.task import Key, Task

if TYPE_CHECKING:
    from chorus_tui.engine.tasks.service import TaskService

log = structlog.get_logger("chorus.tasks")

CONFIRM_S = 5.0
LOOK_S = 1.0
"""Whoever waits for a task looks that often though nothing was heard of any."""
_KEY_MARK = 32
"""Digits of a mark that stand for caller and key; what follows stands for what was asked."""


class Announcing:
    """Answers callers."""

    def __init__(self, service: TaskService) -> None:
        self._service = service
        self._not_carried: set[Key] = set()

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "tasks.announce": self.announce,
            "tasks.list": self.list,
            "tasks.show": self.show,
            "tasks.wait": self.wait,
            "tasks.output": self.output,
            "tasks.cancel": self.cancel,
        }

    # ── announcing ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def announce(self, request: models.AnnounceTask, caller: Any) -> models.TaskRef:
        """Announce a task of the present mesh. The same idempotency key of the same caller gives the same task."""
        parts, mesh_id = self._service.parts, self._may_announce()
        mark = _mark(request, caller)
        known = self._known(mark)
        if known:
            return models.TaskRef(task_id=known)
        task_id = ids.ulid(parts.clock.wall(), parts.entropy.bytes(10))
        wrong = dependencies.faults(task_id, request.spec.depends_on, self._service.board, mesh_id)
        if wrong:
            raise invalid(wrong)
        spec = await self._with_repository(request.spec, caller)
        data = {
            "task_id": task_id, "mesh_id": mesh_id, "spec": spec.model_dump(),
            "on_behalf_of": person(caller), "idempotency": mark,
        }  # fmt: skip
        await self._say(data)
        return models.TaskRef(task_id=task_id)

    async def below(self, spec: TaskSpec) -> str:
        """Announce a task on behalf of this peer's own agent; its id. Raises :class:`Problem`."""
        parts, mesh_id = self._service.parts, self._may_announce()
        task_id = ids.ulid(parts.clock.wall(), parts.entropy.bytes(10))
        await self._say({"task_id": task_id, "mesh_id": mesh_id, "spec": spec.model_dump(), "on_behalf_of": ""})
        return task_id

    async def again(self, task_id: str, spec: TaskSpec, caller: Any) -> models.TaskRef:
        """Announce the same as ``task_id`` did, as a new attempt of it."""
        parts, mesh_id = self._service.parts, self._may_announce()
        new_id = ids.ulid(parts.clock.wall(), parts.entropy.bytes(10))
        data = {
            "task_id": new_id, "mesh_id": mesh_id, "spec": spec.model_dump(), "retry_of": task_id,
            "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._say(data)
        return models.TaskRef(task_id=new_id)

    def _may_announce(self) -> str:
        """The present mesh, where this peer may announce."""
        mesh_id, parts = self._mesh(), self._service.parts
        if not parts.control.may(parts.me, "announce"):
            raise Problem(
                403, "authority", "This peer may not announce tasks", "Its authority in the mesh does not suffice."
            )
        return mesh_id

    async def _say(self, data: dict[str, Any]) -> None:
        try:
            await self._service.parts.journal.say("task_announcement", data, **_envelope(data["spec"]))
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({"spec": str(error)}) from error

    def _mesh(self) -> str:
        control = self._service.parts.control
        if control.mesh_id is None:
            raise NoMesh(f"There is no mesh to announce to yet. {control.detail}")
        return control.mesh_id

    def _known(self, mark: str) -> str:
        """The task that was announced with it. Raises 422 when something else was, by the same caller with the same key."""
        if not mark:
            return ""
        for task in self._service.board.tasks.values():
            mine = task.own(self._service.parts.me)
            if mine is None or mine.idempotency[:_KEY_MARK] != mark[:_KEY_MARK]:
                continue
            if mine.idempotency != mark:
                title = "This idempotency_key came with another task before"
                raise Problem(422, "idempotency-key", title, "Use a new key for a new task.")
            return task.key[1]
        return ""

    async def _with_repository(self, spec: TaskSpec, caller: Any) -> TaskSpec:
        """A path that the caller may name becomes a bundle that workers can fetch; the rest is checked for its form."""
        named, parts = spec.repository, self._service.parts
        if not named or named.startswith(("sha256:", "https://")):
            return spec
        if not named.startswith("/"):
            text = (
                f"{named!r} is neither an https URL, nor a blob digest, nor an absolute path on the announcer's machine"
            )
            raise invalid({"spec.repository": text})
        found = await trio.to_thread.run_sync(reach.repository, named, caller)
        try:
            bundle = await parts.repositories.bundle(str(found))
        except RepositoryError as error:
            raise invalid({"spec.repository": str(error)}, "The repository cannot be used") from error
        try:
            info = await parts.blobs.put_file(bundle)
        finally:
            parts.repositories.discard(bundle)
        await parts.blobs.replicate([info.digest])
        return spec.model_copy(update={"repository": info.digest})

    async def carry_on(self) -> None:
        """Own open tasks of a mesh that was left go on in the present one, under an id anybody would give them."""
        control = self._service.parts.control
        while True:
            if control.mesh_id is not None:
                for task in list(self._service.board.tasks.values()):
                    await self._carry(task, control.mesh_id)
            await pause(1.0)

    async def _carry(self, task: Task, mesh_id: str) -> None:
        me, board = self._service.parts.me, self._service.board
        mine = task.announced if task.bound else task.own(me)
        if (
            task.key in self._not_carried
            or mine is None
            or mine.author != me
            or task.terminal
            or task.key[0] == mesh_id
            or task.key in board.continued
        ):
            return
        old_mesh, old_id = task.key
        data = {
            "task_id": ids.continued(old_mesh, old_id), "mesh_id": mesh_id, "spec": mine.spec.model_dump(),
            "on_behalf_of": "", "continues": old_id, "continues_mesh": old_mesh, "idempotency": mine.idempotency,
        }  # fmt: skip
        try:
            await self._say(data)
        except Problem as problem:
            # Too large by the words that say where it comes from: its announcer has to announce it anew.
            self._not_carried.add(task.key)
            log.warning("⚠️ An open task of the mesh that was left cannot go on", task_id=old_id, reason=str(problem))
            return
        log.info("📤 A task of the mesh that was left goes on", task_id=old_id, goes_on_as=data["task_id"])

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, beginning: str) -> Task:
        """By id or its beginning. Raises :class:`Problem`."""
        found = self._service.board.named(beginning, self._service.parts.control.mesh_id)
        if not found:
            raise not_found(
                "task", beginning, "It may not have reached this peer yet; chorus-tui task list shows what has."
            )
        if len(found) > 1:
            raise invalid({"task_id": f"{len(found)} tasks begin so; give more of the id"})
        return found[0]

    async def list(self, request: models.ListTasks, _caller: Any) -> models.TaskList:
        """Newest first; tasks of other meshes only where they ended or are not carried on yet."""
        around, board = self._service.around(), self._service.board
        tasks = [
            task for task in board.tasks.values() if task.announced is not None and task.key not in board.continued
        ]
        tasks.sort(key=lambda task: (-(task.announced.at_ms if task.announced else 0), task.key[1]))
        rows = [views.row(task, around) for task in tasks]
        if request.state is not None:
            rows = [row for row in rows if row.state == request.state]
        return models.TaskList(tasks=rows[: request.limit])

    async def show(self, request: models.TaskRef, _caller: Any) -> models.TaskView:
        """Everything known of one task."""
        return self.view_of(self.find(request.task_id))

    def view_of(self, task: Task) -> models.TaskView:
        """A task as readers see it, with how far its announcement got when it is an own one. Raises :class:`Problem` for one whose
        announcement went meanwhile: erased, or behind a fork of its author's feed."""
        parts, announced = self._service.parts, task.announced
        if announced is None:
            raise Problem(
                409,
                "withdrawn",
                "The task does not count any more",
                "Its announcement was erased, is not here yet, or its announcer said two different things under one number; "
                "'chorus-tui journal forks' shows whether a master has to decide.",
            )
        delivery: dict[str, int | bool] = {}
        if announced.author == parts.me:
            cite = announced.cite
            entry = parts.journal.get(cite["author"], cite["epoch"], cite["seq"])
            if entry is not None:
                how = parts.journal.delivery(entry)
                delivery = {"stored": how.stored, "sent": how.sent, "held_by": how.held_by}
        return views.view(task, self._service.around(), delivery)

    async def wait(self, request: models.WaitTask, _caller: Any) -> models.TaskView:
        """Until it has ended, here or as the task that goes on from it, or the time is over."""
        task_id = self.find(request.task_id).key[1]  # once: another that begins so may be announced meanwhile
        with trio.move_on_after(request.timeout_s):
            while not self._service.follow(self.find(task_id)).terminal:
                with trio.move_on_after(LOOK_S):
                    await self._service.moved.next.wait()
        return self.view_of(self._service.follow(self.find(task_id)))

    async def output(self, request: models.ReadOutput, _caller: Any) -> models.OutputChunk:
        """Output as received here; asking for it also makes this peer listen for a while."""
        buffer = await self._service.watch(self.find(request.task_id))
        return buffer.read(request.offset)

    async def load_log(self, buffer: OutputBuffer, task: Task) -> None:
        """The kept output of a finished attempt, when its blob is reachable; of a task that ended without one nothing more comes."""
        reported = task.accepted or task.report
        if reported is None or not reported.result.log:
            if task.terminal:
                buffer.close()
            return
        if buffer.complete:
            return
        blobs = self._service.parts.blobs
        try:
            with trio.move_on_after(CONFIRM_S):
                path = await blobs.path(reported.result.log)
                data = await trio.Path(path).read_bytes()
                text = readable(data).encode()
                start = max(0, len(text) - KEPT_BYTES)
                buffer.whole(reported.attempt, text[start:], start)
        except BlobMissing as error:
            log.debug("The kept output is not reachable", reason=str(error))

    # ── cancelling ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, request: models.CancelTask, _caller: Any) -> models.TaskView:
        """Ask the admin to cancel, and wait a moment for its word."""
        parts = self._service.parts
        task = self._service.follow(self.find(request.task_id))
        if task.terminal:
            raise Problem(409, "ended", f"The task has already ended: {task.terminal}")
        member = parts.control.members.get(parts.me)
        if not any(authority.may_cancel(member, parts.me, announcer) for announcer in task.announcers):
            raise Problem(
                403, "authority", "This peer may not cancel another peer's task", "That needs the authority 'decision'."
            )
        data = {"task_id": task.key[1], "mesh_id": task.key[0], "reason": request.reason}
        entry = await parts.journal.say("task_cancel_request", data)
        if parts.control.admin is not None:
            await parts.journal.deliver(entry, parts.control.admin)
        with trio.move_on_after(CONFIRM_S):
            while not task.terminal:  # noqa: ASYNC110 - a moment only
                await trio.sleep(0.05)
        return self.view_of(task)


def _mark(request: models.AnnounceTask, caller: Any) -> str:
    """What is kept of an idempotency key, for all to read: no key is good for another caller. Empty without one."""
    if not request.idempotency_key:
        return ""
    whose = f"{getattr(caller, 'key', '')}\0{request.idempotency_key}"
    return "".join(sha256(text.encode()).hexdigest()[:_KEY_MARK] for text in (whose, request.spec.model_dump_json()))


def _envelope(spec: dict[str, Any]) -> dict[str, Any]:
    """Whom it concerns, where every reader of an envelope looks for it."""
    fields = {
        "priority": spec["priority"], "project_id": spec["project_id"], "thread_id": spec["thread_id"],
        "required_expertise": spec["expertise"],
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}
