"""Documents of a mesh, kept in memory: what a context patch reads and writes, without feeds and blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.ucxl.interface import NotFound, Version


class Documents:
    """A :class:`chorus_tui.engine.ucxl.interface.Contents` of all peers alike."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[Version, bytes]]] = {}

    async def put(
        self, address: Address, content: bytes, *, media_type: str = "text/plain", readers: Sequence[str] = (),
        parents: Sequence[str] | None = None, description: str = "", tags: Sequence[str] = (),
    ) -> Version:  # fmt: skip
        held = self._held.setdefault(address.place, [])
        parents = tuple(parents) if parents is not None else tuple(version.entry for version, _ in held[-1:])
        beside = tuple(version.entry for version, _ in held[-1:] if version.entry not in parents)
        entry = hashlib.sha256(f"{address.place} {len(held)}".encode()).hexdigest()
        version = Version(
            address.place, len(held) + 1, True, entry, "somebody", 0, f"sha256:{hashlib.sha256(content).hexdigest()}", len(content),
            media_type, tuple(readers), parents, beside, False, description, tuple(tags), len(beside),
        )  # fmt: skip
        held.append((version, content))
        return version

    async def get(self, address: Address) -> tuple[Version, bytes]:
        held = self._held.get(address.place, [])
        if not held:
            raise NotFound(str(address))
        return held[address.temporal.n - 1] if address.temporal.kind == "version" else held[-1]

    async def stored(self, address: Address) -> tuple[Version, bytes]:
        return await self.get(address)

    def versions(self, address: Address) -> list[Version]:
        return [version for version, _ in self._held.get(address.place, [])]
