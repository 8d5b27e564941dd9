"""``/chorus/join/1.0.0``: the only protocol a stranger reaches.

``whoami`` asks who leads here (the original's admin discovery); ``join`` is a signed wish to be a member, answered when
the admin has committed it, or with the way to the admin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import trio

from chorus_tui.engine.mesh.interface import Mesh, MeshError, Stream
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

PROTOCOL = "/chorus/join/1.0.0"
AGENT_ID = r"[a-z0-9][a-z0-9._-]{0,62}"
FRAME = 16 * 1024
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class MeshView:
    """A mesh as one of its members describes it."""

    mesh_id: str
    term: int
    admin: str
    members: int
    admin_addresses: list[str] = field(default_factory=list)
    refounds: str | None = None
    offers: list[str] = field(default_factory=list)

    @property
    def provisional(self) -> bool:
        return self.members == 1 and self.refounds is None

    def as_json(self) -> dict[str, Any]:
        return {
            "mesh_id": self.mesh_id, "term": self.term, "admin": self.admin, "members": self.members,
            "admin_addresses": self.admin_addresses, "refounds": self.refounds, "offers": self.offers,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any) -> MeshView | None:
        """None for a peer without a mesh. Raises :class:`WireError`."""
        if value is None:
            return None
        try:
            view = cls(
                str(value["mesh_id"]), int(value["term"]), str(value["admin"]), int(value["members"]),
                [str(item) for item in value["admin_addresses"]][:16],
                None if value.get("refounds") is None else str(value["refounds"]),
                [str(item) for item in value.get("offers") or []][:64],
            )  # fmt: skip
        except (KeyError, TypeError, ValueError):
            raise WireError("bad_frame", "A mesh view has five fields") from None
        if len(view.mesh_id) != 64 or view.members < 1 or not identity.is_peer_id(view.admin):
            raise WireError("bad_frame", "The mesh view is not valid")
        return view


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who wants to join, as it said and signed."""

    peer_id: str
    agent_id: str
    kind: str
    role: str
    expertise: list[str]
    ephemeral: bool = False

    def member(self, authority: str) -> dict[str, Any]:
        """As the control log keeps it."""
        return {
            "peer_id": self.peer_id, "agent_id": self.agent_id, "kind": self.kind, "role": self.role,
            "expertise": self.expertise, "authority": authority, **({"ephemeral": True} if self.ephemeral else {}),
        }  # fmt: skip


def make_request(me: Identity, mesh_id: str, who: Newcomer, at: str) -> dict[str, Any]:
    """A signed wish to join one mesh: ``{"text", "sig"}``."""
    text = canonical.encode(
        {"mesh_id": mesh_id, "peer_id": who.peer_id, "agent_id": who.agent_id, "kind": who.kind, "role": who.role,
         "expertise": who.expertise, "at": at, **({"ephemeral": True} if who.ephemeral else {})}
    )  # fmt: skip
    return {"text": text.decode(), "sig": me.sign(identity.REQUEST, text)}


def read_request(value: Any, mesh_id: str, sender: str) -> Newcomer:
    """Check a wish: signed by the very peer that sends it, for this mesh, with a usable name. Raises :class:`WireError`."""
    try:
        raw = str(value["text"]).encode()
        wish = canonical.decode(raw)
        newcomer = Newcomer(
            str(wish["peer_id"]), str(wish["agent_id"]), str(wish["kind"]), str(wish["role"])[:64],
            [str(item)[:64] for item in wish["expertise"]][:32], wish.get("ephemeral") is True,
        )  # fmt: skip
        for_mesh, sig = wish["mesh_id"], str(value["sig"])
    except (KeyError, TypeError):
        raise WireError("bad_frame", "A request to join has seven fields") from None
    if newcomer.peer_id != sender or not identity.verify(sender, identity.REQUEST, raw, sig):
        raise WireError("bad_signature", "The request to join is not signed by its sender")
    if for_mesh != mesh_id:
        raise WireError("wrong_mesh", "The request names another mesh")
    if newcomer.kind not in ("agent", "human") or not re.fullmatch(AGENT_ID, newcomer.agent_id):
        raise WireError("bad_frame", "The request names no usable kind or agent id")
    return newcomer


async def ask(mesh: Mesh, peer_id: str, frame: dict[str, Any], protocol: str = PROTOCOL) -> dict[str, Any] | None:
    """One question, one answer; None when the peer cannot be asked now."""
    try:
        with trio.fail_after(PATIENCE_S):
            stream = await mesh.open(peer_id, protocol)
            try:
                await stream.send(canonical.encode(frame))
                return await receive(stream)
            finally:
                await stream.close()
    except (MeshError, WireError, trio.TooSlowError):
        return None


async def receive(stream: Stream) -> dict[str, Any]:
    """One frame. Raises :class:`WireError`."""
    raw = await stream.receive(FRAME)
    if raw is None:
        raise WireError("cut", "The stream ended early")
    frame = canonical.decode(raw)
    if not isinstance(frame, dict) or not isinstance(frame.get("kind"), str):
        raise WireError("bad_frame", "A frame is an object with a kind")
    return frame
