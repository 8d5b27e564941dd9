"""The inner end of the way out: what listens on 127.0.0.1 in a sandbox that has no network, and how bytes get to us.

A listener (busybox ``nc``) runs as the task's user. For each connection it makes two named pipes in a private folder and
says the folder's name; two commands of ours then read the one and write the other. So nothing but the engine's API is
used: no network, no folder of the machine, no socket in a volume, and it works for an agent that is in a container too.

Nothing here is trusted: a task may close, forge or flood all of it. It gets no more by that than by connecting.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chorus_tui.engine.execution.docker_api import Inlet
from chorus_tui.engine.execution.errors import NoForwarder
from chorus_tui.engine.execution.frames import STDERR, STDOUT
from chorus_tui.engine.execution.sandbox import OWN, Sandbox

PORT = 3128
_FOLDER = "/tmp/.chorus-out"  # noqa: S108 - a path in the sandbox
_NAME = re.compile(rb"c\.[A-Za-z0-9]{6}")
_LONGEST_LINE = 512

ENVIRONMENT = {
    "HTTPS_PROXY": f"http://127.0.0.1:{PORT}",
    "https_proxy": f"http://127.0.0.1:{PORT}",
    "NO_PROXY": "127.0.0.1,localhost",
}
"""What tells programs of the way out."""

# "ready" is said once the port is open, so that no command comes too early. Its state is read from the kernel's tables,
# by the shell alone; 0A is a socket that listens. A dead child counts as there until it is waited for, hence the count.
_LISTENER = r"""
folder=$1 port=$2 mark=$3 each=$4
for tool in /bin/busybox /usr/bin/busybox; do [ -x $tool ] && break; done
case $($tool nc --help 2>&1) in *-ll\ with\ -e*) ;; *) echo missing; exit 1;; esac
listening() { while read -r _ at _ state _; do [ "$state" = 0A ] && [ "${at##*:}" = "$mark" ] && return 0; done; return 1; }
umask 077
$tool mkdir -p "$folder" || exit 1
$tool nc -ll -p "$port" -e /bin/sh -c "$each" "$folder" $tool &
tries=0
until { listening </proc/net/tcp6 || listening </proc/net/tcp; } 2>/dev/null; do
tries=$((tries + 1)); [ $tries -lt 200 ] || exit 1
$tool sleep 0.02
done
echo ready
wait
"""

# Standard input and output are the connection, errors come to us. The end of what we send ends it as a whole. Not cat where
# a socket is read into a pipe: busybox's uses sendfile, and the kernel then keeps the pipe locked, for its reader too, until
# the next bytes come.
_EACH = r"""
tool=$1
pipes=$($tool mktemp -d "$0/c.XXXXXX") && $tool mkfifo "$pipes/up" "$pipes/down" || exit 1
echo "${pipes##*/}" >&2
exec 2>/dev/null 3<&0
$tool dd bs=65536 <&3 >"$pipes/up" &
$tool cat "$pipes/down"
kill $!
$tool rm -r "$pipes"
"""

_UP = 'exec cat "$0/up"'
_DOWN = 'exec cat >"$0/down"'


@asynccontextmanager
async def listening(sandbox: Sandbox) -> AsyncIterator[AsyncIterator[str]]:
    """Listen in the sandbox: the names of connections as they come, until the listener ends.

    Raises :class:`NoForwarder` when it could not begin, another :class:`~.errors.ExecutionError` when the sandbox is gone.
    """
    argv = ["/bin/sh", "-c", _LISTENER, "listener", _FOLDER, str(PORT), f"{PORT:04X}", _EACH]
    async with sandbox.command(argv, OWN) as (_, frames):
        said, early = bytearray(), b""
        async for kind, piece in frames:
            if kind == STDERR:
                early = (early + piece)[:_LONGEST_LINE]
                continue
            said += piece[:64]
            if b"\n" in said:
                break
        if said.strip() == b"missing":
            raise NoForwarder(
                "allowed_hosts: the image has no busybox with nc -ll -e, which hands connections on; use one of our "
                "images, or put Debian's busybox-static into yours"
            )
        if said.strip() != b"ready":
            raise await sandbox.gone() or NoForwarder(
                f"allowed_hosts: nothing could listen on port {PORT} in the sandbox; is the image's busybox made for this "
                "machine?"
            )
        yield _names(frames, early)


async def _names(frames: AsyncIterator[tuple[int, bytes]], early: bytes) -> AsyncIterator[str]:
    """One line each; what is none comes from programs that complain, or from a task that plays with us."""
    *whole, line = early.split(b"\n")
    for one in filter(_NAME.fullmatch, whole):
        yield one.decode("ascii")
    async for kind, piece in frames:
        if kind != STDERR:
            continue
        *whole, line = (line + piece).split(b"\n")
        line = line[:_LONGEST_LINE]
        for one in filter(_NAME.fullmatch, whole):
            yield one.decode("ascii")


class Inner:
    """One connection, seen from outside of the sandbox."""

    def __init__(self, frames: AsyncIterator[tuple[int, bytes]], inlet: Inlet) -> None:
        self._frames = frames
        self._inlet = inlet

    async def receive(self) -> bytes:
        """The next bytes the task sent; none when it has ended its side."""
        async for kind, piece in self._frames:
            if kind == STDOUT and piece:
                return piece
        return b""

    async def send(self, data: bytes) -> None:
        """Raises :class:`~.errors.DockerUnavailable` when nobody takes them any more."""
        await self._inlet.write(data)

    async def end(self) -> None:
        """Let the task have what was sent, then close."""
        await self._inlet.end()


@asynccontextmanager
async def connection(sandbox: Sandbox, name: str) -> AsyncIterator[Inner]:
    """The connection of a name that :func:`listening` gave. Leaving closes it."""
    pipes = f"{_FOLDER}/{name}"
    async with (
        sandbox.command(["/bin/sh", "-c", _UP, pipes], OWN) as (_, frames),
        sandbox.fed(["/bin/sh", "-c", _DOWN, pipes], OWN) as inlet,
    ):
        yield Inner(frames, inlet)
