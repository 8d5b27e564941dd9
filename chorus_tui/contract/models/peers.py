"""The other peers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Request


class Report(Answer):
    """What a peer reported to this one last, counted since its report before."""

    at: float
    period_s: int
    running: list[str] = Field(default_factory=list, description="Titles of tasks at work")
    done: int = 0
    failed: int = 0
    blockers: list[str] = Field(default_factory=list)


class Ban(Answer):
    """A peer that this one keeps out: its connections are refused. Others are not asked and not told."""

    why: str
    since: float
    until: float | None = Field(
        default=None, description="Unix time of its end; null while a person here blocks the peer"
    )
    by_person: bool


class Peer(Answer):
    """One peer as known here. ``name`` is ``name (peer…)`` when its agent id clashes with another's."""

    peer_id: str
    agent_id: str
    name: str
    kind: Literal["agent", "human", "unknown"]
    role: str = ""
    expertise: list[str] = Field(default_factory=list)
    state: Literal["connected", "suspect", "away", "gone", "banned", "blocked"] = Field(
        description="banned: kept out for a while; blocked: until a person here lifts it"
    )
    member: bool
    is_admin: bool = False
    is_self: bool = False
    latency_ms: float | None = None
    running: int | None = None
    max_tasks: int | None = None
    status: str = Field(default="", description="ready, working, busy, draining: as the peer itself said last")
    addresses: list[str] = Field(default_factory=list)
    since: float | None = Field(
        default=None, description="Unix time of the present connection or last sighting; of this peer, of its start"
    )
    clash: bool = False
    reports_to: str = Field(default="", description="Agent id of its supervisor, as it says")
    ban: Ban | None = Field(default=None, description="Why this peer keeps it out, and until when")
    held_against: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Points for what it did here and no honest peer does: at 100 it is kept out for a while; they halve every minute",
    )
    report: Report | None = Field(default=None, description="What it reported last, where this peer is its supervisor")


class PeerList(Page):
    """The answer of ``chorus-tui peers``."""

    peers: list[Peer]


class ConnectPeer(Request):
    """Dial a peer. ``address`` is a multiaddr, with or without ``/p2p/<id>``."""

    address: str = Field(min_length=1, max_length=512)


class BanPeer(Request):
    """Keep a peer out for ``seconds``. ``peer`` is its id, or the name of a member or of a peer that is here."""

    peer: str = Field(min_length=1, max_length=128)
    seconds: float = Field(default=3600.0, ge=1, le=30 * 86_400)
    why: str = Field(default="", max_length=200)


class BlockPeer(Request):
    """Keep a peer out until it is unbanned, also after a restart."""

    peer: str = Field(min_length=1, max_length=128)
    why: str = Field(default="", max_length=200)


class UnbanPeer(Request):
    """Let a peer in again, whoever kept it out."""

    peer: str = Field(min_length=1, max_length=128)


class Invitation(Answer):
    """What another machine needs to join: ``environment`` are the variables to set there, the key among them."""

    addresses: list[str]
    network: Literal["key", "user-key", "open"]
    environment: dict[str, str]
    note: str = ""
