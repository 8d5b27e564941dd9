"""Coordination and assistance on a simulated mesh: the shop's peers with the services that talk, and models that say what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import trio

from chorus_tui.contract.models.journal import TailJournal
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask
from chorus_tui.engine.ai.interface import Answer, Ask, Usage
from chorus_tui.engine.ai.schema import check_schema
from chorus_tui.engine.ai.voice import Voice
from chorus_tui.engine.assistance.parts import Parts as AssistanceParts
from chorus_tui.engine.assistance.service import AssistanceService
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.coordination.parts import Parts
from chorus_tui.engine.coordination.service import CoordinationService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.peers.service import Load, PeerService, Self
from chorus_tui.engine.protocol.canonical import encode
from chorus_tui.engine.tasks.routing import Agent
from chorus_tui.engine.tasks.service import TaskService
from chorus_tui.engine.vault.age_identity import AgeIdentity
from chorus_tui.engine.vault.sealing import AgeSealing
from tests.simulation.engines import Peer, until, world
from tests.simulation.shop import Service, Shop
from tests.simulation.test_meeting import one_mesh

Says = Callable[[str], dict[str, Any]]


class SpokenModel:
    """A model whose answer is a function of what it is shown."""

    available = True

    def __init__(self, says: Says) -> None:
        self._says = says
        self.asked: list[str] = []

    async def ask(self, ask: Ask, on_text: Any = None) -> Answer:
        check_schema(ask)
        shown = "\n".join(message.content for message in ask.messages)
        self.asked.append(shown)
        await trio.sleep(0.5)
        return Answer(encode(self._says(shown)).decode(), "m", "p", Usage(), "stop", 0.5)


class Talk(Shop):
    """A shop whose peers coordinate."""

    def __init__(self, at: Any) -> None:
        super().__init__(at)
        self.coordination: dict[str, CoordinationService] = {}
        self.models: dict[str, SpokenModel] = {}
        self.reports_to: dict[str, str] = {}
        self.assistance: dict[str, AssistanceService] = {}
        self.ages: dict[str, AgeIdentity] = {}

    def beside(self, name: str, peer: Peer, tasks: TaskService, kind: str) -> list[Service]:
        self.ages.setdefault(name, AgeIdentity.generate())
        clock, events, reports_to = SystemClock(), EventBus(), self.reports_to.get(name, "")
        me = Self(peer.peer_id, name, kind, "", (), "", reports_to, "test", 3, "auto", self.ages[name].recipient)
        peers = PeerService(
            me, peer.journal, peer.control, peer.mesh, clock, events, lambda: Load(0, False, ("python",))
        )
        model = self.models.get(name)
        voice = Voice(model, lambda _role: "", "", clock, str) if model else None
        self.coordination[name] = made = CoordinationService(
            Parts(
                peer.peer_id, name, peer.journal, peer.control, peer.mesh, clock, events, tasks.board, peers,
                tasks.name, tasks.touched, voice,
            )
        )  # fmt: skip
        tasks.coordinated = made.of_task
        sealing = AgeSealing(peer.peer_id, self.ages[name], lambda value: value, peers.recipients)
        self.assistance[name] = help_ = AssistanceService(
            AssistanceParts(
                peer.peer_id, peer.journal, peer.control, peer.mesh, clock, events, tasks.board, lambda: self.agents(peer),
                tasks.name, str, voice, sealing,
            )
        )  # fmt: skip
        return [peers.run, made.run, help_.run]

    def agents(self, seer: Peer) -> list[Agent]:
        """Those with a voice have a model."""
        return [replace(one, models=one.name in self.models) for one in super().agents(seer)]

    async def announce_in(self, name: str, repository: str, title: str, **spec: Any) -> str:
        """A task that is open for long: it needs a role that nobody has, unless the test says otherwise."""
        fields: dict[str, Any] = {"commands": ["true"], "role": "nobody", **spec}
        request = AnnounceTask(spec=TaskSpec(title=title, repository=f"https://example.org/{repository}.git", **fields))
        announcing = self.services[name].announcing
        made = await announcing.announce(request, None)
        return str(made.task_id)

    def sessions(self, name: str) -> list[Any]:
        return self.coordination[name].present()


@asynccontextmanager
async def talk(
    seed: int, *names: str, models: dict[str, Says] | None = None, people: Sequence[str] = (), who: dict[str, Any] | None = None,
    **reports_to: str,
):  # fmt: skip
    """A mesh of these peers; those in ``models`` have a voice, ``who`` gives role and expertise by name."""
    async with world(seed) as at:
        made = Talk(at)
        made.models = {name: SpokenModel(says) for name, says in (models or {}).items()}
        made.reports_to = reports_to
        peers = [
            await made.start(name, kind="human" if name in people else "agent", **(who or {}).get(name, {}))
            for name in names
        ]
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(5)
        yield made


async def everything(made: Talk, author: str) -> list[dict[str, Any]]:
    """What one peer has said."""
    page = await made.at.peers[author].journal.tail(TailJournal(limit=1000))
    return [row.model_dump() for row in page.entries if row.author == made.at.peers[author].peer_id]
