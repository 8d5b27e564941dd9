"""Runs all tests in a few lanes at once, and ends with a table of their times.

A chunk is some test files of one suite, run by one pytest. Lanes take their own chunks in order; one that is out of work takes the
last that another has not begun. What only computes and asks no clock runs beside at a low priority, so that it fills the time in
which the others wait. A chunk that is green says so in a line; of a red one everything is printed.

    python scripts/suites.py [SUITE …]      all suites, or those named
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
INTERRUPTED = 130
"""As a shell has it for Ctrl-C."""
NO_TESTS = 5
"""pytest's exit code when it found nothing to run."""
LOW = 10


@dataclass(slots=True)
class Chunk:
    """Test files of one suite that one pytest runs. ``name`` is the suite's, with a number where it has several."""

    suite: str
    name: str
    files: list[str]
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds of processor time that it took, with all that it started and waited for."""
    code: int | None = None
    """None: it did not run, or not to its end."""


@dataclass(slots=True)
class Lane:
    """Chunks that run one after the other. ``niceness`` as of nice(1)."""

    waiting: list[Chunk] = field(default_factory=list)
    niceness: int = 0


def suite_of(path: str) -> str:
    """The suite of a test file, by its path below the root of the project."""
    parts = path.split("/")
    if parts[1] != "integration":
        return parts[1]
    return "mesh" if parts[2] == "system" else "integration"


def test_files() -> list[str]:
    """Every file with tests, by path below the root of the project."""
    return sorted(str(path.relative_to(ROOT)) for path in TESTS.rglob("test_*.py"))


def chunks_of(files: Iterable[str], suite: str, count: int = 1) -> list[Chunk]:
    """The files of ``suite`` in ``count`` chunks, dealt out in turns."""
    own = [path for path in files if suite_of(path) == suite]
    count = min(count, len(own))
    return [Chunk(suite, suite if count == 1 else f"{suite} {at + 1}/{count}", own[at::count]) for at in range(count)]


def lanes_of(files: list[str], cores: int) -> list[Lane]:
    """All files, each once. With one core there is one lane."""
    seeds, memory = "tests/simulation/test_seeds.py", "tests/integration/portal/test_memory.py"
    known = {"simulation", "mesh", "ui", "unit", "integration", "hostile"}
    simulation = chunks_of((path for path in files if path != seeds), "simulation")
    whole_meshes = [Chunk("simulation", "simulation: seeds", [seeds])] if seeds in files else []
    # It looks on for minutes and costs next to nothing: beside the others from the start, it takes no time of theirs.
    looks_on = [Chunk("integration", "integration: memory", [memory])] if memory in files else []
    files = [path for path in files if path != memory]
    others = [
        chunk for suite in sorted({suite_of(path) for path in files} - known) for chunk in chunks_of(files, suite)
    ]
    # Meshes of processes mostly wait, for time-outs that are as long as they are: two side by side cost little.
    meshes = chunks_of(files, "mesh", 4)
    lanes = [
        Lane(meshes[::2]),
        Lane(meshes[1::2]),
        Lane([*chunks_of(files, "ui", 2), *chunks_of(files, "unit")]),
        Lane([*chunks_of(files, "integration", 2), *chunks_of(files, "hostile"), *others]),
        Lane(looks_on, 1),
        Lane(whole_meshes, LOW),
        Lane(simulation, LOW),
    ]
    if cores < 2:
        return [Lane([chunk for lane in lanes for chunk in lane.waiting])]
    return lanes


class Runner:
    """Runs lanes, a thread each. :meth:`end` asks everything that still runs to stop."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.over = False
        """Whether somebody has asked it to end."""
        self._lanes = lanes
        self._lock = threading.Lock()
        self._running: set[int] = set()

    def run(self) -> None:
        """Until all chunks have ended."""
        threads = [threading.Thread(target=self._serve, args=(lane,)) for lane in self._lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def end(self, *_: object) -> None:
        """As Ctrl-C does: each pytest ends what it started."""
        self.over = True
        for pid in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)

    def _serve(self, lane: Lane) -> None:
        while not self.over and (chunk := self._next(lane)) is not None:
            self._carry_out(chunk, lane.niceness)

    def _next(self, lane: Lane) -> Chunk | None:
        with self._lock:
            if lane.waiting:
                return lane.waiting.pop(0)
            busiest = max(
                (other for other in self._lanes if other.niceness == lane.niceness), key=lambda o: len(o.waiting)
            )
            return busiest.waiting.pop() if busiest.waiting else None

    def _command(self, chunk: Chunk, niceness: int) -> list[str]:
        return ["nice", "-n", str(niceness), sys.executable, "-m", "pytest", "-q", *chunk.files]

    def _carry_out(self, chunk: Chunk, niceness: int) -> None:
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            # A process group of its own: a Ctrl-C on the terminal comes to the chunk once, by way of `end`.
            process = subprocess.Popen(
                self._command(chunk, niceness),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            self._running.add(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            code = process.returncode = os.waitstatus_to_exitcode(status)
            self._running.discard(process.pid)
            output.seek(0)
            told = output.read().decode(errors="replace").strip()
        chunk.seconds, chunk.busy, chunk.code = time.monotonic() - began, used.ru_utime + used.ru_stime, code
        with self._lock:
            if code == 0:
                print(f"✓ {chunk.name}: {told.splitlines()[-1]}", flush=True)
            elif self.over:
                chunk.code = None
                print(f"• {chunk.name}: interrupted", flush=True)
            else:
                print(f"\n━━ {chunk.name} is RED ({code})\n{told}\n", flush=True)


def table(chunks: list[Chunk], whole: float) -> list[str]:
    """Seconds by suite, of all its chunks together, and how many of them a processor was busy with them."""
    lines = [f"{'':<12} {'time':>7}  {'of a core':>9}"]
    for suite in dict.fromkeys(chunk.suite for chunk in chunks):
        own = [chunk for chunk in chunks if chunk.suite == suite]
        red = [str(chunk.code) for chunk in own if chunk.code]
        ended = all(chunk.code == 0 for chunk in own)
        state = f"RED ({', '.join(red)})" if red else "green" if ended else "not run to its end"
        seconds, busy = sum(chunk.seconds for chunk in own), sum(chunk.busy for chunk in own)
        lines.append(f"{suite:<12} {seconds:5.0f} s  {busy:7.0f} s  {state}")
    return [*lines, f"{'whole':<12} {whole:5.0f} s  {sum(chunk.busy for chunk in chunks):7.0f} s"]


def main(suites: list[str]) -> int:
    """Run; 0 when everything was green."""
    files = [path for path in test_files() if not suites or suite_of(path) in suites]
    if not files:
        print(f"No such suite: {', '.join(suites)}. There are: {', '.join(sorted(set(map(suite_of, test_files()))))}")
        return NO_TESTS
    os.environ.setdefault("PYTHONHASHSEED", "random")
    lanes = lanes_of(files, os.cpu_count() or 1)
    chunks = [chunk for lane in lanes for chunk in lane.waiting]
    runner = Runner(lanes)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, runner.end)
    began = time.monotonic()
    print(f"• {len(files)} files of tests in {len(chunks)} chunks; each tells when it has ended", flush=True)
    runner.run()
    print("\n━━ time by suite\n" + "\n".join(table(chunks, time.monotonic() - began)))
    if runner.over:
        print("Interrupted: what had begun was stopped, and what it had started")
        return INTERRUPTED
    return 0 if all(chunk.code == 0 for chunk in chunks) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
