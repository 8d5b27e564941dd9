"""Patches on a simulated mesh: journals, control logs, votes and patches, as the engine joins them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.diff_text import unified
from chorus_tui.contract.models import patches as models
from chorus_tui.contract.models.decisions import VoteDecision
from chorus_tui.contract.problem import not_found
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.decisions.parts import Parts as DecisionParts
from chorus_tui.engine.decisions.service import DecisionService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import BlobInfo, Copies
from chorus_tui.engine.patches.parts import Parts
from chorus_tui.engine.patches.service import PatchService
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.runtime import joining
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.simulation.clocks import SimulatedClock
from chorus_tui.engine.simulation.stand_ins import AnnouncedOnly, NoSeals
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_meeting import one_mesh

OLD = "one\ntwo\nthree\n"


def change(new: str = "one\nzwei\nthree\n", path: str = "calc.txt") -> str:
    """A diff in base64."""
    return base64.b64encode(unified(path, OLD, new)).decode()


class Folder:
    """Blobs of a whole mesh in one folder: how they get about is tested elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put_bytes(self, data: bytes) -> BlobInfo:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        (self._folder / digest[7:]).write_bytes(data)
        return BlobInfo(digest, len(data))

    async def shown(self, digest: str) -> Path:
        return await self.path(digest)

    async def path(self, digest: str) -> Path:
        return self._folder / digest[7:]

    def has(self, digest: str) -> bool:
        return (self._folder / digest[7:]).exists()

    async def replicate(self, digests: list[str], copies: int = 2, wait_s: float = 5.0) -> Copies:
        return Copies(0, 0)


def _no_task(task_id: str) -> Any:
    raise not_found("task", task_id)


class Workshop:
    """A world whose peers also carry decisions and patches."""

    def __init__(self, at: World, folder: Path, contents: Any = None) -> None:
        self.at = at
        at.clock = SimulatedClock
        self.services: dict[str, PatchService] = {}
        self.votes: dict[str, DecisionService] = {}
        self._blobs = Folder(folder)
        self._contents = contents

    async def start(self, name: str, *, kind: str = "agent", **options: Any) -> Peer:
        """Start a peer; an old name with ``images`` comes back."""

        def extend(peer: Peer) -> None:
            common = (peer.journal, peer.control, self._blobs)
            entropy = SeededEntropy(f"{name} {len(self.at.peers)}")
            clock, events = self.at.clock(), EventBus()
            votes = DecisionService(
                DecisionParts(
                    peer.peer_id,
                    kind,
                    peer.journal,
                    peer.control,
                    AnnouncedOnly(peer.journal),
                    NoSeals(),
                    clock,
                    entropy,
                    events,
                )
            )  # type: ignore[arg-type]
            self.votes[name] = votes
            self.services[name] = PatchService(
                Parts(
                    peer.peer_id, kind, *common, clock, entropy, events, Redactor().text, joining.ballots_of(votes),  # type: ignore[arg-type]
                    votes.proposing.propose, _no_task, self._contents,
                )
            )  # fmt: skip
            peer.besides += [votes.run, self.services[name].run]

        peer = await self.at.start(name, kind=kind, extend=extend, **options)
        await peer.mesh.join(topics.DECISIONS)  # type: ignore[attr-defined]
        return peer

    def kill(self, name: str) -> tuple[bytes, bytes]:
        """A crash; what is left on the disks."""
        self.services.pop(name)
        self.votes.pop(name)
        return self.at.kill(name)

    @property
    def admin(self) -> str:
        return next(name for name, peer in self.at.peers.items() if peer.control.is_admin)

    async def create(self, name: str, **request: Any) -> models.PatchView:
        asked = models.CreatePatch(**{"title": "Say it in German", "diff": change(), "repository": "calc", **request})
        return await self.services[name].making.create(asked, None)

    async def review(self, name: str, id_: str, verdict: str = "approve", **rest: Any) -> models.PatchView:
        request = models.ReviewPatch(patch_id=id_, verdict=verdict, **rest)  # type: ignore[arg-type]
        return await self.services[name].acting.review(request, None)

    async def submit(self, name: str, id_: str) -> models.PatchView:
        return await self.services[name].acting.submit(models.SubmitPatch(patch_id=id_), None)

    async def withdraw(self, name: str, id_: str) -> models.PatchView:
        return await self.services[name].acting.withdraw(models.WithdrawPatch(patch_id=id_, reason="not now"), None)

    async def applied(self, name: str, id_: str, **where: Any) -> models.PatchView:
        request = models.PatchApplied(**{"patch_id": id_, "commit": "a" * 40, **where})
        return await self.services[name].acting.applied(request, None)

    async def vote(self, name: str, id_: str, deadline: str = "60s") -> models.PatchView:
        return await self.services[name].acting.vote(models.VotePatch(patch_id=id_, deadline=deadline), None)

    async def ballot(self, name: str, decision_id: str, choice: str = "approve") -> None:
        await self.votes[name].acting.vote(VoteDecision(decision_id=decision_id, choice=choice, final=True), None)

    def show(self, name: str, id_: str) -> models.PatchView | None:
        """As this peer shows it; None while it has not heard of it."""
        service = self.services[name]
        found = service.book.named(id_)
        return service.view_of(found[0].key) if found else None

    def shown(self, id_: str) -> set[Any]:
        """What the peers show, without what differs from peer to peer."""
        differs = {"mine", "waits_for_me", "may", "delivery", "author_name", "diff_here"}
        views = [self.show(name, id_) for name in self.services]
        return {view.model_dump_json(exclude=differs) if view else None for view in views}

    async def all_show(self, id_: str, state: str, seconds: float = 200.0) -> models.PatchView:
        """Until all show it in this state, and in all else alike."""
        await until(
            f"{state} everywhere",
            lambda: (
                len(self.shown(id_)) == 1
                and (view := self.show(next(iter(self.services)), id_))
                and view.state == state
            ),
            seconds,
        )
        view = self.show(next(iter(self.services)), id_)
        assert view is not None
        return view

    def cut(self, *names: str) -> None:
        """These from all the others; each other they still hear."""
        inside = {self.at.peers[name].peer_id for name in names}
        for peer in self.at.peers.values():
            for other in inside:
                if peer.peer_id not in inside:
                    self.at.network.cut(peer.peer_id, other)


@asynccontextmanager
async def workshop(
    seed: int, folder: Path, *names: str, contents: Any = None, **options: Any
) -> AsyncIterator[Workshop]:
    """A mesh of these peers; ``ana:human`` is a person."""
    async with world(seed) as at:
        made, peers = Workshop(at, folder, contents), []
        for spec in names:
            name, _, kind = spec.partition(":")
            peers.append(await made.start(name, kind=kind or "agent", **options))
        await until("one mesh", lambda: one_mesh(peers))
        await trio.sleep(3)
        yield made
