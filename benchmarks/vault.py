"""Sealing and opening whole files, beside the age command; and how long an engine's loop waits meanwhile."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import trio
from pyrage import x25519

from benchmarks.measure import Figure, Row, compare, timed
from chorus_tui.engine.vault.files import decrypt, encrypt

SIZES = {"1 KB": 1_000, "1 MB": 1_000_000, "100 MB": 100_000_000}
WITH_TARGET = "1 MB"
TICK_S = 0.001
STALL_MS = 20.0


def rows() -> Iterator[Row]:
    """A size a row, both ways; the longest wait of a loop stands with the largest."""
    identity = x25519.Identity.generate()
    recipient = str(identity.to_public())
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        key = folder / "key"
        key.write_text(f"{identity}\n")
        for name, size in SIZES.items():
            yield from _both_ways(folder, key, identity, recipient, name, size)


def _both_ways(
    folder: Path, key: Path, identity: x25519.Identity, recipient: str, name: str, size: int
) -> Iterator[Row]:
    clear, sealed = folder / "clear", folder / "sealed"
    data = os.urandom(size)
    clear.write_bytes(data)
    binary = encrypt(data, [recipient])
    sealed.write_bytes(binary)
    assert decrypt(binary, [identity]) == data
    assert _age("-d", "-i", str(key), str(sealed)) == data
    to_reach = "no slower" if name == WITH_TARGET else ""
    for what, ours, theirs in (
        ("seal", lambda: encrypt(data, [recipient]), ["-r", recipient, str(clear)]),
        ("open", lambda: decrypt(binary, [identity]), ["-d", "-i", str(key), str(sealed)]),
    ):
        row = compare(
            "vault", f"{what} {name}", lambda ours=ours: timed(ours), "the age command", lambda theirs=theirs: timed(lambda: _age(*theirs)),
            to_reach,
        )  # fmt: skip
        figures = [Figure("speed", row.theirs / row.ours, "× age", at_least=1.0 if name == WITH_TARGET else None)]
        if size == max(SIZES.values()):
            figures.append(
                Figure("longest wait of the loop", trio.run(_longest_wait, ours) * 1000, "ms", at_most=STALL_MS)
            )
        yield Row(row.area, row.what, row.ours, row.beside, row.theirs, row.to_reach, row.rounds, tuple(figures))


def _age(*arguments: str) -> bytes:
    return subprocess.run(["age", *arguments], check=True, capture_output=True).stdout


async def _longest_wait(work: Callable[[], object]) -> float:
    """Seconds by which a loop that wants its turn each millisecond got it too late, while ``work`` goes on in a thread."""
    longest = 0.0
    async with trio.open_nursery() as nursery:

        async def tick() -> None:
            nonlocal longest
            while True:
                asked = time.perf_counter()
                await trio.sleep(TICK_S)
                longest = max(longest, time.perf_counter() - asked - TICK_S)

        nursery.start_soon(tick)
        await trio.to_thread.run_sync(work)
        nursery.cancel_scope.cancel()
    return longest
