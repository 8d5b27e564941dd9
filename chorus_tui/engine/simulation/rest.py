"""Liveness: what still keeps a mended world from rest, each with the invariant that it would break in the end."""

from __future__ import annotations

from collections.abc import Iterable

from chorus_tui.engine.decisions.facts import Closing
from chorus_tui.engine.decisions.rules import flaw
from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World
from chorus_tui.engine.tasks.task import Task

Unrest = tuple[str, str]
"""(name of the invariant, what is not yet so)."""


def not_met(world: World, names: Iterable[str] | None = None) -> list[Unrest]:
    """What keeps the peers, or those of these names, from being one mesh."""
    peers = [peer for name, peer in world.peers.items() if names is None or name in names]
    meshes = sorted({(peer.control.mesh_id or "none")[:8] for peer in peers})
    if len(meshes) > 1 or meshes == ["none"]:
        return [("X2", f"the peers are of {len(meshes)} meshes: {', '.join(meshes)}")]
    everybody = {peer.peer_id for peer in peers}
    return [
        ("X2", f"{peer.name} does not count all peers as members")
        for peer in peers
        if not everybody <= set(peer.control.members)
    ]


def unrest(world: World) -> list[Unrest]:
    """All that is not yet at rest. When too many voters were spoiled nothing of it is promised."""
    if world.reckless:
        return []
    peers = [peer for _, peer in sorted(world.peers.items())]
    found = not_met(world)
    if not found:
        found = _decisions(peers) + _tasks(peers, world) + _votes(peers, world)
    return found + _feeds(peers, world)


def _decisions(peers: list[Peer]) -> list[Unrest]:
    admins = [peer.name for peer in peers if peer.control.is_admin]
    found = [] if len(admins) == 1 else [("E9", f"admins: {', '.join(admins) or 'none'}")]
    for what in ("term", "commit", "admin"):
        values = {peer.name: getattr(peer.control, what) for peer in peers}
        if len(set(values.values())) > 1:
            found.append(("E9", f"not the same {what}: {_words(values)}"))
    found += [("E9", f"{p.name}: {p.control.state}, {p.control.detail}") for p in peers if p.control.state != "member"]
    return found


def _tasks(peers: list[Peer], world: World) -> list[Unrest]:
    found: list[Unrest] = []
    # Where one peer holds the forked announcement, the task waits for a master's word on the fork: for everybody.
    left = {task.key for peer in peers for task in peer.tasks.board.tasks.values() if _forked(task, world)}
    for peer in peers:
        for task in peer.tasks.board.of_mesh(peer.control.mesh_id):
            announced = task.announced
            if announced is not None and not task.terminal and task.key not in left:
                held = peer.tasks.name(task.held.worker) if task.held else "nobody"
                found.append(("T3", f"on {peer.name} “{announced.spec.title}” has not ended; held by {held}"))
    return found


def _votes(peers: list[Peer], world: World) -> list[Unrest]:
    """Deadlines are over when they are on the admin's clock, however wrong that is."""
    admins = [peer for peer in peers if peer.control.is_admin]
    now = max((peer.clock.wall() * 1000 for peer in admins), default=0.0)
    found: list[Unrest] = []
    for peer in peers:
        for case in peer.deciding.book.proposals():
            said = case.proposal
            assert said is not None
            if said.message.mesh_id != peer.control.mesh_id or (said.author, said.epoch) in world.invariants.forked:
                continue
            if case.end is None and said.message.deadline <= now and not flaw(said, peer.control.members):
                found.append(("V3", f"on {peer.name} “{said.message.title}” is not closed"))
            elif case.closing is not None and peer.deciding.result(case) is None and not _in_doubt(case.closing, world):
                found.append(("V3", f"{peer.name} does not know what came of “{said.message.title}”"))
    return found


def _in_doubt(closing: Closing, world: World) -> bool:
    """Whether a counted vote stands in a feed that a fault made fork."""
    return any(
        stated.vote is not None and (voter, stated.vote.epoch) in world.invariants.forked
        for voter, stated in closing.members.items()
    )


def _forked(task: Task, world: World) -> bool:
    announced = task.announced
    return announced is not None and (announced.author, announced.cite["epoch"]) in world.invariants.forked


def _feeds(peers: list[Peer], world: World) -> list[Unrest]:
    found: list[Unrest] = []
    first = _heads(peers[0], world)
    for peer in peers[1:]:
        heads = _heads(peer, world)
        if heads != first:
            feed = min(key for key in {*heads, *first} if heads.get(key) != first.get(key))
            numbers = f"{first.get(feed, (0,))[0]} and {heads.get(feed, (0,))[0]} entries"
            found.append(("F2", f"{peers[0].name} and {peer.name} differ in {feed[0][-6:]}/{feed[1][:8]}: {numbers}"))
    return found


def _heads(peer: Peer, world: World) -> dict[tuple[str, str], tuple[int, str]]:
    heads = peer.journal.chains.heads
    return {feed: head for feed, head in heads.items() if feed not in world.invariants.forked}


def _words(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {str(value)[-6:]}" for name, value in values.items())
