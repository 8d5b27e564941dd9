"""Who this engine is and how it is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.beats import Beats
from chorus_tui.contract.models.common import Answer, Request

Level = Literal["healthy", "degraded", "failing"]
MODEL_STATES = {"ok": "ok", "degraded": "in trouble", "open": "left alone", "unknown": "not looked at yet"}


class Hello(Answer):
    """The greeting."""

    contract: tuple[int, int]
    version: str
    agent_id: str
    peer_id: str
    kind: Literal["agent", "human"]
    pid: int
    data_dir: str
    draining: bool = False
    person: str = Field(
        default="", description="Who asks, as others will be told: of the token shown, else the user at the socket"
    )
    scope: Literal["", "read", "operate", "admin"] = Field(
        default="", description="What the caller may do; set by the API. Empty: an older engine, which does not tell"
    )
    operations: list[str] = Field(default_factory=list, description="Names of the operations offered; set by the API")


class StopEngine(Request):
    """Ask an engine to stop. ``drain_s`` bounds how long running tasks may go on; 0 hands them back at once."""

    drain_s: float | None = Field(default=None, ge=0, le=3600)


class Admin(Answer):
    """The admin as the control log knows it. ``reachable`` is False when it has not been heard for a while."""

    agent_id: str
    peer_id: str
    term: int
    reachable: bool = True


class Check(Answer):
    """One health check, in words."""

    name: str
    level: Level
    detail: str = ""


class ModelProvider(Answer):
    """One provider of language models, as the engine finds it now. ``open``: left alone for a while after failures."""

    name: str
    endpoint: str
    model: str
    state: Literal["ok", "degraded", "open", "unknown"]
    detail: str = ""
    asked: int = 0
    failed: int = 0
    tokens: int = 0


class Rate(Answer):
    """How much there was of something in the last spans of ``every_s`` seconds, per second, oldest first."""

    name: Literal["heard", "said", "entries"] = Field(
        description="Gossip messages that came in, that went out; entries of all feeds kept here"
    )
    every_s: float
    per_second: list[float]


class Status(Answer):
    """The answer of ``chorus-tui status``."""

    agent_id: str
    peer_id: str
    kind: Literal["agent", "human"]
    version: str
    started_at: float
    addresses: list[str]
    data_dir: str
    role: str = ""
    authority: str = ""
    license: str = ""
    mesh_id: str | None
    mesh_state: Literal["discovering", "joining", "provisional", "member", "no_admin"]
    mesh_detail: str = Field(default="", description="In words: what is awaited, or what the state means")
    admin: Admin | None
    voters: list[str] = Field(description="Peer ids of the voters")
    failover: str = Field(description="In words; with one voter: 'one voter: no failover'")
    peers: int = Field(description="Peers connected now")
    members: int
    tasks: dict[str, int] = Field(description="Number of tasks by state")
    running: int = Field(description="Tasks running here")
    max_tasks: int
    network: Literal["key", "user-key", "open"]
    health: Level
    checks: list[Check]
    warnings: list[str] = Field(default_factory=list)
    draining: bool = False
    feed_entries: int = 0
    control_index: int = 0
    refused_messages: dict[str, int] = Field(default_factory=dict, description="Refused network messages by reason")
    rates: list[Rate] = Field(default_factory=list, description="Empty for the first seconds")
    beats: Beats | None = Field(default=None, description="None: none is heard, or it is switched off")
    models: list[ModelProvider] = Field(
        default_factory=list, description="Providers of models, in the order they are asked"
    )

    @property
    def models_found(self) -> str:
        """The providers in one line, for people; why one is not well stands among the checks."""
        found = [f"{provider.name} {provider.model} {MODEL_STATES[provider.state]}" for provider in self.models]
        return ", ".join(found) or "none: tasks with a goal are not taken"

    @property
    def admin_lost(self) -> str:
        """Why the admin that the log names does not count now, in words; empty while it does."""
        if self.admin is None or self.admin.reachable:
            return ""
        return "no majority hears it" if self.admin.peer_id == self.peer_id else "is not heard"
