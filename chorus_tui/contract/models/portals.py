"""The portal as it is served to others: over SSH and in a browser. Who serves says it in a file; who asks reads it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request

PortalKind = Literal["ssh", "web"]
PortalScope = Literal["read", "operate", "admin"]


class PortalGuest(Answer):
    """Somebody who is connected. ``since``: Unix time in seconds."""

    person: str
    scope: PortalScope
    address: str = Field(description="Where from, host and port")
    since: float


class ServedPortal(Answer):
    """One process that serves the portal, as it tells of itself. ``since``: Unix time in seconds."""

    kind: PortalKind
    pid: int
    address: str = Field(description="Host and port, or the URL to open")
    since: float
    guests: list[PortalGuest] = Field(default_factory=list)
    refused: int = Field(
        default=0, ge=0, description="Connections that were not taken, for too many were open; of web only"
    )
    identity: str = Field(default="", description="What to compare on the first visit: the host key's fingerprint")


class PortalList(Answer):
    """What is served for this data folder now, by whom it was ever started."""

    portals: list[ServedPortal]


class StartPortal(Request):
    """Serve the portal, in a process of its own, until it is stopped or the engine ends. What is left out: its own default."""

    kind: PortalKind = "web"
    host: str = Field(default="", max_length=253, pattern=r"^[A-Za-z0-9.:_-]*$", description="Address to listen on")
    port: int | None = Field(default=None, ge=0, le=65535, description="0 takes any free one")
    scope: PortalScope | None = Field(
        default=None, description="What guests may do; of web only: over SSH each key has its own"
    )


class PortalRef(Request):
    """Those of a kind."""

    kind: PortalKind = "web"


class InvitePerson(Request):
    """A one-time URL of the portal for browsers. ``person``: who acts with it; empty: this engine's user."""

    person: str = Field(default="", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")


class PortalUrl(Answer):
    """Opens the portal for browsers once, within ``expires_s`` seconds; told this once and kept nowhere."""

    url: str
    expires_s: float
