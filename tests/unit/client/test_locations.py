"""Whose data folder it is, told without an engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chorus_tui import locations
from chorus_tui.engine.data_folder import DataFolder


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Default folders and sockets of the test's own."""
    for name in ("XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))


def used(folder: Path, kind: str, at: int = 1) -> None:
    """An engine of this kind ran there, begun at that time."""
    DataFolder.open(folder, kind).close()
    os.utime(folder / "engine.lock", (at, at))


@pytest.mark.parametrize("kind", ["agent", "human"])
def test_a_folder_tells_whose_engine_ran_there(kind: str, tmp_path: Path) -> None:
    """Also when it has ended; a folder on which none ran, or whose lock says something else, tells nothing."""
    used(tmp_path / "given", kind)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "engine.lock").write_text("nonsense (agent, ")

    assert locations.kind_of(tmp_path / "given") == kind
    assert locations.kind_here(str(tmp_path / "given")) == kind
    assert locations.kind_of(tmp_path / "other") == locations.kind_of(tmp_path / "none") == ""
    assert locations.kind_here(str(tmp_path / "other")) == "agent"


def test_without_a_folder_the_one_that_is_used_is_meant() -> None:
    """None was used: an agent's. One: that one. Both: the one with an engine, else the one that had one last."""
    assert locations.kind_here(None) == "agent"

    used(locations.data_dir("human", None), "human", at=2)
    assert locations.kind_here(None) == "human"

    used(locations.data_dir("agent", None), "agent", at=1)
    assert locations.kind_here(None) == "human"

    socket = locations.socket_path(locations.data_dir("agent", None))
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.touch()
    assert locations.kind_here(None) == "agent"
