"""Decisions on a simulated mesh: journals, control logs and votes, as the engine joins them. Seals are real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from chorus_tui.contract.models.decisions import DecisionRef, DecisionView, ProposeDecision, VoteCast, VoteDecision
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.decisions.parts import Parts
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.simulation.stand_ins import AnnouncedOnly
from chorus_tui.engine.vault.age_identity import AgeIdentity
from chorus_tui.engine.vault.sealing import AgeSealing
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh


class Hall:
    """A world whose peers also carry the decisions feature."""

    def __init__(self, at: World) -> None:
        self.at = at
        at.clock = SimulatedClock  # deadlines are in the time that the simulation lets pass
        self.services: dict[str, DecisionService] = {}
        self.keys: dict[str, AgeIdentity] = {}
        self.last_log: dict[str, list[str]] = {}

    async def start(self, name: str, *, kind: str = "agent", **options: Any) -> Peer:
        """Start a peer; an old name with ``images`` comes back."""
        holder: dict[str, DecisionService] = {}

        def extend(peer: Peer) -> None:
            key = self.keys.setdefault(peer.peer_id, AgeIdentity.generate())
            sealing = AgeSealing(
                peer.peer_id, key, lambda value: value, lambda roles, _peers: self._recipients(peer, roles)
            )
            holder["service"] = DecisionService(
                Parts(
                    peer.peer_id, kind, peer.journal, peer.control, AnnouncedOnly(peer.journal), sealing, self.at.clock(),  # type: ignore[arg-type]
                    SeededEntropy(f"{name} {len(self.services)}"), EventBus(),
                )
            )  # fmt: skip

        peer = await self.at.start(name, kind=kind, extend=extend, **options)
        await peer.mesh.join(topics.DECISIONS)  # type: ignore[attr-defined]
        self.services[name] = holder["service"]
        peer.votes_scope = await self.at.nursery.start(self._serve, holder["service"])  # type: ignore[attr-defined]
        return peer

    def _recipients(self, seer: Peer, roles: Sequence[str]) -> dict[str, str]:
        wanted = {topics.part(role) for role in roles}
        return {
            peer_id: self.keys[peer_id].recipient
            for peer_id, member in seer.control.members.items()
            if topics.part(member.role) in wanted and member.role
        }

    async def _serve(self, service: DecisionService, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            await service.run()

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash."""
        self.at.peers[name].votes_scope.cancel()  # type: ignore[attr-defined]
        self.services.pop(name)
        return self.at.kill(name)

    @property
    def admin(self) -> str:
        """The name of the peer that leads."""
        return next(name for name, peer in self.at.peers.items() if peer.control.is_admin)

    def others(self) -> list[str]:
        """Names of all but the admin, in order."""
        return [name for name in self.at.peers if name != self.admin]

    async def propose(self, name: str, **request: Any) -> str:
        """Its id; ``title`` and a minute's deadline unless said."""
        asked = ProposeDecision(**{"title": "Use PostgreSQL", "deadline": "60s", **request})
        return (await self.services[name].proposing.propose(asked, None)).decision_id

    async def vote(self, name: str, id_: str, choice: str = "approve", **rest: Any) -> VoteCast:
        return await self.services[name].acting.vote(VoteDecision(decision_id=id_, choice=choice, **rest), None)

    async def show(self, name: str, id_: str) -> DecisionView:
        return await self.services[name].acting.show(DecisionRef(decision_id=id_), None)

    async def known(self, id_: str, *names: str) -> None:
        """Until these peers, or all, know a proposal."""
        for name in names or list(self.services):
            book = self.services[name].book
            await until(f"{name} knows it", lambda book=book: book.named(id_))  # type: ignore[misc]

    async def ended(self, id_: str, *names: str, seconds: float = 200.0) -> list[DecisionView]:
        """Until it has ended in the same way for these peers, or all; what each shows."""
        with trio.move_on_after(seconds):
            while True:
                views = [await self.show(name, id_) for name in names or list(self.services)]
                if all(view.state not in ("open", "overdue", "counting") for view in views):
                    return views
                await trio.sleep(0.5)
        raise AssertionError(f"not ended: {[(view.decision_id, view.state, view.why) for view in views]}")

    def cut(self, *names: str) -> None:
        """These from all the others; each other they still hear."""
        inside = {self.at.peers[name].peer_id for name in names}
        for peer in self.at.peers.values():
            for other in inside:
                if peer.peer_id not in inside:
                    self.at.network.cut(peer.peer_id, other)


@asynccontextmanager
async def hall(seed: int, *names: str, **options: Any) -> AsyncIterator[Hall]:
    """A mesh of these peers with decisions; ``ana:human`` is a person, ``bob@review`` has a role."""
    async with world(seed) as at:
        made, peers = Hall(at), []
        for spec in names:
            name, _, kind = spec.partition(":")
            name, _, role = name.partition("@")
            peers.append(await made.start(name, kind=kind or "agent", role=role, **options))
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(3)
        yield made
