"""What an engine leaves on the disk and in the list of processes, started by somebody who masks nothing."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

from chorus_tui import locations

from .conftest import KEY


def wide(folder: Path) -> list[str]:
    """What in a folder others than its owner could touch."""
    found = []
    for path in [folder, *folder.rglob("*")]:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # the engine runs: what it writes comes and goes
        if stat.S_IMODE(mode) & 0o077 and not stat.S_ISLNK(mode):
            found.append(f"{oct(stat.S_IMODE(mode))} {path.relative_to(folder)}")
    return found


def test_nothing_of_an_engine_can_be_touched_by_others(scene) -> None:
    """With a mask of 000: folder 0700, every file and folder in it private, socket 0600 in a folder 0700; of engines that run
    and of one that has ended."""
    for folder in scene.folder.iterdir():
        if folder.is_dir() and (folder / "engine.lock").exists():
            assert wide(folder) == []
    for peer in (scene.victim, scene.friend):
        socket = locations.socket_path(peer.data_dir)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert {"identity.key", "age.key", "api.tokens"} <= {file.name for file in peer.data_dir.iterdir()}


def test_a_folder_that_was_opened_is_closed_at_the_next_start(scene) -> None:
    """Restarted on a data folder that others could enter: it is 0700 again, and what was written since is private."""
    friend = scene.friend
    friend.stop()
    friend.data_dir.chmod(0o777)
    friend.start().ready()

    assert wide(friend.data_dir) == []
    scene.served(30)


def test_the_list_of_processes_holds_no_secret(scene) -> None:
    """Neither key nor token nor licence is among the arguments of any process of an engine."""
    token = (scene.victim.data_dir / "api.tokens").read_text().split()[-1]
    secrets = (KEY.hex(), token, "dev-test")
    seen = []
    for number in started_by(scene.victim.process.pid) | started_by(scene.friend.process.pid):
        with contextlib.suppress(OSError):  # it has ended
            seen.append((Path("/proc") / str(number) / "cmdline").read_bytes().decode(errors="replace"))

    assert any("chorus_tui" in arguments for arguments in seen)
    for arguments in seen:
        assert not [secret for secret in secrets if secret in arguments]


def started_by(pid: int) -> set[int]:
    """A process and all below it, whoever else runs on the machine."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found
