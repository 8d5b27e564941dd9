"""From a hostile tar stream to the commands that make ``git fast-import`` write the tree it stands for.

Contents go in as they come; the tree is written at the end, when it is known which new files the repository ignores. A
path that is refused stays as the base has it, so that a trick is never a deletion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from itertools import islice
from pathlib import Path

from chorus_tui.contract.git_names import link_target, member_path, parents, quoted
from chorus_tui.engine.execution.errors import PatchRefused
from chorus_tui.engine.execution.git import git
from chorus_tui.engine.execution.tar_reader import Data, HostileTar, Member, MemberEnd, TarReader
from chorus_tui.engine.execution.tree import GITLINK, LINK, Entry

MOST_MEMBERS = 250_000
_NAMES_BYTES = 64 << 20
_BATCH = 1000
_FILE, _PROGRAM = b"100644", b"100755"
_OWN = b".git"
_HERE = b"./"
"""Before each path that is asked about: a colon at the beginning would be read as a sign to git."""
_NONE_IGNORED = 1
"""The exit code of ``git check-ignore`` that is no failure."""


class Import:
    """One archive against one base. ``commands`` is the input of ``git fast-import``; afterwards ``ref`` is the tree."""

    ref = "refs/heads/result"

    def __init__(self, checkout: Path, base: str, tree: Mapping[bytes, Entry], archive_bytes: int) -> None:
        self._checkout = checkout
        self._base = base
        self._tree = tree
        self._bytes_left = archive_bytes
        self._archive_bytes = archive_bytes
        self._reader = TarReader()
        self._members = self._mark = 0
        self._taken: dict[bytes, tuple[bytes, int]] = {}
        self._folders: set[bytes] = set()
        self._names_left = _NAMES_BYTES
        self._kept = {path for path, entry in tree.items() if entry.mode == GITLINK}
        self._refused: Counter[str] = Counter()
        self._taking = False

    @property
    def left_out(self) -> str:
        """In words what is not in the tree and why; empty when everything is."""
        return "; ".join(f"{count} left out: {why}" for why, count in sorted(self._refused.items()))

    async def commands(self, archive: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        """Read the archive to its end. Raises :class:`~.errors.PatchRefused`."""
        try:
            async for piece in archive:
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    mib = self._archive_bytes >> 20
                    raise PatchRefused(f"the task's folder takes more than {mib} MiB", reason="patch_too_large")
                yield b"".join(self._contents(piece))
                if self._reader.finished:
                    break
        except HostileTar as error:
            raise PatchRefused(f"the task's folder cannot be read: {error}", reason="patch_unreadable") from error
        if not self._reader.finished:
            # What is missing would look as if the task had removed it.
            raise PatchRefused("the task's folder came incomplete", reason="patch_unreadable")
        ignored = await self._ignored()
        for path in ignored:
            del self._taken[path]
        self._refused.update({"new and ignored by .gitignore": len(ignored)} if ignored else {})
        lines = self._commit()
        while batch := b"".join(islice(lines, _BATCH)):
            yield batch

    def _contents(self, piece: bytes) -> Iterator[bytes]:
        for event in self._reader.feed(piece):
            if isinstance(event, Member):
                yield self._begin(event)
            elif self._taking:
                yield event.piece if isinstance(event, Data) else b"\n"
            if isinstance(event, MemberEnd):
                self._taking = False

    def _begin(self, member: Member) -> bytes:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise PatchRefused(f"the task's folder has more than {MOST_MEMBERS} files", reason="patch_too_large")
        self._taking = False
        try:
            path = member_path(member.raw_name)
            return self._take(member, path) if path and member.kind != "folder" else b""
        except ValueError as error:
            name = member.raw_name.removeprefix(_HERE)
            if name.split(b"/", 1)[0] != _OWN and member.kind != "folder":
                self._refused[str(error)] += 1
            if name in self._tree and name not in self._taken:
                self._kept.add(name)
            return b""

    def _take(self, member: Member, path: bytes) -> bytes:
        """The command that brings the member's content. Raises ``ValueError`` when it is not taken."""
        above = parents(path)
        self._judge(path, above)
        if member.kind == "hardlink":
            self._taken[path] = self._repeated(member.target)
            data = None
        elif member.kind == "link":
            target = link_target(member.target, path)
            data = b"%d\n%s\n" % (len(target), target)
            self._taken[path] = LINK, self._mark + 1
        elif member.kind == "file":
            data = b"%d\n" % member.size
            self._taken[path] = _PROGRAM if member.executable else _FILE, self._mark + 1
            self._taking = True
        else:
            raise ValueError("no regular file (device or pipe)")
        self._kept.discard(path)
        self._remember(path, above)
        if data is None:
            return b""
        self._mark += 1
        return b"blob\nmark :%d\ndata %s" % (self._mark, data)

    def _judge(self, path: bytes, above: list[bytes]) -> None:
        if path in self._taken or path in self._folders:
            raise ValueError("a second file of the same name")
        if any(folder in self._taken for folder in above):
            raise ValueError("a file below another file")
        if any((entry := self._tree.get(name)) and entry.mode == GITLINK for name in (path, *above)):
            raise ValueError("inside of a submodule")

    def _repeated(self, target: bytes) -> tuple[bytes, int]:
        """A hard link is a second name of a file that came before: a copy, as far as git goes."""
        before = self._taken.get(member_path(target))
        if before is None:
            raise ValueError("a hard link to something that is not here")
        return before

    def _remember(self, path: bytes, above: list[bytes]) -> None:
        new = [folder for folder in above if folder not in self._folders]
        self._folders.update(new)
        self._names_left -= len(path) + sum(map(len, new))
        if self._names_left < 0:
            raise PatchRefused(
                f"the names in the task's folder take more than {_NAMES_BYTES >> 20} MiB", reason="patch_too_large"
            )

    async def _ignored(self) -> list[bytes]:
        """The new paths that the base's own .gitignore files leave out."""
        links = {path for path, entry in self._tree.items() if entry.mode == LINK}
        # git answers for no path below a link of the checkout; what stood behind it is no question of the repository.
        asked = [
            path
            for path in self._taken
            if path not in self._tree and not any(above in links for above in parents(path))
        ]
        if not asked:
            return []
        async with aclosing(_joined(asked)) as names:
            said = await git(
                ["check-ignore", "-z", "--stdin"], home=self._checkout.parent, protocols="none",
                cwd=self._checkout, stdin=names, good=(0, _NONE_IGNORED),
            )  # fmt: skip
        return [name.removeprefix(_HERE) for name in said.split(b"\0")[:-1]]

    def _commit(self) -> Iterator[bytes]:
        yield b"commit %s\ncommitter chorus <> 0 +0000\ndata 0\nfrom %s\ndeleteall\n" % (
            self.ref.encode(), self._base.encode(),
        )  # fmt: skip
        for path in sorted(self._kept):
            entry = self._tree[path]
            yield b"M %s %s %s\n" % (entry.mode, entry.object, quoted(path))
        for path, (mode, mark) in self._taken.items():
            yield b"M %s :%d %s\n" % (mode, mark, quoted(path))
        yield b"done\n"


async def _joined(paths: list[bytes]) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(paths), _BATCH):
        yield b"".join(_HERE + path + b"\0" for path in paths[at : at + _BATCH])
