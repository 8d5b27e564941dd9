"""One row of the big counts: a file of results that a stopped run goes on with.

A row belongs to one version and one set of settings; other ones begin anew. Every start of a run adds the machine it ran
on, how busy that was, and the commit of the code: times are worth nothing without. Rounds of an older commit stay, and are told
when the row is opened; ``--anew`` makes them again.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import chorus_tui

FOLDER = Path(__file__).parent
PACKAGE = Path(chorus_tui.__file__).parent


class Row:
    """``rounds`` are what was measured, in order; ``failed`` those in which something did not hold, and what."""

    def __init__(self, name: str, *, anew: bool = False, folder: Path = FOLDER, **settings: Any) -> None:
        self.path = folder / f"{name}.json"
        fresh = {"version": chorus_tui.__version__, "settings": settings, "machines": [], "rounds": [], "failed": []}
        held = {} if anew or not self.path.exists() else json.loads(self.path.read_text(encoding="utf-8"))
        same = all(held.get(key) == fresh[key] for key in ("version", "settings"))
        self._held = held if same else fresh
        if older := self.older(code_commit()):
            print(f"{name}: {older}", flush=True)
        self._held["machines"].append(machine(begins_with_round=self.done, commit=code_commit()))

    @property
    def done(self) -> int:
        """How many rounds were made, failed ones among them."""
        return len(self._held["rounds"]) + len(self._held["failed"])

    @property
    def in_a_row(self) -> int:
        """How many rounds held since the last that did not."""
        return self.done - 1 - max((one["round"] for one in self.failed), default=-1)

    @property
    def failed(self) -> list[dict[str, Any]]:
        return self._held["failed"]

    def held(self, name: str) -> list[Any]:
        """What every round that held kept under ``name``."""
        return [made.get(name) for made in self._held["rounds"]]

    def older(self, commit: str) -> str:
        """How many rounds were made with other code than that of ``commit``, and with which; empty when none were."""
        starts = self._held["machines"]
        ends = [*(start["begins_with_round"] for start in starts[1:]), self.done][: len(starts)]
        made = [
            (start.get("commit") or "one that was not kept", end - start["begins_with_round"])
            for start, end in zip(starts, ends, strict=True)
        ]
        others = {other: None for other, rounds in made if rounds > 0 and other != commit}
        count = sum(rounds for other, rounds in made if rounds > 0 and other in others)
        return (
            f"{count} of {self.done} rounds are of an older commit than the code: {', '.join(others)}" if count else ""
        )

    def forget_failed(self) -> None:
        """Those that failed are to be made again."""
        self._held["failed"] = []

    def times(self) -> list[float]:
        """Seconds of every round that has some."""
        return [made["seconds"] for made in self._held["rounds"] if "seconds" in made]

    def add(self, **made: Any) -> None:
        """A round that held; ``seconds`` is what is summed up."""
        self._held["rounds"].append({"round": self.done, **made})
        self._write()

    def fail(self, why: str, **made: Any) -> None:
        """A round that did not hold."""
        self._held["failed"].append({"round": self.done, "why": why, **made})
        self._write()

    def _write(self) -> None:
        """After every round; a run that is killed between them leaves the file whole."""
        summary = {"done": self.done, **spread(self.times())}
        whole = {**self._held, "summary": summary}
        rounds = ",\n".join(f"  {json.dumps(made)}" for made in whole.pop("rounds"))
        text = json.dumps(whole, indent=1).removesuffix("\n}")
        beside = self.path.with_suffix(".new")
        beside.write_text(f'{text},\n "rounds": [\n{rounds}\n ]\n}}\n', encoding="utf-8")
        beside.replace(self.path)

    def line(self, wanted: int) -> str:
        """How far it is, for the reader."""
        figures = ", ".join(f"{name} {value} s" for name, value in spread(self.times()).items())
        return f"{self.path.stem}: {self.done} of {wanted}, {len(self.failed)} failed; {figures}"


def spread(seconds: list[float]) -> dict[str, float]:
    """The middle, the 99th of a hundred, and the longest."""
    return {f"p{share:g}": at_share(seconds, share) for share in (50, 99)} | {"max": max(seconds)} if seconds else {}


def at_share(seconds: list[float], percent: float) -> float:
    """The smallest that so many of a hundred do not exceed (nearest rank)."""
    return sorted(seconds)[max(math.ceil(len(seconds) * percent / 100), 1) - 1]


@cache
def code_commit(folder: Path = PACKAGE) -> str:
    """The last commit that changed what is measured, with "+" when it was changed since; empty outside of a repository."""
    commit, changed = _git(folder, "log", "-1", "--format=%h", "--abbrev=12"), _git(folder, "status", "--porcelain")
    return f"{commit}+" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str:
    """What git says of the package; empty when it cannot."""
    command = ["git", *arguments, "--", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.strip()


def machine(**more: Any) -> dict[str, Any]:
    """What the figures depend on."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {"at": now, "cores": os.cpu_count(), "load": [round(load, 2) for load in os.getloadavg()], **more}
