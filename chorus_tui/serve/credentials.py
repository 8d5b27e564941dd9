"""What a guest of a served portal asks the engine with: a token of his own, with his scope and his name, void when he has left.

So the engine, not the process that serves, is what refuses him. A token's name says which machine and which process had it made: those
that a killed process left are voided by the next one of its machine, and expire by themselves within :data:`LONGEST_S`. Of another
machine nobody here knows who lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import re
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from chorus_tui.client import EngineGone
from chorus_tui.contract.models.portals import PortalKind, PortalScope
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from chorus_tui.contract.models.tokens import TokenList, TokenMade

LONGEST_S: Final = 24 * 3600
"""A guest who stays longer is asked to come again."""

Call = Callable[[str, Any], Awaitable[Any]]
"""Asks the engine as its admin; :meth:`~chorus_tui.client.EngineClient.call`."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One guest's token, and how it is named."""

    secret: str = field(repr=False)
    token_id: str


class Credentials:
    """Those that this process had made for the guests of its portal.

    ``folder`` is that of the engine's machine whose repositories guests may name; empty: none.
    """

    def __init__(self, kind: PortalKind, folder: str = "") -> None:
        self._folder = folder
        self._machine = f"{kind}:{_machine()}"
        # A number of a process comes back; what it was drawn with does not.
        self._ours = f"{os.getpid()}:{secrets.token_hex(4)}"
        self._number = itertools.count(1)
        self._making = 0
        self._held: set[str] = set()
        self._voiding: set[asyncio.Future[None]] = set()

    async def issue(self, call: Call, person: str, scope: PortalScope) -> Credential:
        """A new one. Raises ``EngineGone``, and ``Problem`` when the engine has as many tokens as it takes.

        Cancelled meanwhile, it leaves none: the engine may have made it already, so its answer is waited for, and voided.
        """
        making = asyncio.ensure_future(self._make(call, person, scope))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(lambda done: self._abandon(call, done))
            raise

    async def _make(self, call: Call, person: str, scope: PortalScope) -> Credential:
        from chorus_tui.contract.models.tokens import NewToken

        name = f"{self._machine}:{self._ours}:{next(self._number)}"
        request = NewToken(scope=scope, name=name, person=person, folder=self._folder, expires=f"{LONGEST_S}s")
        self._making += 1
        try:
            made = cast("TokenMade", await call("tokens.new", request))
            self._held.add(made.token_id)
        finally:
            self._making -= 1
        return Credential(made.token, made.token_id)

    def _abandon(self, call: Call, made: asyncio.Future[Credential]) -> None:
        if not made.cancelled() and made.exception() is None:
            voiding = asyncio.ensure_future(self.void(call, made.result()))
            self._voiding.add(voiding)
            voiding.add_done_callback(self._voiding.discard)

    async def void(self, call: Call, credential: Credential) -> None:
        """He has left. An engine that is gone cannot be told: then the token dies by its time, or by :meth:`sweep`."""
        from chorus_tui.contract.models.tokens import RevokeToken

        self._held.discard(credential.token_id)
        with contextlib.suppress(EngineGone, Problem):
            await call("tokens.revoke", RevokeToken(token_id=credential.token_id))

    async def sweep(self, call: Call) -> int:
        """Void what processes of this machine that are gone have left, and what nobody holds of this one's; how many.

        Raises ``EngineGone``, ``Problem``.
        """
        from chorus_tui.contract.models.common import Paged

        count, cursor = 0, None
        while True:
            page = cast("TokenList", await call("tokens.list", Paged(cursor=cursor)))
            for row in page.tokens:
                if self._left(row.name, row.token_id):
                    await self.void(call, Credential("", row.token_id))
                    count += 1
            cursor = page.next
            if cursor is None:
                return count

    def _left(self, name: str, token_id: str) -> bool:
        """Whether nobody holds a token any more. One that is being made at this moment is somebody's."""
        found = re.fullmatch(rf"{self._machine}:((\d+):[0-9a-f]+):\d+", name)
        if found is None:
            return False
        if found[1] == self._ours:
            return not self._making and token_id not in self._held
        return int(found[2]) == os.getpid() or not _lives(int(found[2]))


def _machine() -> str:
    """Where a number of a process means the same: a machine, or a container of it."""
    said = [socket.gethostname()]
    with contextlib.suppress(OSError):
        said.append(Path("/etc/machine-id").read_text())
    with contextlib.suppress(OSError):
        said.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
