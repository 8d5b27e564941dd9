"""All readers of one engine, joined."""

from __future__ import annotations

from functools import partial

from chorus_tui.engine.api.server import ApiServer
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures import machine, network, people, truth, work
from chorus_tui.engine.runtime.figures.calls import Calls
from chorus_tui.engine.runtime.figures.counting import Counting, Decided
from chorus_tui.engine.runtime.figures.pulse import Pulse
from chorus_tui.engine.runtime.supervision import Supervisor
from chorus_tui.engine.tasks.task import Key
from chorus_tui.engine.telemetry.metrics import Reader


class Figures:
    """Made before the journal opens, because it folds what is said."""

    def __init__(self, engine: Engine, supervisor: Supervisor) -> None:
        self._engine = engine
        self._supervisor = supervisor
        self.pulse = Pulse(engine.clock, engine.folder.path)
        self.calls = Calls(engine.clock)
        self._counting = Counting(engine.identity.peer_id, engine.started_at, self._announced_ms)
        engine.journal.fold(self._counting)
        engine.control.fold(Decided(self._counting))

    def _announced_ms(self, key: Key) -> int | None:
        task = self._engine.tasks.board.tasks.get(key)
        return task.announced.at_ms if task is not None and task.announced is not None else None

    def readers(self, server: ApiServer) -> list[Reader]:
        """In the order of the catalogue."""
        engine, counting = self._engine, self._counting
        return [
            partial(machine.process, engine),
            partial(machine.condition, engine, self._supervisor, self.pulse),
            partial(network.links, engine),
            partial(network.gossip, engine),
            partial(network.dht, engine),
            partial(truth.journal, engine, counting),
            partial(truth.election, engine, counting),
            partial(work.tasks, engine, counting),
            partial(work.execution, engine, counting),
            partial(work.models, engine, counting),
            partial(people.together, engine, counting),
            partial(people.guards, engine),
            partial(people.api, engine, server, self.calls),
        ]
