"""The control log as the features see it.

Every act of the admin is an entry and counts when it is committed. Entry types and their data stand in
:mod:`chorus_tui.engine.control.entries`; task entries among them are ``task_granted``, ``task_released``,
``task_expired``, ``task_accepted``, ``task_failed``, ``task_budget_exhausted``, ``task_cancelled``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Authority = Literal["master", "decision", "coordination", "suggestion", "read_only"]


class NotAdmin(Exception):
    """This peer does not lead, or stopped leading before the entry was committed."""


class NoMesh(Exception):
    """This peer belongs to no mesh yet. The text says what it waits for."""


class Refused(Exception):
    """The admin does not decide this for this member. The text says why."""


@dataclass(frozen=True, slots=True)
class ControlEntry:
    """One committed entry. ``raw`` are the canonical bytes the admin signed; ``hash`` is theirs.

    ``request`` is the signed wish that the entry acts on, as ``{"author", "epoch", "seq", "hash"}`` of a feed entry, or
    None when the admin acts by itself.
    """

    mesh_id: str
    term: int
    index: int
    hlc: str
    type: str
    data: dict[str, Any]
    request: dict[str, Any] | None
    admin: str
    raw: bytes
    sig: str
    hash: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member as granted in the control log."""

    peer_id: str
    agent_id: str
    kind: Literal["agent", "human"]
    role: str
    expertise: tuple[str, ...]
    authority: Authority
    joined_index: int
    clash: bool = False
    ephemeral: bool = False
    """Its identity is lost with its container, so it is retired after a while of silence."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person enrolled with keys of their own: no peer, but somebody who votes by signing. Without ``keys`` they are withdrawn.

    Keys are as :func:`chorus_tui.contract.ssh_key.signing_key` has them.
    """

    name: str
    authority: Authority
    keys: tuple[str, ...]
    former: tuple[str, ...] = ()
    """Keys that were withdrawn."""


class ControlFold(Protocol):
    """Computes state from committed entries, in log order. Entries of meshes that were left are replayed too, each
    mesh in its own order; ``entry.mesh_id`` tells them apart."""

    def apply(self, entry: ControlEntry) -> None:
        """Must not block or raise."""
        ...


class Control(Protocol):
    """The decisions of the mesh this peer belongs to."""

    @property
    def mesh_id(self) -> str | None:
        """The mesh this peer belongs to."""
        ...

    @property
    def term(self) -> int:
        """The newest term seen."""
        ...

    @property
    def commit(self) -> int:
        """Index of the last entry applied."""
        ...

    @property
    def admin(self) -> str | None:
        """Peer id of the admin of ``term``, or None."""
        ...

    @property
    def is_admin(self) -> bool:
        """True only while this peer leads and may propose."""
        ...

    @property
    def voters(self) -> tuple[str, ...]: ...

    @property
    def members(self) -> dict[str, Member]: ...

    @property
    def persons(self) -> dict[str, Person]:
        """Everybody who was ever enrolled, by name."""
        ...

    @property
    def parameters(self) -> dict[str, Any]:
        """Mesh parameters by name, see :mod:`chorus_tui.engine.control.parameters`."""
        ...

    @property
    def state(self) -> Literal["discovering", "joining", "provisional", "member", "no_admin"]: ...

    @property
    def detail(self) -> str:
        """The state in words."""
        ...

    def fold(self, fold: ControlFold) -> None:
        """Register before ``open``."""
        ...

    def on_change(self, handler: Callable[[], None]) -> None:
        """Called after mesh, admin, term, membership or state changed. Must not block."""
        ...

    async def propose(self, type_: str, data: dict[str, Any], *, request: dict[str, Any] | None = None) -> ControlEntry:
        """Append an act of the admin; returns when it is committed. Raises :class:`NotAdmin`."""
        ...

    async def request(self, type_: str, data: dict[str, Any]) -> int:
        """Ask the admin, which may be this peer, to commit an entry on this peer's behalf; the entry's index. It cites the
        signed request, and every follower checks it by :mod:`chorus_tui.engine.control.requests`.

        :raises NoMesh: this peer belongs to none.
        :raises NotAdmin: no admin can be reached, or it stopped being one.
        :raises Refused: this peer may not, or not now; the text says why.
        """
        ...

    def on_request(self, type_: str, check: Callable[[str, dict[str, Any]], str | None]) -> None:
        """What the admin checks besides the rule of the type: (peer id, data) → why not, or None."""
        ...

    def may(self, peer_id: str, act: Any) -> bool:
        """Whether a member's authority suffices for an act of :mod:`chorus_tui.engine.control.authority`."""
        ...

    def name(self, peer_id: str | None) -> str:
        """A member's name for people."""
        ...

    def admin_heard_s(self) -> float | None:
        """Seconds since the admin was last heard (0 for oneself), or None when there is none."""
        ...
