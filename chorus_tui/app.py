"""The portal's shell: modes, keys, themes, and the connection to the engine. What a screen shows is the screen's affair.

Paints first, connects then: nothing heavy is imported here, and the client's network library only when it connects.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, work
from textual.app import SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter, Monochrome
from textual.notifications import Notify
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from chorus_tui.client import Connector, ContractRefused, EngineClient, EngineGone
from chorus_tui.client.following import or_after
from chorus_tui.client.read_only import ReadOnly
from chorus_tui.commands.palette import TableProvider
from chorus_tui.commands.places import PLACES, lazily
from chorus_tui.commands.standing import Standing
from chorus_tui.commands.twins import TWINS, line
from chorus_tui.contract.problem import Problem
from chorus_tui.locations import config_dir
from chorus_tui.look import kept, pauses, themes, timers
from chorus_tui.look.grey import Grey
from chorus_tui.look.sheets import Sheets
from chorus_tui.store import BY_TOPIC, COLLECTIONS, TOPICS, Store
from chorus_tui.widgets.box import Box
from chorus_tui.widgets.plain import plain
from chorus_tui.widgets.taking_in import TakesIn

if TYPE_CHECKING:
    from pydantic import BaseModel
    from textual.theme import Theme

    from chorus_tui.contract.feed import Batch

DRAW_HZ = 10
RETRY_S = 1.0
"""So often what the engine did not tell is asked for again."""

timers.none_backwards()


class ChorusApp(TakesIn, Standing):
    """The portal. ``connect`` finds or starts the engine."""

    TITLE = "chorus-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {TableProvider}  # noqa: RUF012 - Textual's way
    DEFAULT_MODE = "connecting"
    MODES = {  # noqa: RUF012 - Textual's way
        "connecting": lazily("connecting", "ConnectingScreen"),
        **{name: lazily(*place) for name, place in PLACES.items()},
    }
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("1", "show('help')", "Help", id="go.help", tooltip="Commands, keys, glossary"),
        # The footer of a narrow terminal is for the keys of the screen: help, palette and the list of keys show all ways.
        Binding("2", "show('status')", "Status", show=False, id="go.status", tooltip="Me, the mesh, health, events"),
        Binding("3", "show('peers')", "Peers", show=False, id="go.peers", tooltip="Who is there"),
        Binding("4", "show('hmmm')", "HMMM", show=False, id="go.hmmm", tooltip="Rooms: discuss, propose, object"),
        Binding(
            "5", "show('ucxl')", "UCXL", show=False, id="go.ucxl", tooltip="Content under addresses, all its versions"
        ),
        Binding("t", "show('tasks')", "Tasks", show=False, id="go.tasks", tooltip="The board"),
        Binding("6", "show('patch')", "Patch", show=False, id="go.patch", tooltip="Changes: review, submit, apply"),
        Binding("7", "show('collab')", "Collab", show=False, id="go.collab", tooltip="Write a text together"),
        Binding("8", "show('decide')", "Decide", show=False, id="go.decide", tooltip="What is put to the vote"),
        Binding("9", "show('web')", "Web", show=False, id="go.web", tooltip="Serve the portal to others"),
        Binding("i", "show('inbox')", "Inbox", show=False, id="go.inbox", tooltip="What waits for you"),
        Binding(
            "j",
            "show('journal')",
            "Journal",
            show=False,
            id="go.journal",
            tooltip="What each peer said, entry by entry",
        ),
        Binding(
            "colon", "prompt", "Prompt", key_display=":", show=False, id="go.prompt", tooltip="Any command by its name"
        ),
        Binding("question_mark", "keys", "Keys", key_display="?", id="go.keys", tooltip="The keys of this screen"),
        Binding("q", "quit", "Leave", id="go.leave", tooltip="Leave the portal"),
    ]

    def __init__(
        self,
        connect: Connector,
        *,
        first: str = "status",
        opening: str = "",
        read_only: bool = False,
        folder: Path | None = None,
        alone: bool = False,
    ) -> None:
        """``read_only``: nothing can be changed from here, as with a token that may only read. ``folder`` has the person's keymap and
        keeps what is chosen. ``alone``: the process is this portal's, and ends with it."""
        # Taken before Textual takes the variable away.
        environ = dict(os.environ)
        super().__init__()
        self.stylesheet = Sheets(self.get_css_variables())
        self._connect = connect
        self._first = first
        self._settles = alone
        self.folder = folder
        self.opening = opening
        self.read_only = read_only
        self.before_leaving: Callable[[], Awaitable[str]] | None = None
        """Gives the engine what a screen still has for it; in words what it could not."""
        self.client: EngineClient | None = None
        self.store = Store()
        self.last_done: tuple[str, str] | None = None
        """What the person did last, and its command line."""
        self.own_keys: dict[str, str] = {}
        """Keys by binding id, as the person wants them."""
        self._errors = 0
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.ansi_theme_light, self.ansi_theme_dark = themes.SIGNS_ON_LIGHT, themes.SIGNS_ON_DARK
        kept_theme = kept.chosen(folder, "theme") if folder is not None else ""
        self.theme, fault = themes.first(environ, kept_theme, self.available_themes)
        if fault:
            self.store.note(fault)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The table's commands are the palette; Textual's own would write files where the portal runs."""
        yield from (c for c in super().get_system_commands(screen) if c.title == "Maximize")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The grey theme is grey all over: colours that are no theme's, of code and of signs, too."""
        if self.theme != themes.MONOCHROME:
            return super().get_line_filters()
        return [*(one for one in super().get_line_filters() if not isinstance(one, Monochrome)), Grey()]

    # ── the engine ─────────────────────────────────────────────────────────────────────────────────────────────────

    def on_mount(self) -> None:
        """Paint, then connect."""
        self.theme_changed_signal.subscribe(self, self._keep_theme)
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
        # A guest who may only look is offered no key that the engine would refuse.
        self.read_only = self.read_only or (client.hello is not None and client.hello.scope == "read")
        self.client = ReadOnly(client) if self.read_only else client
        self.stand_by(client, self._connect)
        self._take_keymap()
        await self.switch_mode(self._first)
        self._follow_engine()

    @work(exclusive=True, group="events", exit_on_error=False)
    async def _follow_engine(self) -> None:
        """Events into the store, for ever; fresh snapshots where the stream has a hole.

        All snapshots are taken here, between two batches: one taken beside them could put old rows over newer ones.
        """
        try:
            async with contextlib.aclosing(or_after(self.follow(TOPICS), self._patience)) as batches:
                async for batch in batches:
                    if batch is not None:
                        self._take(batch)
                    if batch is None or batch.fresh or batch.dropped:
                        await self._load_snapshot()
        except (ContractRefused, Problem) as error:
            self.report("The engine does not take this portal", str(error))

    def _take(self, batch: Batch) -> None:
        if batch.fresh:
            self.store.restart_log()
        self.store.take(batch.events, batch.dropped)

    def _patience(self) -> float | None:
        """What failed once must not leave the screens waiting: it is asked for again, where an engine is there to answer."""
        return RETRY_S if self.store.failing and self.connection.state == "connected" else None

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Updates that end by a fault must not end without a word."""
        if event.worker.group == "events" and event.state is WorkerState.ERROR:
            fault = event.worker.error
            why = f"{type(fault).__name__}: {fault}\nWhat you see stays as it is. Leave the portal and open it again."
            self.report("The portal gets no updates any more", why)

    async def _load_snapshot(self) -> None:
        """All rows as they are now. What the engine does not tell is asked for again, and the screen of it says why."""
        failing: dict[str, str] = {}
        try:
            status = await self._told("status", failing, "status.show")
            rows, cut = dict[str, list[Any]](), set[str]()
            for collection in COLLECTIONS:
                answer = await self._told(collection.topic, failing, collection.operation, collection.asking())
                rows[collection.topic] = getattr(answer, collection.topic, [])
                cut |= {collection.topic} if getattr(answer, "next", None) else set()
        except EngineGone:
            failing = dict.fromkeys(("status", *BY_TOPIC), "no engine answers")
        else:
            self.store.snapshot(status, rows, cut)
            if self._settles:
                self._settles = False
                self.call_after_refresh(pauses.set_aside)
        self.store.fail(failing)

    async def _told(self, topic: str, failing: dict[str, str], operation: str, request: BaseModel | None = None) -> Any:
        """The answer; or None, and in ``failing`` why: one that says no, or is not understood, keeps no other from being shown."""
        assert self.client is not None
        try:
            return await self.client.call(operation, request)
        except Problem as problem:
            failing[topic] = str(problem)
        return None

    def follow(self, topics: Iterable[str]) -> AsyncIterator[Batch]:
        """Events of these topics, over lost connections."""
        assert self.client is not None
        return self.client.events(topics)

    async def call_quietly(self, operation: str, request: BaseModel | None = None) -> Any:
        """An answer, or None when the engine is gone or says no: the banner and the next event tell."""
        if self.client is None:
            return None
        with contextlib.suppress(EngineGone, Problem):
            return await self.client.call(operation, request)
        return None

    @work(exit_on_error=False)
    async def ask_engine(
        self, operation: str, request: BaseModel, done: str, box: Box[Any] | None = None, **known: Any
    ) -> None:
        """Do something for the person: say that it is done, or why not; the latter in the box that asked, while it is open."""
        if self.client is None:
            return
        title = detail = ""
        try:
            await self.client.call(operation, request)
        except Problem as problem:
            fields = [f"{name}: {words}" for name, words in problem.fields.items()]
            title, detail = problem.title, "\n".join(filter(None, [problem.detail, *fields]))
        except EngineGone as error:
            title, detail = "The engine is out of reach", str(error)
        told_there = box is not None and box.settle("\n".join(filter(None, [title, detail])))
        if title and not told_there:
            self.report(title, detail)
        elif not title:
            self.note_done(operation, request, **known)
            told = f"\n$ {plain(self.last_done[1], limit=160)}" if operation in TWINS and self.last_done else ""
            self.notify(f"{plain(done)}{told}", markup=False)

    def ask_and_do(self, box: Box[Any], operation: str, done: str | Callable[[Any], str]) -> None:
        """Ask the person, then the engine with what the box has made of the answer; escape and an empty line do nothing.

        The box closes when the engine took it. Else it says why, and what was typed is still there. ``done``: words for what was asked.
        """

        def bring(made: BaseModel) -> None:
            self.ask_engine(operation, made, done if isinstance(done, str) else done(made), box)

        box.bring = bring
        self.push_screen(box)

    def note_done(self, operation: str, request: BaseModel, **known: Any) -> None:
        """Something was done for the person; its command line can be asked for."""
        if operation in TWINS:
            self.last_done = ("what you did last", line(operation, request, **known))

    @work(exit_on_error=False)
    async def save_artifacts(self, artifacts: list[Any], folder: Path, box: Box[Any]) -> None:
        """Fetch files of a result into a folder of this machine; why they could not be saved is told in the box that asked."""
        from chorus_tui.client.artifacts import fetch
        from chorus_tui.client.local_files import local

        assert self.client is not None
        try:
            for artifact in artifacts:
                local(folder / artifact.path)
                await fetch(self.client.call, artifact, folder, force=False)
        except (Problem, EngineGone, OSError) as error:
            title = "The files could not be saved"
            if not box.settle(f"{title}\n{error}"):
                self.report(title, str(error))
        else:
            box.settle("")
            self.notify(f"Saved {len(artifacts)} files in {folder}", markup=False)

    # ── drawing and keys ───────────────────────────────────────────────────────────────────────────────────────────

    def _draw(self) -> None:
        """A few times a second: what changed, to the shown screen only."""
        if self.is_running and self.connection.state == "lost":
            self.tell_connection()  # a box may have been opened since
        # While the app ends its screens are taken apart, and this clock still ticks.
        if self.is_running and self.store.changed and self.client is not None:
            from chorus_tui.widgets.portal_screen import PortalScreen  # here, since the first paint needs none

            if isinstance(self.screen, PortalScreen):
                topics = self.store.changes()
                with self.batch_update():
                    self.screen.tell(topics)

    def on_key(self, event: events.Key) -> None:
        """A key that was typed before the box on top was there has come through the screen below: it is the box's to hold or swallow."""
        box = self.screen
        if isinstance(box, Box) and not box.meant(event):
            event.stop()
            event.prevent_default()
            box.early(event)

    async def action_show(self, mode: str) -> None:
        """Switch to a screen."""
        if self.client is not None:
            await self.switch_mode(mode)

    def action_keys(self) -> None:
        """Show the keys of this screen."""
        from chorus_tui.widgets.keys_box import KeysBox, keys_of

        self.push_screen(KeysBox(keys_of(self.screen)))

    def on_notify(self, event: Notify) -> None:
        """A notice that says the same as one that is still shown takes its place, and its time begins anew."""
        new = event.notification
        told = (new.message, new.title, new.severity)
        for old in list(self._notifications):
            if (old.message, old.title, old.severity) == told:
                self._unnotify(old, refresh=False)

    def report(self, title: str, detail: str) -> None:
        """An error, for people; under its number it stands in the event log, too."""
        from chorus_tui.widgets.dialogs import ErrorBox

        self._errors += 1
        number = f"E{self._errors}"
        self.store.note(": ".join([f"{number}: {title}", *filter(None, [" ".join(detail.split())])]), "error")
        self.push_screen(ErrorBox(title, detail, number))

    def _take_keymap(self) -> None:
        """The person's own keys, if there are some. Only then all screens are looked through for theirs."""
        from chorus_tui.look import keymap

        if self.folder is None or not (self.folder / keymap.FILE).exists():
            return
        from chorus_tui.commands.keys import everywhere

        own = keymap.read(self.folder / keymap.FILE, {key.name: key.keys for key in everywhere(type(self))})
        self.set_keymap(own.keys)
        self.own_keys = own.keys
        for fault in own.faults:
            self.store.note(f"{keymap.FILE}: {fault}")
        if own.faults:
            words = "\n".join(own.faults[:3])
            self.notify(f"Some keys of your keymap do not hold:\n{words}", severity="warning", markup=False, timeout=12)

    def _keep_theme(self, theme: Theme) -> None:
        """What was chosen is there next time."""
        if self.folder is not None:
            kept.keep(self.folder, "theme", theme.name)

    async def action_quit(self) -> None:
        """Leave, once the engine has what was typed; it goes on, or stops by itself when it was started for this portal."""
        if not any(one.group == "leave" for one in self.workers):
            self._leave()

    @work(group="leave", exit_on_error=False)
    async def _leave(self) -> None:
        """What cannot be saved is told; then it is the person's to choose."""
        from chorus_tui.widgets.dialogs import Confirm

        left = await self.before_leaving() if self.before_leaving is not None else ""
        question = f"{left}\n\nLeave and lose it? After n it is sent as soon as it can be."
        if left and not await self.push_screen_wait(Confirm(question)):
            return
        if self.client is not None:
            await self.client.close()
        self.exit(0)


def run(connect: Connector, *, first: str = "status", opening: str = "", read_only: bool = False) -> int:
    """The portal, until it is left; the exit code."""
    app = ChorusApp(connect, first=first, opening=opening, read_only=read_only, folder=config_dir(), alone=True)
    return app.run() or 0
