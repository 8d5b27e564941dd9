"""Two processes that talk: how many signed messages a second one takes from the other, and how long each is on its way.

Beside the engine's node: the library that it is built on, and js-libp2p. All of them over loopback TCP with the network key, Noise,
Yamux, and GossipSub with signatures. The order of the three changes from round to round.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks import history
from benchmarks.measure import Figure, Row
from tests.js.peer import install, node

HERE = Path(__file__).parent
KEY = bytes(range(32)).hex()
ROUNDS = 5
SIZES = (200, 2000)
COUNT, WINDOW = 400, 32
PACED, RATE = 100, 100
ENTRIES = 10_000
BESIDE = {"plain": "plain py-libp2p", "js": "js-libp2p"}


class Pair:
    """A listener and a sender that has dialled it."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        self.kind = kind
        listener = stack.enter_context(process(kind, None))
        self._sender = stack.enter_context(process(kind, line(listener)["address"]))
        line(self._sender)

    def send(self, **order: Any) -> dict[str, Any]:
        """Have the sender do it; what it measured. All of it must have come."""
        assert self._sender.stdin is not None
        self._sender.stdin.write(json.dumps(order) + "\n")
        self._sender.stdin.flush()
        done = line(self._sender)
        assert done["taken"] == order["count"], (self.kind, done)
        return done


@contextmanager
def process(kind: str, address: str | None) -> Iterator[subprocess.Popen[str]]:
    """One end, as ``mesh_peer.py`` says; it has gone at the end."""
    options = json.dumps({"key": KEY, "address": address})
    program = [sys.executable, "-m", f"benchmarks.mesh_{kind}"]
    if kind == "js":
        program = [node(), shutil.copy(HERE / "mesh_peer.mjs", install())]
    running = subprocess.Popen([*program, options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def line(running: subprocess.Popen[str]) -> dict[str, Any]:
    """The next that it says."""
    assert running.stdout is not None
    told = running.stdout.readline()
    assert told, f"{running.args} has ended; what it had to say stands above"
    answer: dict[str, Any] = json.loads(told)
    return answer


def rows() -> Iterator[Row]:
    """Throughput and latency at both sizes, and entries in batches beside js-libp2p's messages."""
    with ExitStack() as stack:
        pairs = {kind: Pair(kind, stack) for kind in ("ours", *BESIDE)}
        for size in SIZES:
            a_message = _seconds_a_message(pairs, size)
            yield from _throughput(size, a_message)
            if size == SIZES[0]:
                js = a_message["js"]
        for size in SIZES:
            yield from _latency(pairs, size)
    yield _entries(js)


def _in_turns(pairs: dict[str, Pair], order: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    kinds = list(pairs)
    for kind in kinds:
        pairs[kind].send(**(order | {"count": order["count"] // 4}))
    done: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for number in range(ROUNDS):
        first = number % len(kinds)
        for kind in kinds[first:] + kinds[:first]:
            done[kind].append(pairs[kind].send(**order))
    return done


def _seconds_a_message(pairs: dict[str, Pair], size: int) -> dict[str, float]:
    done = _in_turns(pairs, {"count": COUNT, "size": size, "window": WINDOW})
    return {kind: statistics.median(one["seconds"] for one in runs) / COUNT for kind, runs in done.items()}


def _throughput(size: int, a_message: dict[str, float]) -> Iterator[Row]:
    wanted = {"plain": 2.0, "js": 0.6}
    for kind, words in BESIDE.items():
        rates = Figure("ours", 1 / a_message["ours"], "messages/s"), Figure(words, 1 / a_message[kind], "messages/s")
        ratio = Figure(f"of {words}", a_message[kind] / a_message["ours"], "×", at_least=wanted[kind])
        yield Row(
            "mesh", f"a message of {size} B, {WINDOW} on their way", a_message["ours"], words, a_message[kind],
            f"≥ {wanted[kind]:g} × as many messages", ROUNDS, (*rates, ratio),
        )  # fmt: skip


def _latency(pairs: dict[str, Pair], size: int) -> Iterator[Row]:
    done = _in_turns(pairs, {"count": PACED, "size": size, "rate": RATE})
    at = {
        kind: [statistics.median(times) for times in zip(*(one["one_way_s"] for one in runs), strict=True)]
        for kind, runs in done.items()
    }
    for kind, words in BESIDE.items():
        ratio = at["ours"][0] / at[kind][0]
        figures = [Figure("p50", ratio, f"of {words}'s", at_most=1.0 if kind == "js" else None)]
        figures += [
            Figure(f"{who} p{share}", seconds * 1000, "ms")
            for who, times in (("ours", at["ours"]), (words, at[kind]))
            for share, seconds in zip((95, 99), times[1:], strict=True)
        ]
        yield Row(
            "mesh", f"one way, {size} B, {RATE}/s", at["ours"][0], words, at[kind][0], "p50 ≤ js-libp2p's", ROUNDS, tuple(figures)
        )  # fmt: skip


def _entries(js: float) -> Row:
    with history.old_peer(ENTRIES) as mesh:
        runs = [history.fetch(mesh, ENTRIES) for _ in range(3)]
    ours = statistics.median(runs)
    figures = (Figure("entries", 1 / ours, "a second", at_least=1 / js),)
    what = "an entry, fetched in batches and verified"
    return Row("mesh", what, ours, "a message of js-libp2p, 200 B", js, "≥ as many", len(runs), figures)
