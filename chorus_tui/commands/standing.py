"""How the portal stands to its engine: told on what is shown, and what is done about an engine that was started here and has fallen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from chorus_tui.client import Connection, Connector, EngineClient
from chorus_tui.client.reviving import Reviver
from chorus_tui.commands.jumps import Jumps
from chorus_tui.widgets import banner

if TYPE_CHECKING:
    from chorus_tui.store import Store


class Standing(Jumps):
    """The app's part that knows its connection."""

    if TYPE_CHECKING:
        store: Store

    guests = False
    """Whether the portal is served to others: these can neither start the engine nor are they the peer."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = Connection("connecting", 0.0)
        self._reviver: Reviver | None = None
        self._revival = ""
        """What is done about a lost engine, in words; empty: nothing."""

    def stand_by(self, client: EngineClient, connect: Connector) -> None:
        """From now on: tell when it is lost and back; ``connect`` starts one again that was started by it."""
        client.on_connection = self.connection_changed
        self._reviver = Reviver(client, connect, self._tell_revival)
        self.connection_changed(client.connection)

    def connection_changed(self, connection: Connection) -> None:
        """Into the log and the banner."""
        before, self.connection = self.connection, connection
        if before.state == "lost" and connection.state == "connected":
            self.store.note("The engine is back", "info")
        elif connection.state == "lost":
            self.store.note("The engine is out of reach; reconnecting")
            self._revive()
        self.tell_connection()

    def tell_connection(self) -> None:
        """On what is shown now, a screen or a box."""
        hello = self.client.hello if self.client is not None and not self.guests else None
        banner.tell(self.screen, self.connection, banner.way_back(hello, self._revival))

    @work(exclusive=True, group="revive", exit_on_error=False)
    async def _revive(self) -> None:
        self._revival = ""
        if self._reviver is not None:
            await self._reviver.watch(lambda: self.connection.state == "lost")

    def _tell_revival(self, words: str) -> None:
        self._revival = words
        self.tell_connection()
