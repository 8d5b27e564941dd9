"""schemathesis against one engine: every operation of its own description, in phases, without the few that would not let it go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")
LEFT_OUT = {
    "engine.stop": "it does what it says: system/test_contract.py",
    "events.follow": "its answer does not end: test_events_of_a_real_engine",
    "ucxi.subscribe": "its answer does not end: tests/integration/system/test_ucxi.py",
    "web.start": "it listens on whatever address is made up: tests/integration/system/test_web.py",
    "peers.connect": "it dials whatever address is made up, also of networks that are not ours: test_connect_answers_as_it_is_described",
}
"""Operations that are not called, why, and the test that calls each."""


def fuzz(
    document: Path, url: str, token: str | None, *, phases: str, examples: int, seed: int, seconds: float
) -> subprocess.CompletedProcess[str]:
    """One run over ``document`` (the engine's own description, in a file); its exit code is 0 when nothing was found."""
    left_out = [part for name in LEFT_OUT for part in ("--exclude-operation-id", name)]
    shown = ["--header", f"Authorization: Bearer {token}"] if token is not None else []
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIG), "run", str(document), "--url", url, *shown,
            *left_out, "--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure", "--no-shrink",
        ],
        cwd=document.parent, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def found(run: subprocess.CompletedProcess[str]) -> str:
    """What a run found, in short lines; empty when it found nothing and did look."""
    if run.returncode == 0 and "No issues found" in run.stdout:
        return ""
    return "\n".join(line[:300] for line in (run.stdout + run.stderr).splitlines() if line.strip())[-8_000:]
