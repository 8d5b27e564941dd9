"""A running sandbox as those who work in it see it: commands in, how they ended out; every byte they print is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import trio

from chorus_tui.contract.models.task_result import CommandResult
from chorus_tui.engine.execution.errors import DockerUnavailable, ExecutionError
from chorus_tui.engine.execution.interface import ShellResult
from chorus_tui.engine.execution.output import Clean, OutputLog, Window, first_bytes, readable
from chorus_tui.engine.execution.sandbox import Sandbox
from chorus_tui.engine.execution.verdict import KILLED

_OOM_EVENT_BOUND_S = 1.0
# Output and errors through one pipe: two would reach us in an order of the engine's making.
_ONE_PIPE = 'exec /bin/sh -c "$1" 2>&1'
# A result travels in one message of 64 KiB: 64 commands, the tail, the artifacts' names and the detail fit in together.
COMMANDS_KEPT = 64
COMMAND_SHOWN = 100


class SandboxLost(ExecutionError):
    """The sandbox went while a command ran in it."""

    reason = "sandbox_lost"


class SandboxWorkspace:
    """:class:`~.interface.Workspace` on a sandbox. ``commands`` remembers how the last ones ended; ``clean`` takes the secrets out of
    their names."""

    def __init__(
        self, sandbox: Sandbox, image: str, output: OutputLog, live: Callable[[bytes], Awaitable[None]],
        env: Mapping[str, str], clean: Callable[[], Clean] | None = None,
    ) -> None:  # fmt: skip
        self._sandbox = sandbox
        self._image = image
        self._output = output
        self._live = live
        self._env = dict(env)
        self._clean = clean
        self.commands: list[CommandResult] = []

    @property
    def image(self) -> str:
        """Name of the sandbox's image."""
        return self._image

    async def note(self, text: str) -> None:
        """A line of our own between the output of commands."""
        await self._take(f"{text}\n".encode())

    async def shell(self, command: str, timeout_s: float) -> ShellResult:
        """Run a command; raises :class:`SandboxLost` when its sandbox went meanwhile, :class:`ImageUnusable` without a shell."""
        began, kills = trio.current_time(), self._sandbox.happenings.oom_kills
        self._sandbox.happenings.oom = trio.Event()
        window = Window()
        code: int | None = None
        with trio.move_on_after(max(0.0, timeout_s)) as limit, self._output.into(window):
            try:
                code = await self._run(command)
            except DockerUnavailable as error:
                self._remember(command, None, round(trio.current_time() - began, 3))
                raise SandboxLost(f"the Docker Engine went away while the sandbox ran: {error}") from error
        seconds = round(trio.current_time() - began, 3)
        timed_out, flooded = limit.cancelled_caught, self._output.flooded
        self._remember(command, code, seconds)
        if code == 0 and not flooded:
            return self._result(0, window, seconds, "")
        lost = not timed_out and not flooded and await self._lost(code)
        if timed_out:
            await self._sandbox.end_processes()
            return self._result(KILLED, window, seconds, "timeout")
        if flooded:
            return self._result(KILLED, window, seconds, "flood")
        if self._sandbox.happenings.oom_kills > kills:
            return self._result(KILLED if code is None else code, window, seconds, "memory")
        if lost or code is None:
            raise SandboxLost("the sandbox was removed from outside, or the Docker Engine restarted")
        await self._sandbox.check_it_ran(code, window.text().encode())
        return self._result(code, window, seconds, "")

    async def _run(self, command: str) -> int | None:
        async with self._sandbox.command(["/bin/sh", "-c", _ONE_PIPE, "sh", command], self._env) as (exec_id, frames):
            async for _, piece in frames:
                await self._take(piece)
                if self._output.flooded:
                    return None
        return await self._sandbox.exit_code(exec_id)

    async def _take(self, piece: bytes) -> None:
        live = self._output.add(piece)
        if live:
            await self._live(live)

    async def _lost(self, code: int | None) -> bool:
        """After a command that was killed: wait for the word on memory, then look whether the sandbox still stands."""
        if code is not None and code != KILLED:
            return False
        with trio.move_on_after(_OOM_EVENT_BOUND_S):
            await self._sandbox.happenings.oom.wait()
        try:
            return not await self._sandbox.running()
        except DockerUnavailable:
            return True

    def shown(self, command: str) -> str:
        """A command as results and sentences name it: clean before it is cut."""
        return first_bytes(readable(self._cleaned(command.encode())), COMMAND_SHOWN)

    def _remember(self, command: str, code: int | None, seconds: float) -> None:
        ended = CommandResult(command=self.shown(command), exit_code=KILLED if code is None else code, seconds=seconds)
        self.commands = [*self.commands[-COMMANDS_KEPT + 1 :], ended]

    def _cleaned(self, data: bytes) -> bytes:
        clean = self._clean() if self._clean else None
        return clean.feed(data) + clean.flush() if clean else data

    def _result(self, code: int, window: Window, seconds: float, ended_by: str) -> ShellResult:
        return ShellResult(code, window.text(), window.total, window.cut, seconds, ended_by)  # type: ignore[arg-type]  # words of ours
