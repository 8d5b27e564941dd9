"""A patch out of a person's work tree: which files differ, the diff of those that are chosen, the commit it is made against.

The repository is only read: new contents go into a folder of their own, which is gone afterwards.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chorus_tui.client.git_run import GitError, Repository
from chorus_tui.client.local_files import OutOfReach, local
from chorus_tui.contract.diff import MOST_BYTES

MOST_READ: Final = 64 << 20
"""Bytes of the files that a diff is made of: git reads all of each, however little of it differs."""
_WORDS = {
    "M": "changed",
    "A": "new",
    "D": "deleted",
    "T": "another type",
    "R": "renamed",
    "U": "unmerged",
    "?": "untracked",
}


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs from HEAD. ``path`` is relative to the root; ``how`` in a word."""

    path: str
    how: str

    @property
    def tracked(self) -> bool:
        """Whether git knows it."""
        return self.how != "untracked"


def reached(folder: str | Path) -> Repository:
    """The repository that a typed folder lies in, if the person may open that folder and its top. Raises :class:`GitError`."""
    try:
        repository = Repository.at(local(folder))
        local(repository.top)  # git finds it from below, so its top may lie further up
    except OutOfReach as error:
        raise GitError(str(error)) from error
    return repository


def repositories(folder: Path) -> list[Repository]:
    """The repository that a folder lies in, or those of the folders in it, by name."""
    try:
        return [Repository.at(folder)]
    except GitError:
        inside = sorted(one for one in folder.iterdir() if (one / ".git").exists()) if folder.is_dir() else []
        return [Repository(one) for one in inside]


def changed(repository: Repository) -> list[ChangedFile]:
    """What differs from HEAD, staged or not, by path; ignored files are left out. Raises :class:`GitError`."""
    printed = repository.git(
        "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all"
    )
    found = []
    for record in printed.decode("utf-8", "surrogateescape").split("\0"):
        if record:
            state, path = record[:2], record[3:]
            found.append(ChangedFile(path, _WORDS.get(state.strip()[:1], "changed")))
    return sorted(found, key=lambda one: one.path)


def inside(repository: Repository, files: Sequence[Path]) -> list[str]:
    """Paths relative to the root. Raises :class:`GitError` for one outside of it."""
    top = repository.top.resolve()
    found = []
    for file in files:
        # Of a link its own name counts, not what it points to.
        path = file.parent.resolve() / file.name if file.name not in ("", "..") else file.resolve()
        if not path.is_relative_to(top):
            raise GitError(f"{file} is not in {repository.top}")
        found.append(str(path.relative_to(top)))
    return found


def diff(repository: Repository, paths: Sequence[str]) -> bytes:
    """The diff of these paths against HEAD, untracked ones included; empty when nothing differs. Raises :class:`GitError`."""
    head = repository.head
    if not paths:
        return b""
    _check_size(repository, paths)
    objects = (
        repository.git("rev-parse", "--path-format=absolute", "--git-path", "objects")
        .decode("utf-8", "surrogateescape")
        .strip()
    )
    with tempfile.TemporaryDirectory(prefix="chorus-diff-") as folder:
        store = Path(folder) / "objects"
        store.mkdir()
        variables = {
            "GIT_INDEX_FILE": str(Path(folder) / "index"), "GIT_OBJECT_DIRECTORY": str(store),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.fspath(objects),
        }  # fmt: skip
        repository.git("read-tree", head, variables=variables)
        repository.git("add", "-A", "--", *paths, variables=variables)
        return repository.git(
            "diff", "--cached", "--binary", "--full-index", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/",
            "--dst-prefix=b/", "--submodule=short", head, "--", *paths, variables=variables, most=MOST_BYTES,
        )  # fmt: skip


def _check_size(repository: Repository, paths: Sequence[str]) -> None:
    """Raises :class:`GitError` for more than git shall read."""
    size = 0
    for one in changed(repository):
        if any(path in (".", one.path) or one.path.startswith(f"{path}/") for path in paths):
            with suppress(OSError):  # deleted
                size += (repository.top / one.path).lstat().st_size
    if size > MOST_READ:
        raise GitError(
            f"these files hold {size / (1 << 20):.0f} MiB; a patch is made of {MOST_READ >> 20} MiB of files at most"
        )
