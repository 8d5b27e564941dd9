"""One container from create to gone. Leaving the context kills it and waits for that, cancelled or not.

The lifeline (see :mod:`.profile`) covers what this code cannot: its own process being killed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
import trio

from chorus_tui.engine.execution.docker_api import DockerApi, Inlet, WriteInput
from chorus_tui.engine.execution.errors import DockerRefused, DockerUnavailable, ExecutionError, ImageUnusable, NotThere
from chorus_tui.engine.execution.figures import mib_of
from chorus_tui.engine.execution.frames import STDERR
from chorus_tui.engine.execution.profile import DATA, INPUT, OUTPUT

_log = structlog.get_logger(__name__)
REMOVAL_BOUND_S = 4.5
"""Cancelling a task takes at most five seconds; this is what of them Docker gets."""

_EVENT_BOUND_S = 1.0
_NO_SHELL = (126, 127)
"""How the engine's init ends when it cannot start the lifeline's shell."""
_NEVER_RAN = b"OCI runtime exec failed"
"""How the output begins of a command that the container runtime could not start."""

# For our own commands: neither the image's search path nor the task's variables.
OWN = {"PATH": "/usr/bin:/bin"}

GIVEN_OUTPUT = ".chorus-output"
"""Below /workspace/input: what is to stand in /workspace/output."""

_COPY_INPUT = f"""cp -a {INPUT}/. {DATA}/ || exit
[ ! -d {DATA}/{GIVEN_OUTPUT} ] || {{ cp -a {DATA}/{GIVEN_OUTPUT}/. {OUTPUT}/ && rm -rf {DATA}/{GIVEN_OUTPUT}; }}"""

_END_PROCESSES = "kill -9 -1"

# Every process of the task's user ends first (the lifeline has another), so that nothing changes under the archive.
# Tools by absolute path: what stands first in PATH may be planted; on the read-only root the task can't plant.
# The peak of memory goes before the archive, in a line, read without a process of its own: there may be none left to have.
_ARCHIVE = """kill -9 -1 2>/dev/null
peak=
for file in /sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak; do
[ -r $file ] && read -r peak <$file; done
echo "$peak"
for tool in /bin/tar /usr/bin/tar; do [ -x $tool ] && exec $tool -cf - -C "$1" . ; done
[ -x /bin/busybox ] && exec /bin/busybox tar -cf - -C "$1" .
echo 'the image has no tar' >&2; exit 127"""

_PEAK_LINE = 32
"""Bytes of the line before the archive, at most."""

_DISK = ["df", "-Pk", DATA, OUTPUT, "/tmp"]  # noqa: S108 - a path in the sandbox


@dataclass(slots=True)
class Happenings:
    """What the engine's event stream told of the container."""

    watched: trio.Event = field(default_factory=trio.Event)
    oom_kills: int = 0
    oom: trio.Event = field(default_factory=trio.Event)
    died: trio.Event = field(default_factory=trio.Event)
    exit_code: int = 0


