"""What the vault is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.vault.key_file import KeyFile


@dataclass(frozen=True, slots=True)
class Parts:
    """One peer's. ``recipient_of`` gives the age recipient that a member told of itself, empty when it told none."""

    me: str
    file: KeyFile
    journal: Journal
    control: Control
    mesh: Mesh
    clock: Clock
    recipient_of: Callable[[str], str]

    def present(self) -> set[str]:
        """This peer and those it is linked with."""
        return {self.me, *self.mesh.links()}
