"""Crash loops of a real engine under load: after each ``kill -9`` its stores open, verify, and have lost nothing said.

``python -m tests.soak [ROUNDS]`` goes on where the last run of this version stopped;
``python -m tests.soak simulate --seeds A-B`` is the simulator's part.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

import chorus_tui
from tests.integration.system.peers import Peer, eventually
from tests.soak import simulation

RESULTS = Path(__file__).parent / "results.json"
ROUNDS = 200


def main() -> int:
    """Exit code 1 at the first round that lost something."""
    if sys.argv[1:2] == ["simulate"]:
        return simulation.main(sys.argv[2:])
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    done = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if done.get("version") != chorus_tui.__version__:
        done = {"version": chorus_tui.__version__, "crash_rounds": 0, "announced": 0}
    with tempfile.TemporaryDirectory(prefix="chorus-soak-") as folder:
        peer = Peer(Path(folder), "crashing", CHORUS_AGENT_MAX_TASKS="0", CHORUS_DISCOVERY_GRACE="0")
        said: set[str] = set()
        while done["crash_rounds"] < wanted:
            one_round(peer, said, random.Random(done["crash_rounds"]))
            done["crash_rounds"] += 1
            done["announced"] += len(said)
            RESULTS.write_text(json.dumps(done, indent=1) + "\n")
            print(f"round {done['crash_rounds']} of {wanted}: {len(said)} tasks held", flush=True)
    return 0


def one_round(peer: Peer, said: set[str], chance: random.Random) -> None:
    """Start, check what the last crash left, say some more, crash in the middle of it."""
    peer.start().ready()
    eventually("it leads its mesh", lambda: peer.status().get("admin"))
    verified = peer.json("journal", "verify")
    assert verified["ok"], verified
    held = {row["task_id"] for row in peer.json("task", "list")["tasks"]}
    assert said <= held, said - held
    for _ in range(chance.randint(1, 3)):
        said.add(peer.announce("--title", "soak", "--command", "true"))
    peer.kill()


if __name__ == "__main__":
    sys.exit(main())
