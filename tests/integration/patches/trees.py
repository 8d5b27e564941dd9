"""Small real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

OLD = "".join(f"line {n}\n" for n in range(1, 31))


def git(folder: Path, *arguments: str) -> str:
    """As its owner would run it."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org",
    }  # fmt: skip
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def tree(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit of these files."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for name, text in (files or {"calc.txt": OLD, "docs/a.md": "a\n"}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "start")
    return folder


def clone(folder: Path, to: Path) -> Path:
    """As another person has it."""
    git(folder, "clone", "-q", str(folder), str(to))
    return to


def everything(folder: Path) -> dict[str, bytes]:
    """All files below a folder, git's own included, that tell whether something was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "index"
    }
