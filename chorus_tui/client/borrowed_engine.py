"""An agent's engine that is asked in the place of a person's own, which does not run: it tells, and is not made to speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chorus_tui.client import EngineGone
from chorus_tui.client.read_only import ReadOnly, reads

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.client.socket_client import SocketClient


class BorrowedEngine(ReadOnly):
    """``client`` is greeted; ``folder`` is its data folder. ``tell`` is called once, when it is asked the first time."""

    def __init__(self, client: SocketClient, folder: Path, tell: Callable[[str], None]) -> None:
        super().__init__(client)
        self._name = client.hello.agent_id if client.hello is not None else "an agent"
        self._folder = folder
        self._tell = tell
        self._told = False

    async def call(self, operation: str, request: BaseModel | None = None) -> Any:
        """As the client inside. Raises :class:`EngineGone` for what would be the agent's word or deed, not the person's."""
        if not reads(operation):
            raise EngineGone(
                f"Nothing was done: your own engine does not run, and {self._name} would have done it as itself.\n"
                f"Start yours ('chorus-tui', or 'chorus-tui --keep' so that it stays), or mean the agent: --data-dir {self._folder}"
            )
        if not self._told:
            self._told = True
            self._tell(f"Your own engine does not run; this is what {self._name} (agent) knows.")
        return await super().call(operation, request)
