"""The demo: the whole loop, told from what really happened, and nothing left of it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.system.peers import CLI

pytestmark = pytest.mark.docker


def owned(owners: set[str]) -> list[str]:
    """Containers and volumes of these peers, as Docker says."""
    return [
        found
        for owner in sorted(owners)
        for kind in (["ps", "-aq"], ["volume", "ls", "-q"])
        for found in docker(*kind, "--filter", f"label=chorus.owner={owner}")
    ]


def docker(*arguments: str) -> list[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.split()


def peers_of(demo: Path) -> set[str]:
    """The peer ids that the demo's engines tell of themselves in their logs, while these are there."""
    found: set[str] = set()
    for log in demo.glob("chorus-demo-*/*.log"):
        with contextlib.suppress(OSError):
            found |= set(re.findall(r"12D3Koo\w{45}", log.read_text(errors="replace")))
    return found


def command_lines() -> list[str]:
    """Of every process on this machine."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines


def test_the_demo_finishes_and_leaves_nothing(base_image, tmp_path):
    """Without a terminal it prints the story and exits 0; no process, container, volume or folder of it stays."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    owners: set[str] = set()
    with subprocess.Popen(
        [*CLI, "demo", "--no-tui"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as demo:
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            owners |= peers_of(tmp_path)

    assert demo.returncode == 0, said
    assert "completed by" in said
    assert "AssertionError: 2.5 != 2" in said
    assert "which fail on purpose: failed" in said
    assert len(owners) >= 3
    assert list(tmp_path.glob("chorus-demo-*")) == []
    assert owned(owners) == []
    assert [line for line in command_lines() if str(tmp_path) in line] == []


def test_the_demo_says_what_is_missing(tmp_path):
    """Without Docker it exits 1 with the way to get it, and leaves no folder."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = subprocess.run(
        [*CLI, "demo", "--no-tui"], env=environment, capture_output=True, text=True, timeout=240, check=False
    )

    assert done.returncode == 1
    assert "Docker" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("chorus-demo-*")) == []
