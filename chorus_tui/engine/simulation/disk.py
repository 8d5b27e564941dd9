"""The disk of a simulated peer: it outlives the peer's processes, may be lost, and may be set back to a backup.

``generation`` is what the engine's binding sees: another file on a lost or restored disk, the same after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.control import store as control_store
from chorus_tui.engine.journal import store as feed_store
from chorus_tui.engine.journal.simulated_database import SYNC_S, SimulatedDatabase
from chorus_tui.engine.simulation.dice import Dice

SLOW_SYNC_S = (0.3, 2.5)


@dataclass(frozen=True, slots=True)
class Image:
    """Both stores as they lie on the disk."""

    feeds: bytes
    decisions: bytes


@dataclass(slots=True)
class Stores:
    """Both databases of a running peer."""

    feeds: SimulatedDatabase
    decisions: SimulatedDatabase

    def image(self) -> Image:
        """What is synced now."""
        return Image(self.feeds.image(), self.decisions.image())

    def slow(self, slow: bool) -> None:
        """Make the disk slow, or quick again."""
        for database in (self.feeds, self.decisions):
            database.sync_s = SLOW_SYNC_S if slow else SYNC_S

    def crash(self, dice: Dice) -> Image:
        """Pull the plug: of the works on their way none, some or all were just written, in the order of each file."""
        return Image(*(db.crash(round(dice.between(0, db.waiting))) for db in (self.feeds, self.decisions)))


@dataclass(slots=True)
class Disk:
    """What is on a disk while no process uses it."""

    name: str
    entropy: Entropy
    image: Image | None = None
    generation: int = 0
    backups: list[Image] = field(default_factory=list)

    @property
    def binding(self) -> str:
        """As :func:`chorus_tui.engine.control.store.binding` names machine and file."""
        return f"{self.name}:{self.generation}"

    def open(self) -> Stores:
        """The stores for a process that starts."""
        old = self.image
        return Stores(
            SimulatedDatabase(feed_store.SCHEMA, old.feeds if old else None, self.entropy),
            SimulatedDatabase(control_store.SCHEMA, old.decisions if old else None, self.entropy),
        )

    def lose(self) -> None:
        """Everything is gone."""
        self.image = None
        self.generation += 1

    def restore(self, backup: Image) -> None:
        """The state of an earlier day, on a new file."""
        self.image = backup
        self.generation += 1
