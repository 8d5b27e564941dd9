"""The operations that belong to no feature: greeting, status, invitation, journal, blobs, stopping."""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from chorus_tui import __version__
from chorus_tui.contract import CONTRACT_VERSION
from chorus_tui.contract.models import blobs, journal
from chorus_tui.contract.models import status as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.election import Decided
from chorus_tui.contract.models.operate import LogTail, TailLog
from chorus_tui.contract.models.peers import Invitation
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.ai.interface import ProviderHealth
from chorus_tui.engine.api.token_doors import TokenDoors
from chorus_tui.engine.control.asking import ask_admin
from chorus_tui.engine.control.operations import ControlOperations
from chorus_tui.engine.journal import forks
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.runtime import health
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.erasing import Erasing
from chorus_tui.engine.runtime.exporting import Exporting
from chorus_tui.engine.runtime.figures.pulse import Pulse
from chorus_tui.engine.runtime.rates import Rates
from chorus_tui.engine.runtime.supervision import Supervisor
from chorus_tui.engine.slurp.doors import SlurpDoors
from chorus_tui.engine.telemetry import logs
from chorus_tui.engine.vault.doors import VaultDoors

Handler = Callable[[Any, Any], Awaitable[Any]]


class EngineHandlers:
    """Answers for the engine as a whole. ``stop`` is told the drain time a caller wishes, or None."""

    def __init__(
        self, engine: Engine, supervisor: Supervisor, pulse: Pulse, stop: Callable[[float | None], None]
    ) -> None:
        self._engine = engine
        self._supervisor = supervisor
        self._pulse = pulse
        self._stop = stop
        self._erasing = Erasing(engine)
        self._exporting = Exporting(engine.journal, engine.control)
        counters = engine.mesh.counters
        self.rates = Rates(
            {"heard": lambda: counters.received, "said": lambda: counters.sent, "entries": engine.journal.count},
            engine.clock.monotonic,
        )

    def all(self) -> dict[str, Handler]:
        """Of the engine and of its features, by operation."""
        own: dict[str, Handler] = {
            "engine.hello": self.hello,
            "engine.log": self.log,
            "engine.stop": self.stop,
            "status.show": self.status,
            "network.invite": self.invite,
            "blobs.read": self.read_blob,
            "blobs.holders": self.blob_holders,
            "journal.tail": self.tail,
            "journal.fleeting": self.fleeting,
            "journal.verify": self.verify,
            "journal.export": self.export,
            "journal.forks": self.forks,
            "journal.resolve": self.resolve,
            "journal.erase": self._erasing.erase,
            "journal.stats": self.stats,
        }
        return {
            **self._engine.blobs.handlers(),
            **own,
            **ControlOperations(self._engine.control).handlers(),
            **self._engine.tasks.handlers(),
            **self._engine.callbacks.handlers(),
            **self._engine.peers.handlers(),
            **self._engine.deciding.handlers(),
            **self._engine.patches.handlers(),
            **self._engine.coordination.handlers(),
            **self._engine.assistance.handlers(),
            **self._engine.hmmm.handlers(),
            **self._engine.collab.handlers(),
            **self._engine.inbox.handlers(),
            **self._engine.shhh.handlers(),
            **self._engine.memory.contents.handlers(),
            **VaultDoors(self._engine.memory.keys).handlers(),
            **TokenDoors(self._engine.tokens, self._engine.clock.wall).handlers(),
            **SlurpDoors(self._engine.slurp, self._engine.journal, self._engine.control).handlers(),
        }

    async def hello(self, _request: Any, caller: Any) -> models.Hello:
        """The greeting."""
        engine = self._engine
        return models.Hello(
            contract=CONTRACT_VERSION, version=__version__, agent_id=engine.agent_id, peer_id=engine.identity.peer_id,
            kind=engine.kind, pid=os.getpid(), data_dir=str(engine.folder.path), draining=engine.draining,
            person=str(getattr(caller, "person", "")),
        )  # fmt: skip

    async def log(self, request: TailLog, _caller: Any) -> LogTail:
        """Redacted when they were written."""
        return LogTail(lines=logs.recent(request.limit))

    async def stop(self, request: models.StopEngine, _caller: Any) -> Empty:
        """Drain and stop; the answer comes before."""
        self._stop(request.drain_s)
        return Empty()

    async def status(self, _request: Any, _caller: Any) -> models.Status:
        """Everything about this peer."""
        return self.present()

    def present(self) -> models.Status:
        """The present status."""
        engine, control = self._engine, self._engine.control
        found = health.checks(engine, self._supervisor, self._pulse)
        me = control.members.get(engine.identity.peer_id)
        return models.Status(
            agent_id=engine.agent_id, peer_id=engine.identity.peer_id, kind=engine.kind, version=__version__,
            started_at=engine.started_at, addresses=engine.mesh.addresses(), data_dir=str(engine.folder.path),
            role=engine.settings.role, authority=me.authority if me else "", license=str(engine.license),
            mesh_id=control.mesh_id, mesh_state=control.state, mesh_detail=control.detail, admin=self._admin(),
            voters=list(control.voters), failover=self._failover(), peers=len(engine.mesh.links()), members=len(control.members),
            tasks=engine.tasks.by_state(), running=engine.tasks.worker.running, max_tasks=engine.max_tasks,
            network=engine.key.mode, health=health.level(found), checks=found, warnings=self._warnings(),
            draining=engine.draining, feed_entries=engine.journal.count(), control_index=control.commit,
            refused_messages=dict(engine.mesh.counters.refused), models=[self._provider(found) for found in engine.models.health()],
            beats=engine.beats.present() if engine.beats else None, rates=self.rates.present(),
        )  # fmt: skip

    def _provider(self, found: ProviderHealth) -> models.ModelProvider:
        return models.ModelProvider(
            name=found.name, endpoint=found.endpoint, model=found.model, state=found.state, detail=found.detail, asked=found.asked,
            failed=found.failed, tokens=found.tokens,
        )  # fmt: skip

    def _admin(self) -> models.Admin | None:
        control = self._engine.control
        if control.admin is None:
            return None
        name = control.name(control.admin)
        return models.Admin(
            agent_id=name, peer_id=control.admin, term=control.term, reachable=control.admin_reachable()
        )

    def _failover(self) -> str:
        return self._engine.control.meaning()

    def _warnings(self) -> list[str]:
        engine = self._engine
        notes = [*engine.settings.warnings, *engine.control.overruled()]
        if engine.key.mode == "open":
            notes.append("The network key is switched off: any process on this machine can join")
        return notes

    async def invite(self, _request: Any, _caller: Any) -> Invitation:
        """What to set on another machine. Carries the network key, so it needs the admin scope."""
        engine = self._engine
        addresses = engine.mesh.addresses()
        environment = {"CHORUS_BOOTSTRAP_PEERS": ",".join(addresses[:3])}
        if engine.key.key is not None:
            environment["CHORUS_NETWORK_KEY"] = network_key.to_text(engine.key.key)
        note = network_key.invitation_note(engine.key, engine.settings.p2p_port)
        return Invitation(addresses=addresses, network=engine.key.mode, environment=environment, note=note)

    # ── journal and blobs ──────────────────────────────────────────────────────────────────────────────────────────

    async def read_blob(self, request: blobs.ReadBlob, _caller: Any) -> blobs.BlobChunk:
        """A range; the blob is fetched from a member first when it is not here."""
        path = await self._engine.blobs.shown(request.digest)

        def read() -> tuple[int, bytes]:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(min(request.offset, size))  # a file system refuses places beyond what it can hold
                return size, file.read(request.length)

        size, data = await trio.to_thread.run_sync(read)
        text = base64.b64encode(data).decode()
        return blobs.BlobChunk(digest=request.digest, size=size, offset=request.offset, data=text)

    async def blob_holders(self, request: blobs.BlobRef, _caller: Any) -> blobs.BlobHolders:
        """Who vouches for a blob now, by name."""
        answer = await self._engine.blobs.holders(request)
        return answer.model_copy(update={"names": {peer: self._engine.control.name(peer) for peer in answer.holders}})

    async def tail(self, request: journal.TailJournal, _caller: Any) -> journal.JournalPage:
        """The newest entries, their authors by name."""
        page = await self._engine.journal.tail(request)
        name = self._engine.control.name
        named = [entry.model_copy(update={"author_name": name(entry.author)}) for entry in page.entries]
        return page.model_copy(update={"entries": named})

    async def fleeting(self, request: journal.TailJournal, _caller: Any) -> journal.FleetingLog:
        """What was heard and is kept nowhere, its authors by name."""
        answer, name = self._engine.journal.heard(request), self._engine.control.name
        return journal.FleetingLog(
            messages=[one.model_copy(update={"author_name": name(one.author)}) for one in answer.messages]
        )

    async def verify(self, _request: Any, _caller: Any) -> journal.Verification:
        """Feeds and control logs."""
        feeds = await self._engine.journal.verify()
        count, problems = self._engine.control.verify()
        found = [*feeds.problems, *problems]
        return feeds.model_copy(update={"ok": not found, "control_entries": count, "problems": found})

    async def stats(self, _request: Any, _caller: Any) -> journal.JournalStats:
        """In numbers, authors by name."""
        answer = await self._engine.journal.stats()
        name = self._engine.control.name
        named = [share.model_copy(update={"author_name": name(share.author)}) for share in answer.by_author]
        return answer.model_copy(update={"by_author": named, "blobs": await self._engine.blobs.stats()})

    async def forks(self, _request: Any, _caller: Any) -> journal.ForkList:
        """Every fork that is not decided, both branches."""
        return journal.ForkList(forks=self._forks())

    def _forks(self) -> list[journal.Fork]:
        control = self._engine.control
        found = forks.present(self._engine.journal)
        return [fork.model_copy(update={"author_name": control.name(fork.author)}) for fork in found]

    async def resolve(self, request: journal.ResolveFork, _caller: Any) -> Decided:
        """A master's word on which branch counts; decided by the admin."""
        found = [
            (fork, branch)
            for fork in self._forks()
            for branch in fork.branches
            if request.author in (fork.author, fork.author_name) and fork.epoch.startswith(request.epoch)
            and fork.seq == request.seq and branch.hash.startswith(request.keep)
        ]  # fmt: skip
        if len(found) != 1:
            raise invalid({"keep": "no such branch of an open fork; 'journal forks' lists them"})
        fork, branch = found[0]
        data = {"author": fork.author, "epoch": fork.epoch, "seq": fork.seq, "keep": branch.hash}
        return Decided(index=await ask_admin(self._engine.control, forks.RESOLVED, data))

    async def export(self, request: journal.ExportJournal, _caller: Any) -> journal.ExportPage:
        """See :mod:`chorus_tui.engine.runtime.exporting`."""
        return await self._exporting.page(request.after or "", request.limit)
