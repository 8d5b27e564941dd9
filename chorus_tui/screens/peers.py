"""Peers: who is there, how well they are reached, what they do."""

from __future__ import annotations

import time
from functools import partial

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.commands.twins import line as twin
from chorus_tui.contract.models.peers import BlockPeer, ConnectPeer, Peer, UnbanPeer
from chorus_tui.telling.coordination import reported
from chorus_tui.telling.peers import conduct, kept_out, load, status
from chorus_tui.widgets.dialogs import Ask, Confirm
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.list_screen import ListScreen
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import Thing

STATES = {
    "connected": ("● connected", "green"),
    "suspect": ("◐ suspect", "yellow"),
    "away": ("○ away", "dim"),
    "gone": ("· gone", "dim"),
    "banned": ("✗ banned", "red"),
    "blocked": ("✗ blocked", "red"),
}
ALONE = (
    "\nNobody else is here yet. Start an agent on this machine with:  chorus-tui --headless\n"
    "For another machine,  chorus-tui invite  prints what to set there; or press c to dial a peer."
)


class PeersScreen(ListScreen[Peer]):
    """A table, and what is known of the peer under the cursor."""

    NAME = "peers"
    CSS_PATH = "peers.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("c", "connect", "Connect", id="peers.connect", tooltip="Dial a peer by its multiaddr"),
        Binding("b", "keep_out", "Block/let in", id="peers.keep_out", tooltip="Block this peer, or let it in again"),
    ]
    TWINS = {"connect": "peers.connect", "keep_out": "peers.block"}  # noqa: RUF012 - as above
    TOPIC, ALSO, ROWS = "peers", frozenset({"status"}), "peers"
    COLUMNS = ("peer", "kind", "state", "latency", "tasks", "says", "since")
    WIDTHS = (20, 5, 11, 7, 5, 8, 6)
    STRETCH = (0,)
    RIGHT = (3, 4, 6)

    def body(self) -> ComposeResult:
        yield self.table()
        with VerticalScroll(id="peer"):
            yield Static(id="peer-text", markup=False)

    def on_mount(self) -> None:
        """The list has the keys."""
        self.query_one("#peer").border_title = "peer"
        self.focus_main()

    def words(self, row: Peer) -> str:
        return f"{row.name} {row.peer_id} {row.role} {row.state} {row.kind}"

    def rank(self, row: Peer) -> tuple[bool, bool, str]:
        return (not row.is_self, row.state != "connected", row.name)

    def cells(self, row: Peer, now: float) -> tuple[Text, ...]:
        return line(row, now)

    def after_layout(self, _topics: set[str]) -> None:
        self._show_detail()

    def thing(self) -> Thing | None:
        peer = self.selected()
        return Thing(peer.peer_id, "peers.list", {"peer": peer.peer_id}) if peer is not None else None

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._show_detail()

    def _show_detail(self) -> None:
        peer = self.selected()
        if peer is None:
            shown: RenderableType = Text(self.nothing("peers", ALONE))
        elif len(self.store.peers) == 1:
            shown = Group(detail(peer), Text(ALONE))
        else:
            shown = detail(peer)
        self.query_one("#peer-text", Static).update(shown)

    def asks_for(self, action: str) -> str | None:
        peer = self.selected()
        out = action == "keep_out" and peer is not None and peer.ban is not None
        return "peers.unban" if out else super().asks_for(action)

    def action_keep_out(self) -> None:
        """Block the peer under the cursor, or let in one that is kept out; asked first."""
        peer = self.selected()
        if peer is None or peer.is_self:
            self.notify("That is you." if peer else "No peer is chosen.")
            return
        word = "unban" if peer.ban is not None else "block"
        question = (
            f"Let {peer.name} in again?"
            if peer.ban is not None
            else f"Block {peer.name}? Only this engine refuses it; what it says still comes by way of others."
        )
        self.app.push_screen(
            Confirm(question, twin(f"peers.{word}", peer=peer.peer_id)), partial(self._decide, word, peer)
        )

    def _decide(self, word: str, peer: Peer, sure: str | None) -> None:
        if sure:
            request = UnbanPeer(peer=peer.peer_id) if word == "unban" else BlockPeer(peer=peer.peer_id)
            done = f"{peer.name} may come again" if word == "unban" else f"{peer.name} is blocked"
            self.app.ask_engine(f"peers.{word}", request, done)  # type: ignore[attr-defined]

    def action_connect(self) -> None:
        """Ask for a multiaddr and dial it."""
        box = Ask(
            "Dial which peer?", command=twin("peers.connect"), placeholder="/ip4/192.0.2.1/tcp/9000",
            make=lambda address: ConnectPeer(address=address),
        )  # fmt: skip
        self.app.ask_and_do(box, "peers.connect", "Connected")  # type: ignore[attr-defined]


def line(peer: Peer, now: float) -> tuple[Text, ...]:
    """One line of the table."""
    state, color = STATES[peer.state]
    name = Text(plain(peer.name), no_wrap=True)
    if peer.is_self:
        name.append(" (you)", style="dim")
    if peer.is_admin:
        name.append(" ♛ admin", style="bold yellow")
    if not peer.member:
        name.append(" no member", style="red")
    if peer.held_against:
        name.append(f" ⚠ {peer.held_against}/100", style="yellow")
    return (
        name, Text(peer.kind), Text("● here" if peer.is_self else state, style="green" if peer.is_self else color),
        Text("" if peer.latency_ms is None else f"{peer.latency_ms:.0f} ms", justify="right"),
        Text(load(peer), justify="right"),
        Text(plain(status(peer))),
        Text("" if peer.since is None else ago(now - peer.since), justify="right"),
    )  # fmt: skip


def detail(peer: Peer) -> Table:
    """Everything known of a peer."""
    rows = [
        ("peer id", peer.peer_id), ("agent id", plain(peer.agent_id)), ("role", plain(peer.role) or "none"),
        ("expertise", plain(", ".join(peer.expertise)) or "none"), ("addresses", plain("  ".join(peer.addresses)) or "unknown"),
    ]  # fmt: skip
    if peer.ban is not None:
        rows.append(("✗ out", plain(kept_out(peer.ban, time.time()))))
    elif not peer.is_self:
        rows.append(("conduct", conduct(peer.held_against)))
    if peer.reports_to:
        rows.append(("reports to", plain(peer.reports_to)))
    if peer.report is not None:
        rows.append(("reported", plain(reported(peer.report))))
    if peer.clash:
        rows.append(("⚠ clash", "another member has this agent id; it cannot act under the name"))
    return table(rows)
