"""What of an engine remembers, built: keys, content under addresses, and who keeps records there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from chorus_tui.contract.models.blobs import BlobRef
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.records.keeper import Keeper
from chorus_tui.engine.ucxl.parts import Parts as ContentParts
from chorus_tui.engine.ucxl.service import UcxlService
from chorus_tui.engine.vault.files import AgeVault
from chorus_tui.engine.vault.key_file import KeyFile
from chorus_tui.engine.vault.parts import Parts as VaultParts
from chorus_tui.engine.vault.service import KeyService


@dataclass(frozen=True, slots=True)
class Memory:
    """The parts that belong together."""

    keys: KeyService
    vault: AgeVault
    contents: UcxlService
    keeper: Keeper


def build(
    kind: Literal["agent", "human"], identity: Identity, key_file: KeyFile, journal: Journal, control: Control, mesh: Mesh,
    blobs: FileBlobs, clock: Clock, events: EventBus, redact: Callable[[str], str], recipient_of: Callable[[str], str],
) -> Memory:  # fmt: skip
    """``recipient_of`` gives a member's age recipient; ``redact`` takes out what must not be stored."""
    keys = KeyService(VaultParts(identity.peer_id, key_file, journal, control, mesh, clock, recipient_of))
    vault = AgeVault(key_file, keys.keyrings, control, recipient_of)
    contents = UcxlService(
        ContentParts(
            identity.peer_id, kind, journal, control, blobs, vault, clock, events, redact,
            lambda digest: blobs.holders(BlobRef(digest=digest)), partial(blobs.keeping.pin, wanted=True),
            mesh.values.get if mesh.values else None,
        )
    )  # fmt: skip
    return Memory(keys, vault, contents, Keeper(identity, contents, vault, mesh.values, journal))
