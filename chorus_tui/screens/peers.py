"""Peers: who is there, how well they are reached, what they do."""

from __future__ import annotations

import time

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Static

from chorus_tui.contract.models.peers import ConnectPeer, Peer
from chorus_tui.telling.coordination import reported
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain
from chorus_tui.widgets.portal_screen import PortalScreen

STATES = {
    "connected": ("● connected", "green"),
    "suspect": ("◐ suspect", "yellow"),
    "away": ("○ away", "dim"),
    "gone": ("· gone", "dim"),
}
COLUMNS = ("peer", "kind", "state", "latency", "tasks", "says", "since")
ALONE = (
    "\nNobody else is here yet. Start an agent on this machine with:  chorus-tui --headless\n"
    "For another machine,  chorus-tui invite  prints what to set there; or press c to dial a peer."
)

# Fixed widths: a table that measures its cells draws new rows at the old widths for a moment.
WIDTHS = (20, 5, 11, 7, 5, 8, 6)


class PeersScreen(PortalScreen):
    """A table, and what is known of the peer under the cursor."""

    NAME = "peers"
    CSS_PATH = "peers.tcss"
    BINDINGS = [  # noqa: RUF012 - Textual's way
        Binding("c", "connect", "Connect", id="peers.connect", tooltip="Dial a peer by its multiaddr"),
        Binding("y", "copy", "Copy id", id="peers.copy", tooltip="Copy the peer id under the cursor"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._filter = ""

    def body(self) -> ComposeResult:
        yield DataTable(id="peers", cursor_type="row", zebra_stripes=False)
        with VerticalScroll(id="peer", can_focus=False):
            yield Static(id="peer-text", markup=False)

    def on_mount(self) -> None:
        """Columns with stable keys, so that a change is one cell."""
        peers = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            peers.add_column(name, key=name, width=width)
        self.query_one("#peer").border_title = "peer"
        peers.focus()

    def changed(self, topics: set[str]) -> None:
        if not topics & {"peers", "status"}:
            return
        shown = {peer.peer_id: peer for peer in self.store.peers.values() if self._fits(peer)}
        peers = self.query_one(DataTable)
        for key in [key.value for key in peers.rows if key.value not in shown]:
            peers.remove_row(str(key))
        for peer in sorted(shown.values(), key=lambda p: (not p.is_self, p.state != "connected", p.name)):
            cells = row(peer, time.time())
            if peer.peer_id in peers.rows:
                for name, cell in zip(COLUMNS, cells, strict=True):
                    if peers.get_cell(peer.peer_id, name) != cell:
                        peers.update_cell(peer.peer_id, name, cell)
            else:
                peers.add_row(*cells, key=peer.peer_id)
        self._show_detail()

    def _fits(self, peer: Peer) -> bool:
        return self._filter in f"{peer.name} {peer.peer_id} {peer.role} {peer.state} {peer.kind}".casefold()

    def filtered(self, text: str) -> None:
        self._filter = text.casefold()
        self.changed({"peers"})

    def focus_main(self) -> None:
        self.query_one(DataTable).focus()

    def _selected(self) -> Peer | None:
        peers = self.query_one(DataTable)
        if not peers.row_count:
            return None
        key = peers.coordinate_to_cell_key(peers.cursor_coordinate).row_key.value
        return self.store.peers.get(str(key))

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        """The detail follows the cursor."""
        self._show_detail()

    def _show_detail(self) -> None:
        peer = self._selected()
        if peer is None:
            shown: RenderableType = Text("No peer fits the filter." if self._filter else "Waiting for the engine …")
        elif len(self.store.peers) == 1:
            shown = Group(detail(peer), Text(ALONE))
        else:
            shown = detail(peer)
        self.query_one("#peer-text", Static).update(shown)

    def action_copy(self) -> None:
        """Copy the peer id."""
        peer = self._selected()
        if peer:
            self.app.copy_to_clipboard(peer.peer_id)
            self.notify(f"Copied {peer.peer_id}", markup=False)

    def action_connect(self) -> None:
        """Ask for a multiaddr and dial it."""
        question = "Dial which peer?  $ chorus-tui connect ADDRESS"
        self.app.push_screen(Ask(question, placeholder="/ip4/192.0.2.1/tcp/9000"), self._dial)

    def _dial(self, address: str | None) -> None:
        if address:
            self.app.ask_engine("peers.connect", ConnectPeer(address=address), f"Connected to {address}")  # type: ignore[attr-defined]


def row(peer: Peer, now: float) -> tuple[Text, ...]:
    """One line of the table."""
    state, color = STATES[peer.state]
    name = Text(plain(peer.name), no_wrap=True)
    if peer.is_self:
        name.append(" (you)", style="dim")
    if peer.is_admin:
        name.append(" ♛ admin", style="bold yellow")
    if not peer.member:
        name.append(" no member", style="red")
    return (
        name, Text(peer.kind), Text("● here" if peer.is_self else state, style="green" if peer.is_self else color),
        Text("" if peer.latency_ms is None else f"{peer.latency_ms:.0f} ms", justify="right"),
        Text("" if peer.running is None or not peer.max_tasks else f"{peer.running}/{peer.max_tasks}", justify="right"),
        Text("no tasks" if peer.max_tasks == 0 else plain(peer.status)),
        Text("" if peer.since is None else ago(now - peer.since), justify="right"),
    )  # fmt: skip


def detail(peer: Peer) -> Table:
    """Everything known of a peer."""
    rows = [
        ("peer id", peer.peer_id), ("agent id", plain(peer.agent_id)), ("role", plain(peer.role) or "none"),
        ("expertise", plain(", ".join(peer.expertise)) or "none"), ("addresses", plain("  ".join(peer.addresses)) or "unknown"),
    ]  # fmt: skip
    if peer.reports_to:
        rows.append(("reports to", plain(peer.reports_to)))
    if peer.report is not None:
        rows.append(("reported", plain(reported(peer.report))))
    if peer.clash:
        rows.append(("⚠ clash", "another member has this agent id; it cannot act under the name"))
    return table(rows)
