"""`kill -9` at any byte leaves stores that open, verify, and hold all that was promised."""

from __future__ import annotations

import os
import random
from pathlib import Path

import trio

from tests.integration.system import crashing
from tests.support import warm

ROUNDS = 30


def crash(folder: Path, lines: int) -> list[str]:
    """Let the stores work until so many promises were read, then kill; all promises that were written."""
    promises = folder.with_suffix(".promises")
    os.mkfifo(promises)
    process = warm.stores(folder, promises)
    with promises.open() as out:
        try:
            said = [out.readline() for _ in range(lines)]
        finally:
            process.kill()
        rest = out.read()
    process.wait(40)
    promises.unlink()
    assert all(said), "it ended by itself"
    return [line for line in ("".join(said) + rest).splitlines(keepends=True) if line.endswith("\n")]


async def check(folder: Path, promised: list[str]) -> None:
    """Open, verify, compare with what was promised."""
    held, journal, control = crashing.stores(folder)
    try:
        await control.open()
        await journal.open()
        assert (await journal.verify()).problems == []
        assert control.verify()[1] == []
        me = journal.me.peer_id
        for line in promised:
            kind, *where = line.split()
            if kind == "s":
                assert journal.get(me, where[0], int(where[1])) is not None, line
            else:
                assert int(where[0]) <= control.commit, line
    finally:
        for store in held:
            store.close()


def test_thirty_crashes_under_load(tmp_path):
    """Sixteen writers on both stores, killed thirty times after a random number of promises: each time both stores open and
    verify, and every entry called stored and every decision called decided is there."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance, promised = random.Random(seed), []
    for _ in range(ROUNDS):
        promised += crash(tmp_path / "peer", chance.randint(1, 400))
        trio.run(check, tmp_path / "peer", promised)
    assert len(promised) > ROUNDS
