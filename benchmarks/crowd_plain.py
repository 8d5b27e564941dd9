"""The library alone, one of many measured by :mod:`benchmarks.crowd`."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks import mesh_plain
from benchmarks.crowd_peer import Hear, Say, run


@asynccontextmanager
async def plain(options: dict[str, Any], hear: Hear) -> AsyncIterator[tuple[str, Say]]:
    """The library alone: what is lost is lost."""
    made: list[Any] = []
    chance = random.Random(options["seed"])

    async def losing(data: bytes) -> None:
        if chance.random() >= options["loss"]:
            hear(data.decode())

    def make(publish: Any) -> Any:
        made.append(publish)
        return losing

    async with mesh_plain.plain(bytes.fromhex(options["key"]), options["addresses"], make) as address:
        yield address, lambda text: made[0](text.encode())


if __name__ == "__main__":
    run(plain)
