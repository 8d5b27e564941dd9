"""One question over a Unix socket, by the standard library.

A command that asks once is done sooner than the library that streams events is imported. Whoever follows events asks over the
connections of that library instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
from pathlib import Path


class NoAnswer(OSError):
    """What came was no answer of HTTP."""


class _Connection(http.client.HTTPConnection):
    """To a socket in the file system; ``timeout`` is that of each read, in seconds."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))

    def give_up(self) -> None:
        """End whatever another thread waits for."""
        with contextlib.suppress(OSError, AttributeError):  # nothing is open yet, or any more
            self.sock.shutdown(socket.SHUT_RDWR)


def exchange(path: Path, verb: str, target: str, body: bytes | None, patience: float) -> tuple[int, bytes]:
    """As :func:`ask`, for who may wait. Raises as that."""
    return _exchange(_Connection(path, patience), verb, target, body)


def _exchange(connection: _Connection, verb: str, target: str, body: bytes | None) -> tuple[int, bytes]:
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(verb, target, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise NoAnswer(str(error)) from error
    finally:
        connection.close()


async def ask(path: Path, verb: str, target: str, body: bytes | None, patience: float) -> tuple[int, bytes]:
    """Status and body of the answer. Raises ``OSError``, in time a ``TimeoutError``. Cancelled, it ends at once."""
    connection = _Connection(path, patience)
    work = asyncio.get_running_loop().run_in_executor(None, _exchange, connection, verb, target, body)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        connection.give_up()
        with contextlib.suppress(OSError):
            await work
        raise
