"""Trees for the tests of patches: random ones, written to disk, put into archives, read back."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

from hypothesis import assume
from hypothesis import strategies as st

from chorus_tui.contract.git_names import member_path, parents

Tree = dict[bytes, tuple[str, bytes]]
"""Path to (``file``, ``program`` or ``link``; content or target)."""


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git as a person would, with no configuration."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, input=stdin)
    return os.fsdecode(done.stdout)


def write(folder: Path, tree: Tree) -> None:
    """Make the tree's files below ``folder``."""
    for path, (kind, data) in tree.items():
        place = folder / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            os.symlink(os.fsdecode(data), place)  # noqa: PTH211 - as it stands, not tidied
        else:
            place.write_bytes(data)
            place.chmod(0o755 if kind == "program" else 0o644)


def read(folder: Path) -> Tree:
    """The files below ``folder``, git's own folder left out."""
    found: Tree = {}
    for above, folders, names in os.walk(folder):
        if Path(above) == folder:
            folders.remove(".git")
        for place in (Path(above) / name for name in folders + names):
            path = os.fsencode(place.relative_to(folder))
            if place.is_symlink():
                found[path] = "link", os.fsencode(os.readlink(place))  # noqa: PTH115 - as it stands, not tidied
            elif place.is_file():
                found[path] = ("program" if os.access(place, os.X_OK) else "file"), place.read_bytes()
    return found


def repository(folder: Path, tree: Tree) -> Path:
    """A repository with ``tree`` as its one commit; also ignored files of it are in."""
    folder.mkdir(parents=True)
    write(folder, tree)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", "base")
    return folder


def archive(tree: Tree, fmt: int = tarfile.GNU_FORMAT, extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """The tree as tar writes it, git's own folder before it, ``extra`` members behind it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=fmt, encoding="utf-8", errors="surrogateescape") as tar:
        tar.addfile(member(b"./.git/config", size=4), io.BytesIO(b"evil"))
        for path, (kind, data) in tree.items():
            if kind == "link":
                tar.addfile(member(b"./" + path, tarfile.SYMTYPE, target=data))
            else:
                mode = 0o775 if kind == "program" else 0o664
                tar.addfile(member(b"./" + path, size=len(data), mode=mode), io.BytesIO(data))
        for one in extra or []:
            tar.addfile(one, io.BytesIO(b"x" * one.size))
    return made.getvalue()


def member(
    name: bytes, kind: bytes = tarfile.REGTYPE, *, size: int = 0, target: bytes = b"", mode: int = 0o644
) -> tarfile.TarInfo:
    """One member of an archive."""
    made = tarfile.TarInfo(os.fsdecode(name))
    made.type, made.size, made.linkname, made.mode = kind, size, os.fsdecode(target), mode
    return made


async def stream(data: bytes, step: int = 1000) -> AsyncIterator[bytes]:
    """``data`` in pieces."""
    for at in range(0, len(data), step):
        yield data[at : at + step]


def _name(part: bytes) -> bool:
    try:
        return member_path(part) == part and part != b".gitignore" and len(part) < 100
    except ValueError:
        return False


_PLAIN_PARTS = st.sampled_from(
    [b"a", b"b", b"src", b"README", b"with space", b'q"uote', b"back\\slash", b":colon", b"-x"]
)
_PARTS = _PLAIN_PARTS | st.text(min_size=1, max_size=12).map(
    lambda text: text.encode("utf-8", "replace").replace(b"/", b"_").replace(b"\0", b"_")
) | st.binary(min_size=1, max_size=8).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))  # fmt: skip
PATHS = st.lists(_PARTS.filter(_name), min_size=1, max_size=3).map(b"/".join)
_LINES = st.lists(
    st.sampled_from([b"one\n", b"two\n", b"three\r\n", b"\n", b"no end", b"\xff\xfe", b"\0", b"--- a/x\n", b"tab\t \n"])
    | st.binary(max_size=20), max_size=12,
).map(b"".join)  # fmt: skip
_TARGETS = st.sampled_from([b"a", b"../..", b"/etc/passwd", b"nowhere/\xff", b"x" * 300, b"line\nbreak"])
_NODES = st.tuples(st.sampled_from(["file", "program"]), _LINES | st.binary(max_size=3000)) | st.tuples(
    st.just("link"), _TARGETS
)


def fitting(tree: Tree) -> Tree:
    """Without what cannot stand beside something before it: a file below a file."""
    kept: Tree = {}
    folders: set[bytes] = set()
    for path, node in tree.items():
        if path not in folders and not any(above in kept for above in parents(path)):
            kept[path] = node
            folders.update(parents(path))
    return kept


TREES = st.dictionaries(PATHS, _NODES, max_size=8).map(fitting)


def beyond_a_loop(before: Tree, after: Tree) -> bool:
    """Whether a link that leads to itself became a folder: a change that no patch can tell git, which refuses to look below it."""
    loops = {path for path, (kind, data) in before.items() if kind == "link" and data == path.rpartition(b"/")[2]}
    return any(above in loops for path in after for above in parents(path))


@st.composite
def edits(draw) -> tuple[Tree, Tree]:
    """A tree and what became of it: files gone, new, changed, or of another kind."""
    before = draw(TREES)
    after = {path: node for path, node in before.items() if draw(st.booleans())}
    for path in [path for path in after if draw(st.booleans())]:
        kind, data = after[path]
        after[path] = draw(
            _NODES
            | st.just((kind, data + b"more"))
            | st.just(("link", data or b"x") if kind == "link" else ("program", data))
        )
    became = fitting({**draw(st.dictionaries(PATHS, _NODES, max_size=4)), **after})
    assume(not beyond_a_loop(before, became))
    return before, became
