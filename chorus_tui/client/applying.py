"""Applying a patch in a person's repository: whether it fits and where it does not; in the work tree, or as a commit on a new branch.

A diff is parsed by our own rules before git sees it (:mod:`chorus_tui.contract.diff`). All of it is applied, or nothing; nothing is
ever pushed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chorus_tui.client.git_run import GitError, Repository, identity
from chorus_tui.client.local_files import served
from chorus_tui.contract.diff import FileDiff, parse
from chorus_tui.contract.diff_text import Misfit, nearest_misfit, split
from chorus_tui.contract.git_names import signature
from chorus_tui.contract.models.patches import PatchView

if TYPE_CHECKING:
    from chorus_tui.contract.models.status import Hello

_FAILED = re.compile(r"error: patch failed: (?P<file>.*):(?P<line>\d+)")
_OTHER = re.compile(r"error: (?P<file>.*?): (?P<why>.*)")
_FOLLOWS = "patch does not apply"


def misfits(repository: Repository, data: bytes, *, on_head: bool = False) -> list[Misfit]:
    """Where a diff does not fit the work tree, or, ``on_head``, the last commit; none: it applies.

    Raises :class:`chorus_tui.contract.diff.BadDiff` for a diff that is not taken, and :class:`GitError`.
    """
    files = {file.path: file for file in parse(data)} | {file.old: file for file in parse(data) if file.old}
    with _index_of_head(repository) if on_head else _plain() as variables:
        fits, words = repository.tried(
            "apply", "--check", *(["--cached"] if on_head else []), "-", data=data, variables=variables
        )
    if fits:
        return []
    found = [_told(line, files, repository, on_head) for line in words.splitlines()]
    return [one for one in found if one is not None] or [Misfit("", 0, words.strip()[-300:] or "git says no more")]


def _told(line: str, files: Mapping[str, FileDiff], repository: Repository, on_head: bool) -> Misfit | None:
    """What a line of git's means."""
    if failed := _FAILED.fullmatch(line):
        path, start = failed["file"], int(failed["line"])
        file = files.get(path)
        hunk = next((one for one in file.hunks if one.old_start == start), None) if file else None
        text = _text(repository, path, on_head)
        wrong = nearest_misfit(path, split(text), hunk) if hunk is not None and text is not None else None
        return wrong or Misfit(path, start, "this part does not fit")
    other = _OTHER.fullmatch(line)
    if other is None or other["why"] == _FOLLOWS:
        return None
    return Misfit(other["file"], 0, other["why"])


def _text(repository: Repository, path: str, on_head: bool) -> str | None:
    """A file as it is there; None: there is none, or no plain one."""
    try:
        if on_head:
            return repository.git("show", f"HEAD:{path}").decode("utf-8", "surrogateescape")
        file = repository.top / path
        return None if file.is_symlink() else file.read_bytes().decode("utf-8", "surrogateescape")
    except (GitError, OSError):
        return None


def apply(repository: Repository, data: bytes) -> str:
    """Apply a diff to the work tree; the commit that this stands on. Nothing is staged or committed.

    Raises :class:`chorus_tui.contract.diff.BadDiff` and :class:`GitError`."""
    parse(data)
    head = repository.head
    repository.git("apply", "-", data=data)
    return head


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody at a served portal, by the word of the peer that serves it."""

    person: str
    agent_id: str
    peer_id: str

    @property
    def signature(self) -> dict[str, str]:
        """Who it is to git, as variables: the person's name, and the peer's id for an address."""
        name, mail = signature(self.person, self.peer_id)
        return identity(name, mail)

    @property
    def asserted(self) -> str:
        """The trailer that says by whose word it was that person."""
        name, mail = signature(self.agent_id, self.peer_id)
        return f"Asserted-By: {name} <{mail}>\n"


def guest(hello: Hello | None) -> Guest | None:
    """Whom a commit is made for: None for the user at his own terminal, whom git knows. Raises :class:`GitError`."""
    if not served():
        return None
    if hello is None or not hello.person:
        raise GitError("the engine does not say who you are, so no commit can be made in your name")
    return Guest(hello.person, hello.agent_id, hello.peer_id)


def commit(repository: Repository, data: bytes, branch: str, message: str, by: Guest | None = None) -> str:
    """Make a commit of a diff on HEAD, on a new branch, and switch to it; the commit. Author is ``by``, else the person as git knows them.

    Raises :class:`chorus_tui.contract.diff.BadDiff` and :class:`GitError`; then there is no new branch.
    """
    parse(data)
    try:
        repository.git("check-ref-format", "--branch", branch)
    except GitError:
        raise GitError(f"{branch!r} is no name for a branch") from None
    if repository.git("for-each-ref", "--format=x", f"refs/heads/{branch}"):
        raise GitError(f"the branch {branch} exists; take another name")
    who, head = by.signature if by else repository.identity(), repository.head
    message += by.asserted if by else ""
    with _index_of_head(repository) as variables:
        repository.git("apply", "--cached", "-", data=data, variables=variables)
        tree = repository.git("write-tree", variables=variables).decode().strip()
    made = repository.git("commit-tree", tree, "-p", head, data=message.encode(), variables=who).decode().strip()
    repository.git("branch", "--no-track", "--", branch, made)
    try:
        repository.git("switch", "--quiet", "--no-guess", branch)
    except GitError as error:
        repository.git("branch", "-D", "--", branch)
        raise GitError(f"the work tree cannot go to the new branch, so there is none: {error}") from error
    return made


def message_of(view: PatchView) -> str:
    """The message of a commit that is made of a patch."""
    body = f"\n\n{view.message.strip()}" if view.message.strip() else ""
    return f"{view.title.strip()}{body}\n\nPatch: {view.patch_id}\n"


@contextmanager
def _index_of_head(repository: Repository) -> Iterator[dict[str, str]]:
    """Variables of an index beside the person's, which holds what HEAD holds."""
    with tempfile.TemporaryDirectory(prefix="chorus-index-") as folder:
        variables = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        repository.git("read-tree", repository.head, variables=variables)
        yield variables


@contextmanager
def _plain() -> Iterator[dict[str, str]]:
    yield {}
