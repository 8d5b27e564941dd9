"""Repositories on their way to a sandbox: a local one becomes a bundle, a bundle or an https URL becomes a folder.

All of it happens outside of the sandbox, which has no network, and so under the rules of the trust model: else a member
could read this machine's disk or network through a clone.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from chorus_tui.engine.execution import delivery
from chorus_tui.engine.execution.delivery import Delivered, Label
from chorus_tui.engine.execution.git import GitFailed, GitTooLarge, git
from chorus_tui.engine.execution.interface import RepositoryError
from chorus_tui.engine.execution.repository_access import Access, access
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.tree import base_commit, listing

BUNDLE_MAGIC = (b"# v2 git bundle\n", b"# v3 git bundle\n")
MOST_FILES = 250_000
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_AS_COMMITTED = "* -text -eol -ident -filter -working-tree-encoding\n"
"""Stands above the repository's own attributes: no line end is turned, no filter asked for, nothing expanded, so that
what a task leaves unchanged is unchanged for git too."""


class GitRepositories:
    """:class:`~.interface.Repositories` with the git command.

    What it returns belongs to the caller, who removes it with :meth:`discard`.
    """

    def __init__(self, settings: ExecutionSettings) -> None:
        self._settings = settings

    async def bundle(self, path: str) -> Path:
        """Bundle what is committed at HEAD of a local work tree. Raises :class:`RepositoryError`."""
        tree = Path(path)
        if not tree.is_absolute():
            raise RepositoryError(f"repository {path}: give an absolute path, an https URL or a blob digest")
        if not tree.is_dir():  # noqa: ASYNC240 - one look at a local path
            raise RepositoryError(f"repository {path}: no such folder on this machine")
        with self._made("bundle-") as folder:
            try:
                said = await git(["rev-parse", "--git-dir"], home=folder, protocols="none", cwd=tree)
            except GitFailed as error:
                raise RepositoryError(
                    f"{path} is no git repository ({error}). Run git init, add and commit there, or name another"
                ) from error
            refs = await self._refs(tree, folder, path)
            made = folder / "repository.bundle"
            await self._git(
                path, ["--git-dir", str(tree / os.fsdecode(said).strip()), "bundle", "create", "--quiet", str(made), *refs],
                home=folder, protocols="none", watched=folder,
            )  # fmt: skip
            self._check_size(made, path)
            return made

    async def _refs(self, tree: Path, home: Path, path: str) -> list[str]:
        """HEAD and its branch, so that a clone of the bundle stands on the same branch."""
        try:
            await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], home=home, protocols="none", cwd=tree)
        except GitFailed as error:
            raise RepositoryError(f"{path} has no commit yet: commit what the task is to work on") from error
        try:
            branch = await git(["symbolic-ref", "--quiet", "HEAD"], home=home, protocols="none", cwd=tree)
        except GitFailed:
            return ["HEAD"]
        return ["HEAD", os.fsdecode(branch).strip()]

    async def fetch(self, url: str, commit: str = "") -> Path:
        """Bring the tip of an allowed https URL into a new folder, or ``commit`` of it, given as 40 hex digits (64 by SHA-256).

        Raises :class:`RepositoryError`.
        """
        if commit and not _COMMIT.fullmatch(commit):
            raise RepositoryError(f"repository {url}: {commit!r} is no commit; give all its hex digits")
        with access(self._settings, url) as way, self._made("clone-") as folder:
            target = folder / "repository"
            if commit:
                await self._bring_commit(url, commit, target, way)
            else:
                await self._clone_tip(url, target, way)
            await self._check_out(url, target)
            return target

    async def _clone_tip(self, url: str, target: Path, way: Access) -> None:
        await self._git(
            url,
            ["clone", "--quiet", "--template=", "--depth=1", "--no-tags", "--single-branch", "--no-checkout",
             "--no-recurse-submodules", "--", url, str(target)],
            home=target.parent, protocols="https", watched=target.parent, way=way,
        )  # fmt: skip

    async def _bring_commit(self, url: str, commit: str, target: Path, way: Access) -> None:
        """The same for one commit, which no branch has to point at any more."""
        home = target.parent
        hashes = f"--object-format={'sha1' if len(commit) == 40 else 'sha256'}"
        await self._git(url, ["init", "--quiet", "--template=", hashes, str(target)], home=home, protocols="none")
        await self._git(
            url, ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", url, commit],
            home=home, protocols="https", cwd=target, watched=home, way=way,
        )  # fmt: skip
        await self._git(url, ["update-ref", "--no-deref", "HEAD", commit], home=home, protocols="none", cwd=target)

    async def unbundle(self, bundle: Path) -> Path:
        """Check a bundle out into a new folder. Raises :class:`RepositoryError`."""
        name = f"bundle {bundle.name}"
        self._check_size(bundle, name)
        with self._made("checkout-") as folder:
            target = folder / "repository"
            # Under a name git takes for a bundle, whatever the blob store calls it.
            (folder / "repository.bundle").symlink_to(await trio.Path(bundle).absolute())
            await self._git(
                name,
                ["clone", "--quiet", "--template=", "--no-checkout", "--no-recurse-submodules", "--",
                 str(folder / "repository.bundle"), str(target)],
                home=folder, protocols="file", watched=target,
            )  # fmt: skip
            # The remote would name a path of this machine.
            await self._git(name, ["remote", "remove", "origin"], home=folder, protocols="none", cwd=target)
            await self._check_out(name, target)
            return target

    async def _check_out(self, name: str, target: Path) -> None:
        """Write the files of a fresh clone: counted and measured first, and byte by byte as they were committed."""
        limit = self._settings.max_repository_mb
        try:
            # Fails for an empty repository too; a bundle that was cut off after its first line is taken for one.
            entries = await listing(target, await base_commit(target))
        except GitTooLarge as error:
            raise RepositoryError(f"repository {name} has more files than can be counted") from error
        except GitFailed as error:
            raise RepositoryError(f"repository {name} has no commit that can be checked out") from error
        if len(entries) > MOST_FILES:
            raise RepositoryError(f"repository {name} has {len(entries)} files; {MOST_FILES} are the most")
        if sum(entry.size for entry in entries.values()) > limit << 20:
            raise RepositoryError(f"repository {name}: its files take more than {limit} MiB")
        info = trio.Path(target / ".git" / "info")
        await info.mkdir(exist_ok=True)
        await (info / "attributes").write_text(_AS_COMMITTED, encoding="utf-8")
        await self._git(name, ["reset", "--hard", "--quiet"], home=target.parent, protocols="none", cwd=target)

    async def push(self, checkout: Path, patch: Path, label: Label, url: str, home: Path) -> Delivered:
        """See :func:`~.delivery.push`."""
        return await delivery.push(checkout, patch, label, url, home=home, settings=self._settings)

    async def bundle_change(self, checkout: Path, patch: Path, label: Label, home: Path) -> Delivered:
        """See :func:`~.delivery.bundle`."""
        return await delivery.bundle(checkout, patch, label, home=home)

    def discard(self, made: Path) -> None:
        """Remove what :meth:`bundle`, :meth:`fetch` or :meth:`unbundle` returned, with the private folder around it."""
        shutil.rmtree(made.parent, ignore_errors=True)

    async def _git(
        self, name: str, arguments: list[str], *, home: Path, protocols: str, cwd: Path | None = None,
        watched: Path | None = None, way: Access | None = None,
    ) -> None:  # fmt: skip
        try:
            await git(
                arguments, home=home, protocols=protocols, cwd=cwd, watched=watched,
                timeout_s=self._settings.clone_timeout_s, limit_mb=self._settings.max_repository_mb,
                config=way.config if way else (), secrets=way.secrets if way else (),
            )  # fmt: skip
        except GitFailed as error:
            said = way.told(error) if way else str(error)
            raise RepositoryError(f"repository {name} cannot be had: {said}") from error

    def _check_size(self, bundle: Path, name: str) -> None:
        limit = self._settings.max_repository_mb
        if bundle.stat().st_size > limit << 20:
            raise RepositoryError(f"repository {name} is larger than {limit} MiB")

    @contextmanager
    def _made(self, prefix: str) -> Iterator[Path]:
        """A private folder that stays only if the block ends well."""
        folder = Path(tempfile.mkdtemp(prefix=f"chorus-{prefix}", dir=self._settings.scratch))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def is_bundle(path: Path) -> bool:
    """Whether a file begins like a git bundle."""
    with path.open("rb") as file:
        return file.read(16) in BUNDLE_MAGIC