class Sandbox:
    """A running container. Commands run in it one after the other."""

    def __init__(self, api: DockerApi, container: str, user: str, image: str) -> None:
        self.container = container
        self.happenings = Happenings()
        self.peak_memory_mb: float | None = None
        """The most memory it held, MiB, as its control group says; None where that cannot be read."""
        self.lifeline: WriteInput | None = None
        """Where its first process listens, once it is started."""
        self._api = api
        self._user = user
        self._image = image

    @asynccontextmanager
    async def command(
        self, argv: list[str], env: Mapping[str, str]
    ) -> AsyncIterator[tuple[str, AsyncIterator[tuple[int, bytes]]]]:
        """Run ``argv`` as the task's user: (exec id, its output as it comes). Leaving early does not stop it."""
        try:
            exec_id = await self._api.exec_create(self.container, argv, user=self._user, env=env)
            async with self._api.exec_start(exec_id) as frames:
                yield exec_id, frames
        except DockerRefused as error:
            # A sandbox that dies just then is told in one of several ways; whether it still runs is a fact.
            if error.status not in {404, 409} and await self.running():
                raise
            raise await self._why_gone() from error

    @asynccontextmanager
    async def fed(self, argv: list[str], env: Mapping[str, str]) -> AsyncIterator[Inlet]:
        """Run ``argv`` as the task's user with a standard input of ours; what it prints is not looked at."""
        exec_id = await self._api.exec_create(self.container, argv, user=self._user, env=env, fed=True)
        async with self._api.exec_fed(exec_id) as inlet:
            yield inlet

    async def _why_gone(self) -> ExecutionError:
        """A container that is not there for a command: its own exit code tells whether it ever had a shell."""
        with trio.move_on_after(_EVENT_BOUND_S):
            await self.happenings.died.wait()
        if self.happenings.exit_code in _NO_SHELL:
            return ImageUnusable(
                f"image {self._image} has no /bin/sh that runs on this machine, which tasks need",
                reason="image_without_shell",
            )
        return ExecutionError(
            "the sandbox was removed from outside, or the Docker Engine restarted", reason="sandbox_lost"
        )

    async def gone(self) -> ExecutionError | None:
        """Why it is not there any more, for whoever met something odd; None when it still stands after a moment."""
        with trio.move_on_after(_EVENT_BOUND_S):
            await self.happenings.died.wait()
        return await self._why_gone() if self.happenings.died.is_set() else None

    async def running(self) -> bool:
        """Whether the container is still there and runs."""
        try:
            return bool((await self._api.inspect(self.container))["State"]["Running"])
        except NotThere:
            return False

    async def check_it_is_there(self) -> None:
        """Raise why it is gone, for whoever was sent less than was to come."""
        if not await self.running():
            raise await self._why_gone()

    async def exit_code(self, exec_id: str) -> int | None:
        """How a command ended; None when the container went first."""
        return await self._api.exec_end(exec_id)

    async def check_it_ran(self, code: int | None, said: bytes) -> None:
        """Raise why a command never began, when it is the sandbox: its first process may need a moment to find out that the
        image has no shell, and a command that comes before gets an exit code like any other.
        """
        if code in _NO_SHELL and said.startswith(_NEVER_RAN):
            gone = await self.gone()
            if gone is not None:
                raise gone

    async def set_lifetime(self, seconds: int) -> None:
        """From now on it ends by itself after ``seconds``, if nothing else ends it."""
        assert self.lifeline is not None, "only a started sandbox has a lifeline"
        await self.lifeline(f"{seconds}\n".encode())

    async def copy_input(self) -> None:
        """Make /workspace/data a writable copy of /workspace/input; raises :class:`ExecutionError` when it is full."""
        said = bytearray()
        async with self.command(["/bin/sh", "-c", _COPY_INPUT], OWN) as (exec_id, frames):
            async for _, piece in frames:
                said += piece[: 500 - len(said)]
        code = await self.exit_code(exec_id)
        if code != 0:
            await self.check_it_ran(code, bytes(said))
            words = said.decode("utf-8", "replace").strip()
            raise ExecutionError(
                f"the repository could not be copied to {DATA}: {words}", reason="repository_not_copied"
            )

    async def end_processes(self) -> None:
        """Kill all processes of the task's user, this call's own among them."""
        async with self.command(["/bin/sh", "-c", _END_PROCESSES], OWN) as (_, frames):
            async for _ in frames:
                continue

    async def archive(self, folder: str, said: bytearray) -> AsyncGenerator[bytes, None]:
        """End all of the task's processes and read a folder as a tar stream; complaints about it go to ``said``.

        Before the first piece comes, ``peak_memory_mb`` is set.
        """
        head: bytes | None = b""
        async with self.command(["/bin/sh", "-c", _ARCHIVE, "sh", folder], OWN) as (_, frames):
            async for kind, piece in frames:
                if kind == STDERR:
                    said += piece[: max(0, 500 - len(said))]
                    continue
                rest = piece
                if head is not None:
                    head += piece
                    line, newline, rest = head.partition(b"\n")
                    if not newline and len(head) < _PEAK_LINE:
                        continue
                    self.peak_memory_mb, head = mib_of(line), None
                if rest:
                    yield rest

    async def disk_table(self) -> str:
        """What ``df`` says of the writable folders."""
        said = bytearray()
        async with self.command(_DISK, OWN) as (_, frames):
            async for _, piece in frames:
                said += piece[: max(0, 2000 - len(said))]
        return said.decode("utf-8", "replace")

    async def watch(self) -> None:
        """Follow the engine's events of this container: within an exec only they tell that memory ran out.

        ``happenings.watched`` is set when they are followed, or cannot be.
        """
        try:
            async with self._api.events(self.container, "oom", "die") as actions:
                self.happenings.watched.set()
                async for action, exit_code in actions:
                    self._note(action, exit_code)
        except ExecutionError as error:
            # The commands' own calls meet the same trouble, and say it.
            _log.warning("events of a sandbox were lost", error=str(error))
        finally:
            self.happenings.watched.set()

    def _note(self, action: str, exit_code: int) -> None:
        if action == "oom":
            self.happenings.oom_kills += 1
            self.happenings.oom.set()
        elif action == "die":
            self.happenings.exit_code = exit_code
            self.happenings.died.set()


@asynccontextmanager
async def created(api: DockerApi, name: str, body: dict[str, Any], user: str, image: str) -> AsyncIterator[Sandbox]:
    """A container that is created and not started. Whatever happens in or to the block, it is gone afterwards."""
    try:
        # A cancel between the engine's act and its answer would leave a container behind: this call is not cut short.
        with trio.CancelScope(shield=True):
            container = await api.create(name, body)
        yield Sandbox(api, container, user, image)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + REMOVAL_BOUND_S) as scope:
            try:
                await api.remove(name)
            except (DockerRefused, DockerUnavailable) as error:
                _log.warning("a sandbox could not be removed; its deadline will", name=name, error=str(error))
        if scope.cancelled_caught:
            _log.warning("a sandbox was not removed in time; its deadline will", name=name)


@asynccontextmanager
async def started(api: DockerApi, sandbox: Sandbox) -> AsyncIterator[None]:
    """Attach the lifeline, start the container."""
    async with api.attached_stdin(sandbox.container) as sandbox.lifeline:
        await api.start(sandbox.container)
        yield
