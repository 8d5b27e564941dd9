"""The wheel and the source distribution: whole, and usable in an environment that knows nothing of this tree."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.deploy.containers import ROOT


def run(*command: str | Path, folder: Path = ROOT, **more: str) -> str:
    """The output of a command that must succeed, without our import path."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "CHORUS_"))}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=folder,
        env={**clean, "PYTHON": sys.executable, **more},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder that ``make dist`` would fill."""
    folder = tmp_path_factory.mktemp("dist")
    run(ROOT / "scripts/dist.sh", folder)
    return folder


def modules(names: list[str]) -> set[str]:
    return {name for name in names if name.startswith("chorus_tui/") and not name.endswith("/")}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(built):
    """Styles, rules and profiles are files too; a wheel without one fails only when it is needed."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        held = modules(wheel.namelist())

    assert held == {*run("git", "ls-files", "chorus_tui").split(), "chorus_tui/build.json"}
    assert not (ROOT / "chorus_tui/build.json").exists()


def test_the_source_distribution_makes_the_same_wheel(built, tmp_path):
    """Built again from what was unpacked, without this tree or git."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(tmp_path.iterdir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", folder=source)

    with (
        zipfile.ZipFile(next(built.glob("*.whl"))) as first,
        zipfile.ZipFile(next((tmp_path / "again").glob("*.whl"))) as again,
    ):
        assert sorted(again.namelist()) == sorted(first.namelist())
    for name in ("Dockerfile", "requirements.lock", "deploy/compose.yml", "docs/deploy.md"):
        assert (source / name).exists(), name


@pytest.fixture(scope="module")
def bare(built, tmp_path_factory) -> Path:
    """An environment that holds the wheel, and sees the locked libraries; nothing in it leads to this tree."""
    folder = tmp_path_factory.mktemp("bare")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    run(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "-q", "--no-deps", "--no-index", "--no-compile",
        next(built.glob("*.whl")))  # fmt: skip
    libraries = next((folder / "lib").glob("python3*")) / "site-packages/libraries.pth"
    libraries.write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_works_in_a_bare_environment(bare, tmp_path):
    """Installed with nothing but itself and the locked libraries: the command is there, says its commit, and its engine
    is the installed one."""
    where = run(
        bare / "bin/python", "-c", "import chorus_tui.engine.__main__ as main; print(main.__file__)", folder=tmp_path
    )

    assert where.startswith(str(bare))
    assert run("git", "rev-parse", "--short=12", "HEAD").strip() in run(bare / "bin/chorus-tui", "--version")


@pytest.mark.docker
def test_the_demo_works_from_the_wheel(bare, tmp_path):
    """From an empty folder, with an empty home, by the installed command alone: the demo's tasks are done, and nothing of it stays
    in that folder or beside it."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    private = {"HOME": str(home), "TMPDIR": str(tmp_path)}
    run(bare / "bin/chorus-tui", "images", "build", folder=here)
    said = run(bare / "bin/chorus-tui", "demo", "--no-tui", folder=here, **private)

    assert "completed by" in said
    assert list(here.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "home"]
