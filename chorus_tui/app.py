"""The portal's shell: modes, keys, themes, and the connection to the engine. What a screen shows is the screen's affair.

Paints first, connects then: nothing heavy is imported here, and the client's network library only when it connects.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.theme import Theme

from chorus_tui.client import Connection, Connector, ContractRefused, EngineClient, EngineGone
from chorus_tui.commands.palette import TableProvider
from chorus_tui.commands.table import COMMANDS, parse
from chorus_tui.contract.problem import Problem
from chorus_tui.store import COLLECTIONS, TOPICS, Store
from chorus_tui.widgets.portal_screen import PortalScreen

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.contract.feed import Batch

DRAW_HZ = 10

THEMES = (
    Theme("chorus-dark", primary="#5fafd7", secondary="#87afaf", accent="#d7af5f", warning="#d7af5f", error="#d75f5f",
          success="#87af5f", background="#121417", surface="#191c20", panel="#262b31", foreground="#d7dae0", dark=True),
    Theme("chorus-light", primary="#005f87", secondary="#5f8787", accent="#af5f00", warning="#af8700", error="#af0000",
          success="#5f8700", background="#fafaf7", surface="#ffffff", panel="#e4e4de", foreground="#24292f", dark=False),
)  # fmt: skip


def lazily(module: str, name: str) -> Callable[[], Screen[Any]]:
    """A screen that is imported when it is first shown."""

    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(importlib.import_module(f"chorus_tui.screens.{module}"), name)()
        return screen

    return make


class ChorusApp(App[int]):
    """The portal. ``connect`` finds or starts the engine."""

    TITLE = "chorus-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {TableProvider}  # noqa: RUF012 - Textual's way
    MODES = {  # noqa: RUF012 - Textual's way
        "connecting": lazily("connecting", "ConnectingScreen"),
        "help": lazily("help", "HelpScreen"),
        "status": lazily("status", "StatusScreen"),
        "peers": lazily("peers", "PeersScreen"),
        "tasks": lazily("tasks", "TasksScreen"),
        "hmmm": lazily("hmmm", "HmmmScreen"),
        "inbox": lazily("inbox", "InboxScreen"),
        "decide": lazily("decide", "DecideScreen"),
    }
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("1", "show('help')", "Help", id="go.help", tooltip="Commands, keys, glossary"),
        # The footer of a narrow terminal is for the keys of the screen: help, palette and the list of keys show all ways.
        Binding("2", "show('status')", "Status", show=False, id="go.status", tooltip="Me, the mesh, health, events"),
        Binding("3", "show('peers')", "Peers", show=False, id="go.peers", tooltip="Who is there"),
        Binding("4", "show('hmmm')", "HMMM", show=False, id="go.hmmm", tooltip="Rooms: discuss, propose, object"),
        Binding("t", "show('tasks')", "Tasks", id="go.tasks", tooltip="The board"),
        Binding("8", "show('decide')", "Decide", show=False, id="go.decide", tooltip="What is put to the vote"),
        Binding("i", "show('inbox')", "Inbox", id="go.inbox", tooltip="What waits for you"),
        Binding(
            "colon", "prompt", "Prompt", key_display=":", show=False, id="go.prompt", tooltip="Any command by its name"
        ),
        Binding("question_mark", "keys", "Keys", key_display="?", id="go.keys", tooltip="The keys of this screen"),
        Binding("q", "quit", "Leave", id="go.leave", tooltip="Leave the portal"),
    ]

    def __init__(self, connect: Connector, *, first: str = "status") -> None:
        super().__init__()
        self._connect = connect
        self._first = first
        self.client: EngineClient | None = None
        self.connection = Connection("connecting", 0.0)
        self.store = Store()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "chorus-dark"

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The table's commands are the palette; Textual's own would write files where the portal runs."""
        yield from (c for c in super().get_system_commands(screen) if c.title == "Maximize")

    # ── the engine ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def on_mount(self) -> None:
        """Paint, then connect."""
        await self.switch_mode("connecting")
        self.set_interval(1 / DRAW_HZ, self._draw)
        # The client's libraries take longer to import than the first screen to paint: it gets some frames first.
        self.set_timer(4 / 60, self.start_connecting)

    @work(exclusive=True, group="connect", exit_on_error=False)
    async def start_connecting(self) -> None:
        """Find or start the engine; tell each step, and the reason when it does not come."""
        from chorus_tui.screens.connecting import ConnectingScreen

        screen = self.screen
        say = screen.step if isinstance(screen, ConnectingScreen) else lambda _text: None
        try:
            client = await self._connect(say)
        except (EngineGone, ContractRefused, Problem) as error:
            if isinstance(screen, ConnectingScreen):
                screen.fail(str(error))
            return
        client.on_connection = self._connection_changed
        self.client = client
        self._connection_changed(client.connection)
        await self.switch_mode(self._first)
        self._follow_engine()

    @work(exclusive=True, group="events", exit_on_error=False)
    async def _follow_engine(self) -> None:
        """Events into the store, for ever; fresh snapshots where the stream has a hole."""
        try:
            async for batch in self.follow(TOPICS):
                if batch.fresh:
                    self.store.restart_log()
                self.store.take(batch.events, batch.dropped)
                if batch.fresh or batch.dropped:
                    await self._load_snapshot()
        except (ContractRefused, Problem) as error:
            self.report("The engine does not take this portal", str(error))

    async def _load_snapshot(self) -> None:
        status = await self.call_quietly("status.show")
        rows = {}
        for collection in COLLECTIONS:
            answer = await self.call_quietly(collection.operation, collection.asking())
            if answer is not None:
                rows[collection.topic] = getattr(answer, collection.topic)
        if status is not None and len(rows) == len(COLLECTIONS):
            self.store.snapshot(status, rows)
        elif self.connection.state == "connected":
            self.set_timer(1.0, self._load_snapshot)  # what failed once must not leave the screens waiting

    def follow(self, topics: Iterable[str]) -> AsyncIterator[Batch]:
        """Events of these topics, over lost connections."""
        assert self.client is not None
        return self.client.events(topics)

    def _connection_changed(self, connection: Connection) -> None:
        before, self.connection = self.connection, connection
        if before.state == "lost" and connection.state == "connected":
            self.store.note("The engine is back", "info")
        elif connection.state == "lost":
            self.store.note("The engine is out of reach; reconnecting")
        if isinstance(self.screen, PortalScreen):
            self.screen.show_connection(connection)

    async def call_quietly(self, operation: str, request: BaseModel | None = None) -> Any:
        """An answer, or None when the engine is gone or says no: the banner and the next event tell."""
        if self.client is None:
            return None
        with contextlib.suppress(EngineGone, Problem):
            return await self.client.call(operation, request)
        return None

    @work(exit_on_error=False)
    async def ask_engine(self, operation: str, request: BaseModel, done: str) -> None:
        """Do something for the person: say that it is done, or why not."""
        if self.client is None:
            return
        try:
            await self.client.call(operation, request)
        except Problem as problem:
            self.report(
                problem.title, "\n".join([problem.detail, *(f"{n}: {m}" for n, m in problem.fields.items())]).strip()
            )
        except EngineGone as error:
            self.report("The engine is out of reach", str(error))
        else:
            self.notify(done, markup=False)

    @work(exit_on_error=False)
    async def save_artifacts(self, artifacts: list[Any], folder: Path) -> None:
        """Fetch files of a result into a folder of this machine."""
        from chorus_tui.client.artifacts import fetch

        assert self.client is not None
        try:
            for artifact in artifacts:
                await fetch(self.client.call, artifact, folder, force=False)
        except (Problem, EngineGone, OSError) as error:
            self.report("The files could not be saved", str(error))
        else:
            self.notify(f"Saved {len(artifacts)} files in {folder}", markup=False)

    # ── drawing and keys ───────────────────────────────────────────────────────────────────────────────────────────

    def _draw(self) -> None:
        """A few times a second: what changed, to the shown screen only."""
        if self.store.changed and isinstance(self.screen, PortalScreen):
            topics = self.store.changes()
            with self.batch_update():
                self.screen.tell(topics)

    async def action_show(self, mode: str) -> None:
        """Switch to a screen."""
        if self.client is not None:
            await self.switch_mode(mode)
            if isinstance(self.screen, PortalScreen):
                self.screen.show_connection(self.connection)

    async def action_announce(self) -> None:
        """The form, on the tasks screen."""
        await self.action_show("tasks")
        await self.screen.run_action("announce")

    async def action_propose(self) -> None:
        """The form, on the decide screen."""
        await self.action_show("decide")
        await self.screen.run_action("propose")

    async def action_connect(self) -> None:
        """The question for an address, on the peers screen."""
        await self.action_show("peers")
        await self.screen.run_action("connect")

    def action_keys(self) -> None:
        """Show or hide the keys of this screen."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_prompt(self) -> None:
        """The ``:`` prompt."""
        from chorus_tui.widgets.dialogs import Ask

        words = [command.word for command in COMMANDS]
        if self.client is not None:
            self.push_screen(Ask("Command", placeholder=", ".join(words), words=words), self._prompted)

    async def _prompted(self, line: str | None) -> None:
        if not line:
            return
        command, rest = parse(line)
        if command is None:
            self.notify(f"No command {line!r}; 1 shows them all", severity="warning", markup=False)
        elif command.word == "connect" and rest:
            from chorus_tui.contract.models.peers import ConnectPeer

            self.ask_engine("peers.connect", ConnectPeer(address=rest[:512]), f"Connected to {rest}")
        elif command.word == "decide" and rest == "new":
            await self.action_propose()
        else:
            await self.run_action(command.action)

    def report(self, title: str, detail: str) -> None:
        """An error, for people."""
        from chorus_tui.widgets.dialogs import ErrorBox

        self.push_screen(ErrorBox(title, detail))

    async def action_quit(self) -> None:
        """Leave; the engine goes on, or stops by itself when it was started for this portal."""
        if self.client is not None:
            await self.client.close()
        self.exit(0)


def run(connect: Connector, *, first: str = "status") -> int:
    """The portal, until it is left; the exit code."""
    return ChorusApp(connect, first=first).run() or 0
