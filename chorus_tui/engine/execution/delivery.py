"""Handing a verified result over: as a bundle with one commit on the base, or as a branch on the repository's host.

Both are made outside of the sandbox from the patch alone, in a private store that borrows the checkout's objects. A push
makes one new branch, named after the task; it never forces, and never touches another ref.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from chorus_tui.contract.git_names import one_line, signature
from chorus_tui.contract.models.task_spec import TASK_ID
from chorus_tui.engine.execution.errors import DeliveryFailed, PatchRefused
from chorus_tui.engine.execution.git import GitFailed, git
from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.execution.repository_access import Access, access
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.store import borrowing_store, private_folder
from chorus_tui.engine.execution.tree import base_commit
from chorus_tui.engine.shhh.cutting import beginning

_TITLE = 200
_SUMMARY = 20_000
_UTF8 = ("i18n.commitEncoding=utf-8",)


@dataclass(frozen=True, slots=True)
class Label:
    """What the commit says: ``agent`` and ``peer_id`` made it, ``result`` is the id of the result, ``date`` unix time."""

    task_id: str
    title: str
    summary: str
    result: str
    agent: str
    peer_id: str
    date: int

    @property
    def branch(self) -> str:
        """The branch of the task, ``chorus/<task id>``. Raises ``ValueError`` for what is no task id."""
        if not re.fullmatch(TASK_ID, self.task_id):
            raise ValueError(f"{self.task_id!r} is no task id")
        return f"chorus/{self.task_id}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """``where`` is the repository's URL or the bundle's path; ``ref`` in it is ``commit``."""

    where: str
    ref: str
    commit: str


def commit_message(label: Label) -> str:
    """Title, summary, trailers. Nothing in a title or summary can be read as one of the trailers."""
    title = beginning(" ".join(readable(label.title.encode()).split()), _TITLE) or f"Task {label.task_id}"
    summary = beginning(readable(label.summary.encode()).strip(), _SUMMARY)
    trailers = f"Task-Id: {label.task_id}\nResult: {one_line(label.result)}\n"
    return "\n\n".join(part for part in (title, summary, trailers) if part)


async def bundle(checkout: Path, patch: Path, label: Label, *, home: Path) -> Delivered:
    """A git bundle with one commit on the base, in a new folder of ``home`` that is the caller's.

    Whoever has the base commit takes it in with ``git fetch FILE chorus/<task id>``. Raises
    :class:`~.errors.PatchRefused`, :class:`~.errors.DeliveryFailed`.
    """
    with private_folder(home, "store-") as store:
        base, commit = await _commit(checkout, patch, label, store)
        folder = Path(tempfile.mkdtemp(prefix="bundle-", dir=home))
        made = folder / f"{label.task_id}.bundle"
        ref = f"refs/heads/{label.branch}"
        try:
            await _run(["update-ref", ref, commit], store)
            await _run(["bundle", "create", "--quiet", str(made), ref, f"^{base}"], store)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Delivered(str(made), ref, commit)


async def push(
    checkout: Path, patch: Path, label: Label, url: str, *, home: Path, settings: ExecutionSettings
) -> Delivered:
    """Push the commit as the branch ``chorus/<task id>`` of ``url``, with the credential that settings hold for its host.

    A branch of that name with the same content is taken for ours; with another it is ``branch_taken``. Raises
    :class:`~.errors.PatchRefused`, :class:`~.errors.DeliveryFailed`.
    """
    with private_folder(home, "store-") as store, _reach(settings, url) as way:
        if not way.has_credential:
            raise DeliveryFailed(
                f"{url}: CHORUS_REPOSITORY_CREDENTIALS has none for {way.host}; give this agent one, or deliver a patch "
                "or bundle", reason="delivery_refused",
            )  # fmt: skip
        _, commit = await _commit(checkout, patch, label, store)
        ref = f"refs/heads/{label.branch}"
        remote = _Remote(url, way, store, settings)
        there = await remote.tip(ref)
        if there is None:
            await remote.push(commit, ref)
            return Delivered(url, ref, commit)
        if there != commit and not await remote.same_tree(ref, there, commit):
            raise DeliveryFailed(
                f"{url} has a branch {label.branch} with another content; remove it there, or deliver a bundle",
                reason="branch_taken",
            )
        return Delivered(url, ref, there)


async def _commit(checkout: Path, patch: Path, label: Label, store: Path) -> tuple[str, str]:
    """(base, the commit on it), made in ``store`` without a work tree."""
    message = commit_message(label)
    where = await trio.Path(patch).absolute()
    try:
        base = await base_commit(checkout)
        await borrowing_store(checkout, store)
    except GitFailed as error:
        raise DeliveryFailed(f"the checkout cannot be read: {error}") from error
    await _run(["read-tree", base], store)
    try:
        await git(
            ["apply", "--cached", "--whitespace=nowarn", "--", str(where)], home=store, protocols="none", cwd=store
        )
    except GitFailed as error:
        raise PatchRefused(f"the patch does not apply: {error}", reason="patch_does_not_apply") from error
    tree = await _run(["write-tree"], store)
    commit = await _run(["commit-tree", tree, "-p", base], store, variables=_identity(label), text=message)
    return base, commit


def _identity(label: Label) -> dict[str, str]:
    name, email = signature(label.agent, label.peer_id)
    made: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        made |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": f"@{label.date} +0000"}
    return made


async def _run(arguments: list[str], store: Path, variables: dict[str, str] | None = None, text: str = "") -> str:
    try:
        async with aclosing(_once(text.encode())) as stdin:
            said = await git(
                arguments, home=store, protocols="none", cwd=store, variables=variables, stdin=stdin, config=_UTF8
            )
    except GitFailed as error:
        raise DeliveryFailed(f"the commit cannot be made: {error}") from error
    return said.decode().strip()


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


class _Remote:
    """One repository on its host. Every word of git comes back without the credential."""

    def __init__(self, url: str, way: Access, store: Path, settings: ExecutionSettings) -> None:
        self._url = url
        self._way = way
        self._store = store
        self._settings = settings

    async def tip(self, ref: str) -> str | None:
        """The commit ``ref`` stands at, or None."""
        said = await self._git("ls-remote", "--quiet", "--", self._url, ref)
        for line in said.splitlines():
            commit, _, name = line.partition("\t")
            if name == ref and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
                return commit
        return None

    async def push(self, commit: str, ref: str) -> None:
        """Make the branch. One that came up meanwhile stays: the lease says that there must be none.

        A plain push would move a branch that stands on an ancestor.
        """
        await self._git(
            "push", "--quiet", f"--force-with-lease={ref}:", "--no-verify", "--no-signed", "--no-follow-tags",
            "--recurse-submodules=no", "--", self._url, f"{commit}:{ref}",
        )  # fmt: skip

    async def same_tree(self, ref: str, there: str, commit: str) -> bool:
        """Whether the branch as it stands holds the same files."""
        await self._git("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", self._url, ref)
        trees = [await _run(["rev-parse", "--verify", f"{one}^{{tree}}"], self._store) for one in (there, commit)]
        return trees[0] == trees[1]

    async def _git(self, *arguments: str) -> str:
        try:
            said = await git(
                arguments, home=self._store, protocols="https", cwd=self._store, config=self._way.config,
                secrets=self._way.secrets, timeout_s=self._settings.clone_timeout_s, watched=self._store,
                limit_mb=self._settings.max_repository_mb,
            )  # fmt: skip
        except GitFailed as error:
            raise DeliveryFailed(f"{self._url} did not take the branch: {self._way.told(error)}") from error
        return said.decode("utf-8", "replace")


@contextmanager
def _reach(settings: ExecutionSettings, url: str) -> Iterator[Access]:
    try:
        with access(settings, url) as way:
            yield way
    except RepositoryError as error:
        raise DeliveryFailed(str(error), reason="delivery_refused") from error
