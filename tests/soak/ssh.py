"""The SSH portal opened and closed: ``python -m tests.soak ssh --count N``.

A round is two clients on one serving process with a real engine: both see the whole screen, one leaves, one is cut off; it holds when
neither a guest nor a token is left. Before the first round as many are made within one process, where it is seen that no portal of theirs
is alive; after them memory must be what it was after the first tenth. ``seconds`` is the slower one's first whole screen.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from pathlib import Path

import asyncssh

from tests.integration.serve.ssh_inside import Window, open_and_close, open_window
from tests.integration.serve.ssh_portal import SSHPortal
from tests.integration.system.peers import Peer, eventually
from tests.soak.row import Row

COUNT = 100
MOST_GROWTH_MB = 12.0


def main(arguments: list[str]) -> int:
    """Exit code 1 when a round did not hold, a portal stayed alive, or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak ssh")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--anew", action="store_true", help="forget what was measured before")
    asked = parser.parse_args(arguments)
    row = Row("ssh", anew=asked.anew, sessions_a_round=2, most_growth_mb=MOST_GROWTH_MB)
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as made:
        if not row.done and (alive := dead_portals(Path(made), asked.count)):
            row.fail(f"{alive} portals of ended sessions are alive")
        peer = Peer(Path(made), "host", kind="human").start().ready()
        portal = SSHPortal(peer, Path(made))
        try:
            key = portal.key("ana", "operate")
            portal.start()
            memory: list[float] = []
            while row.done < asked.count:
                one_round(row, portal, key, memory)
                print(row.line(asked.count), f"{memory[-1]:.0f} MB", flush=True)
        finally:
            if portal.process is not None:
                portal.stop()
            peer.stop()
    return 1 if row.failed else 0


def dead_portals(folder: Path, rounds: int) -> int:
    """How many portals are alive after as many rounds in this process."""
    (folder / "inside").mkdir()
    made, _ = asyncio.run(open_and_close(folder / "inside", rounds))
    gc.collect()
    return sum(one() is not None for one in made)


def one_round(row: Row, portal: SSHPortal, key: Path, memory: list[float]) -> None:
    """Two clients come and go."""
    seconds = asyncio.run(come_and_go(int(portal.row["address"].rpartition(":")[2]), key))
    eventually("nothing is left of them", lambda: not portal.guests and not portal.tokens())
    memory.append(round(portal.memory_mb, 1))
    grown = memory[-1] - memory[min(len(memory) - 1, 9)]
    if grown > MOST_GROWTH_MB:
        row.fail(f"memory has grown by {grown:.1f} MB", memory_mb=memory[-1])
    else:
        row.add(seconds=round(seconds, 3), memory_mb=memory[-1])


async def come_and_go(port: int, key: Path) -> float:
    """Seconds until the slower one has its whole screen."""
    options = {"username": "x", "known_hosts": None, "client_keys": [str(key)], "agent_path": None, "config": None}

    async def one(number: int) -> float:
        async with asyncssh.connect("127.0.0.1", port, **options) as connection:
            started = time.perf_counter()
            window: Window = await open_window(connection)
            await window.sees("me and the mesh", 90.0)
            taken = time.perf_counter() - started
            if number:
                window.channel.write(b"q")
                await window.gone()
            else:
                connection.abort()
            return taken

    return max(await asyncio.gather(one(0), one(1)))
