"""The demo: the whole loop, told from what really happened, and nothing left of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.system.peers import CLI, containers

pytestmark = pytest.mark.docker


def volumes() -> set[str]:
    return set(
        subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout.split()
    )


def command_lines() -> list[str]:
    """Of every process on this machine."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines


def test_the_demo_finishes_and_leaves_nothing(base_image, tmp_path):
    """Without a terminal it prints the story and exits 0; no process, container, volume or folder of it stays."""
    before = volumes()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*CLI, "demo", "--no-tui"], env=environment, capture_output=True, text=True, timeout=150, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "completed by" in done.stdout
    assert "AssertionError: 2.5 != 2" in done.stdout
    assert list(tmp_path.glob("chorus-demo-*")) == []
    assert containers("chorus.task") == []
    assert volumes() <= before
    assert [line for line in command_lines() if str(tmp_path) in line] == []


def test_the_demo_says_what_is_missing(tmp_path):
    """Without Docker it exits 1 with the way to get it, and leaves no folder."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = subprocess.run(
        [*CLI, "demo", "--no-tui"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert "Docker" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("chorus-demo-*")) == []
