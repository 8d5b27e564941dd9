"""Private git stores: they read a checkout's objects and write only their own, so that the checkout stays as it is."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trio

from chorus_tui.engine.execution.git import git


@contextmanager
def private_folder(home: Path | None, prefix: str) -> Iterator[Path]:
    """A folder only this user can look into, below ``home`` or the system's own; gone when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def borrowing_store(checkout: Path, store: Path) -> None:
    """Make ``store`` a bare repository that borrows the checkout's objects. Raises :class:`~.git.GitFailed`."""
    source = await trio.Path(checkout / ".git").absolute()
    said = await git(
        ["--git-dir", str(source), "rev-parse", "--show-object-format"], home=store, protocols="none", cwd=checkout
    )
    hashes = f"--object-format={said.decode().strip()}"
    await git(["init", "--quiet", "--bare", "--template=", hashes, str(store)], home=store, protocols="none")
    info = trio.Path(store / "objects" / "info")
    await info.mkdir(parents=True, exist_ok=True)
    await (info / "alternates").write_text(f"{source / 'objects'}\n", encoding="utf-8")
    if await (source / "shallow").exists():
        # Where history was cut off at cloning.
        await trio.Path(store / "shallow").write_bytes(await (source / "shallow").read_bytes())
