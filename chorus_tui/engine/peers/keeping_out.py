"""Banning, blocking and letting in again, by the word of a person here.

The rule it keeps: it is this peer's own affair. It stays connected to everybody else, what the banned peer says still comes
by way of others, and no other peer is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from chorus_tui.contract.models.peers import BanPeer, BlockPeer, Peer, UnbanPeer
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.mesh.interface import Mesh, NotKept
from chorus_tui.engine.protocol.identity import is_peer_id


class Known(Protocol):
    """Who is known here."""

    def peers(self) -> list[Peer]:
        """This peer first."""
        ...

    def nudge(self) -> None:
        """Something changed: tell the screens."""
        ...


def handlers(known: Known, mesh: Mesh) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
    """The three operations."""

    async def ban(request: BanPeer, caller: Any) -> Peer:
        return keep_out(request.peer, request.why or f"{caller.person or 'a person'} banned it", request.seconds)

    async def block(request: BlockPeer, caller: Any) -> Peer:
        return keep_out(request.peer, request.why or f"{caller.person or 'a person'} blocked it", None)

    def keep_out(named: str, why: str, seconds: float | None) -> Peer:
        peer_id = find(known, named)
        if peer_id == mesh.peer_id:
            raise Problem(409, "oneself", "That is this peer itself", "Name another; see: chorus-tui peers")
        with _kept(
            "It is kept out now, but the list of blocked peers cannot be written: after a restart none of it holds"
        ):
            mesh.ban(peer_id, why, seconds)
        known.nudge()
        return shown(peer_id)

    async def unban(request: UnbanPeer, _caller: Any) -> Peer:
        peer_id = find(known, request.peer)
        before = shown(peer_id)
        with _kept(
            "It may come again, but the list of blocked peers cannot be written: after a restart it is as before"
        ):
            lifted = mesh.lift(peer_id)
        if not lifted:
            raise Problem(409, "not-banned", f"{before.name} is not kept out", "See who is: chorus-tui peers")
        known.nudge()
        return next((peer for peer in known.peers() if peer.peer_id == peer_id), before.model_copy(update=_FREE))

    def shown(peer_id: str) -> Peer:
        found = next((peer for peer in known.peers() if peer.peer_id == peer_id), None)
        if found is None:
            raise Problem(409, "not-banned", f"{peer_id} is not kept out", "See who is: chorus-tui peers")
        return found

    return {"peers.ban": ban, "peers.block": block, "peers.unban": unban}


@contextmanager
def _kept(title: str) -> Iterator[None]:
    try:
        yield
    except NotKept as error:
        raise Problem(507, "disk", title, f"{error}. Make room, and say it again") from error


_FREE = {"ban": None, "state": "away"}


def find(known: Known, named: str) -> str:
    """The peer id that a person means: an id, whether it is known or not, or a name that is one peer's only."""
    ids = [peer.peer_id for peer in known.peers() if named in (peer.peer_id, peer.name, peer.agent_id)]
    if len(ids) == 1:
        return ids[0]
    if len(ids) > 1:
        raise Problem(409, "ambiguous", f"{named} is the name of {len(ids)} peers", "Use the peer id.")
    if is_peer_id(named):
        return named
    raise Problem(404, "unknown-peer", f"No peer here is called {named}", "Use a name or peer id of: chorus-tui peers")
