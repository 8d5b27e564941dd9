"""What CONTRIBUTING says of files holds for every one of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LONGEST = 400


def test_every_file_of_code_can_be_read_in_a_sitting():
    """No file of Python code has more lines than CONTRIBUTING says."""
    assert f"none over {LONGEST}" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    kept = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in kept.stdout.splitlines()}
    assert len(lines) > LONGEST  # the list is not empty

    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
