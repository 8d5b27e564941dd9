"""Rooms on a simulated mesh: journals, control logs and the rooms feature, as the engine joins them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from chorus_tui.contract.models import hmmm as models
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.service import HmmmService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.vault.age_identity import AgeIdentity
from chorus_tui.engine.vault.sealing import AgeSealing
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh

Answer = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""(what is asked: answer, look, talk or plan; the material) → the model's object."""


class ScriptedVoice:
    """A model that follows a function; every question takes a second."""

    available = True

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[str] = []

    async def answer(
        self, instructions: str, material: str, schema: Mapping[str, Any], max_tokens: int = 600
    ) -> dict[str, Any] | None:  # fmt: skip
        (field,) = {"say", "objection", "act", "plan"} & set(schema["properties"])
        kind = {"say": "answer", "objection": "look", "act": "talk", "plan": "plan"}[field]
        self.asked.append(kind)
        await trio.sleep(1)
        return self._answer(kind, canonical.decode(material.encode()))


def silent(_kind: str, _material: dict[str, Any]) -> dict[str, Any] | None:
    return None


class Forum:
    """A world whose peers also carry the rooms."""

    def __init__(self, at: World) -> None:
        self.at = at
        at.clock = SimulatedClock
        self.services: dict[str, HmmmService] = {}
        self._ages: dict[str, AgeIdentity] = {}

    async def start(self, name: str, voice: Answer | None = None, *, role: str = "", **options: Any) -> Peer:
        """One more peer; a ``voice`` makes it an agent that speaks."""
        holder: dict[str, HmmmService] = {}

        def extend(peer: Peer) -> None:
            parts = Parts(
                peer.peer_id, name, peer.journal, peer.control, peer.mesh, self.at.clock(),  # type: ignore[arg-type]
                SeededEntropy(f"rooms {name} {len(self.services)}"), EventBus(), self._sealing(peer, name), str,
                ScriptedVoice(voice) if voice else None,
            )  # fmt: skip
            holder["service"] = HmmmService(parts)

        peer = await self.at.start(name, extend=extend, role=role, **options)
        self.services[name] = holder["service"]
        self.at.nursery.start_soon(self._serve, peer, holder["service"])
        return peer

    def _sealing(self, peer: Peer, name: str) -> AgeSealing:
        """With an age identity of its own; the recipients are those that were granted a role, as in an engine."""
        age = self._ages.setdefault(name, AgeIdentity.generate())

        def recipients(roles: Sequence[str], peers: Sequence[str]) -> dict[str, str]:
            members = peer.control.members.values()
            return {
                one.peer_id: self._ages[one.agent_id].recipient
                for one in members
                if one.role in roles or one.peer_id in peers
            }

        return AgeSealing(peer.peer_id, age, lambda value: value, recipients)

    async def _serve(self, peer: Peer, service: HmmmService) -> None:
        with trio.CancelScope() as scope:
            peer.rooms_scope = scope  # type: ignore[attr-defined]
            await service.run()

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash; what is left on the disks."""
        self.at.peers[name].rooms_scope.cancel()  # type: ignore[attr-defined]
        self.services.pop(name)
        return self.at.kill(name)

    # ── saying and seeing ──────────────────────────────────────────────────────────────────────────────────────────

    async def propose(self, name: str, text: str, thread_id: str = "", **fields: Any) -> models.Said:
        request = models.Propose(issue_id="room", thread_id=thread_id, message=text, **fields)
        return await self.services[name].operations.propose(request, None)

    async def send(self, name: str, text: str, thread_id: str = "", **fields: Any) -> models.Said:
        request = models.Say(issue_id="room", thread_id=thread_id, message=text, **fields)
        return await self.services[name].operations.send(request, None)

    async def query(self, name: str, text: str, **fields: Any) -> models.Said:
        return await self.services[name].operations.query(models.Query(issue_id="room", message=text, **fields), None)

    async def reply(self, name: str, msg_id: str, text: str, **fields: Any) -> models.Said:
        return await self.services[name].operations.reply(models.Reply(msg_id=msg_id, message=text, **fields), None)

    async def object(self, name: str, msg_id: str, reason: str) -> models.Said:
        return await self.services[name].operations.object(models.Object(msg_id=msg_id, reason=reason), None)

    async def agree(self, name: str, msg_id: str) -> models.Said:
        return await self.services[name].operations.agree(models.Agree(msg_id=msg_id), None)

    async def answer(self, name: str, thread_id: str, text: str) -> models.Said:
        request = models.AnswerEscalation(issue_id="room", thread_id=thread_id, message=text)
        return await self.services[name].operations.answer(request, None)

    def view(self, name: str, thread_id: str) -> models.ThreadView:
        service = self.services[name]
        return service.views.show(service.rooms.thread("room", thread_id))

    def state(self, name: str, said: models.Said) -> str:
        """How a message stands, as this peer shows it; empty when it has not heard of it."""
        return next((line.state for line in self.view(name, said.thread_id).lines if line.msg_id == said.msg_id), "")

    def states(self, said: models.Said) -> set[str]:
        return {self.state(name, said) for name in self.services}

    async def all_see(self, said: models.Said, state: str, seconds: float = 120.0) -> None:
        await until(f"{state} everywhere, not {self.states(said)}", lambda: self.states(said) == {state}, seconds)

    def messages(self, name: str) -> int:
        return sum(len(thread.lines) for thread in self.services[name].rooms.threads.values())


@asynccontextmanager
async def forum(
    seed: int, people: tuple[str, ...], agents: Mapping[str, Answer | None], **options: Any
) -> AsyncIterator[Forum]:
    """One mesh of these; the first person founds it, so it is its master."""
    async with world(seed) as at:
        made = Forum(at)
        peers = [await made.start(name, kind="human", **options) for name in people]
        peers += [await made.start(name, voice, **options) for name, voice in agents.items()]
        await until("one mesh", lambda: one_mesh(peers), 300)
        await trio.sleep(2)
        yield made
