"""Status: who I am, how the mesh is, what is wrong, what happens."""

from __future__ import annotations

import time

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.journal import LogLine
from chorus_tui.contract.models.status import Status
from chorus_tui.telling import beats, rates
from chorus_tui.widgets.event_log import EventLog
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import PortalScreen, Thing

SIGNS = {"healthy": ("✓", "green"), "degraded": ("!", "yellow"), "failing": ("✗", "red")}
STATES = {
    "discovering": "looking for a mesh", "joining": "joining a mesh", "provisional": "a mesh of one",
    "member": "a member", "no_admin": "a member, without an admin",
}  # fmt: skip
NETWORKS = {"key": "private key", "user-key": "your user's key, this machine only", "open": "OPEN: key switched off"}


class StatusScreen(PortalScreen):
    """Facts left, checks right, the event log below."""

    NAME = "status"
    CSS_PATH = "status.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._restarts = 0
        """Which beginning of the log is shown."""

    def body(self) -> ComposeResult:
        with Horizontal(id="facts"):
            with VerticalScroll(id="me"):
                yield Static(id="me-text", markup=False)
            with VerticalScroll(id="health"):
                yield Static(id="health-text", markup=False)
        yield EventLog("events", id="events", empty="Nothing has happened yet. What peers and tasks do shows up here.")

    def on_mount(self) -> None:
        """The log has the keys."""
        self.query_one("#me").border_title = "me and the mesh"
        self.query_one("#health").border_title = "health"
        self._begin_log()
        self.focus_main()

    def changed(self, topics: set[str]) -> None:
        status = self.store.status
        if "status" in topics and status is not None:
            self.query_one("#me-text", Static).update(facts(status, time.time(), self._guest()))
            self.query_one("#health-text", Static).update(health(status))
        elif "status" in topics:
            self.query_one("#me-text", Static).update(self.nothing("status", ""))
            self.query_one("#health-text", Static).update("")
        if "log" not in topics:
            return
        if self._restarts != self.store.restarts:
            self._begin_log()
        else:
            self.query_one(EventLog).extend(event_line(line) for line in self.store.new_lines())

    def _guest(self) -> str:
        """As whom a guest acts here; empty for the person at this machine."""
        hello = self.app.client.hello if self.app.guests and self.app.client is not None else None  # type: ignore[attr-defined]
        return hello.person if hello is not None else ""

    def _begin_log(self) -> None:
        """All lines, from the end. Later ones are added only: who reads further up must not lose the place."""
        self._restarts = self.store.restarts
        self.store.new_lines()
        self.query_one(EventLog).replace(event_line(line) for line in self.store.lines)

    def filtered(self, text: str) -> None:
        log = self.query_one(EventLog)
        log.set_filter(text)
        self.tell_hidden(log.hidden, log.held)

    def thing(self) -> Thing | None:
        """This peer."""
        me = self.store.status
        return Thing(me.peer_id, "status.show") if me is not None else None

    def focus_main(self) -> None:
        self.query_one(EventLog).focus()


def event_line(line: LogLine) -> tuple[str, str]:
    """Level and text of one line."""
    at = time.strftime("%H:%M:%S", time.localtime(line.at))
    return (line.level, f"{at}  {line.text}")


def facts(status: Status, now: float, guest: str = "") -> Table:
    """Who I am and where I belong. ``guest`` is who looks through a portal that is served: the peer is not that person."""
    admin = "none"
    if status.admin:
        heard = f"  ⚠ {status.admin_lost}" if status.admin_lost else ""
        admin = f"{plain(status.admin.agent_id)}, term {status.admin.term}{heard}"
    tasks = (
        ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(status.tasks.items())) or "none yet"
    )
    peer = f"{plain(status.agent_id)} ({status.kind}, up {ago(now - status.started_at)})"
    rows = [
        *([("you act as", f"{plain(guest)} through {plain(status.agent_id)}")] if guest else []),
        ("the peer" if guest else "I am", peer),
        ("peer id", f"{status.peer_id[:12]}…{status.peer_id[-8:]}"),
        ("authority", status.authority or "none yet"),
        (
            "mesh",
            f"{status.mesh_id[:8]} · {STATES[status.mesh_state]}" if status.mesh_id else STATES[status.mesh_state],
        ),
        ("admin", admin),
        ("voters", status.failover),
        ("members", f"{status.members}, {status.peers} connected"),
        ("tasks", tasks),
        ("running", f"{status.running} of {status.max_tasks} here" if status.max_tasks else "this peer takes no tasks"),
        ("models", plain(status.models_found)),
        ("network", NETWORKS[status.network]),
        ("history", f"{many(status.feed_entries, 'entry', 'entries')} said, {status.control_index} decided"),
        *((plain(rates.label(one), limit=20), rates.line(one)) for one in status.rates),
        ("licence", status.license),
        *([("beats", plain(beats.beat(status.beats)))] if status.beats else []),
    ]
    return table(rows)


def health(status: Status) -> Text:
    """Checks and warnings in words; refused messages by reason."""
    text = Text()
    if status.mesh_detail:
        text.append(f"{plain(status.mesh_detail)}\n\n", style="yellow" if status.mesh_state == "no_admin" else "")
    for check in status.checks:
        sign, color = SIGNS[check.level]
        text.append(f"{sign} ", style=color)
        text.append(f"{plain(check.name)}: ", style="bold")
        text.append(f"{plain(check.detail)}\n")
    for warning in status.warnings:
        text.append("! ", style="yellow")
        text.append(f"{plain(warning)}\n")
    if status.refused_messages:
        refused = ", ".join(f"{count} {plain(reason)}" for reason, count in sorted(status.refused_messages.items()))
        text.append("! ", style="yellow")
        text.append(f"refused messages: {refused}\n")
    return text
