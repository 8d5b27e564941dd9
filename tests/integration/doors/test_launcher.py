"""Finding or starting an engine: one process a data folder, true reasons, an engine that outlives its front."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from chorus_tui.client import EngineStartFailed
from chorus_tui.client.launcher import find_or_start
from chorus_tui.locations import socket_path

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder whose engines are stand-ins; whatever it started is stopped."""
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr("chorus_tui.client.launcher.sys.executable", str(interpreter))
    folder = tmp_path / "data"
    yield folder
    for pid, _ in engines(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while socket_path(folder).exists() and time.monotonic() < deadline:
            time.sleep(0.01)


def engines(folder):
    """(pid, session id) of each engine that came up."""
    file = folder / "started"
    return [tuple(map(int, line.split())) for line in file.read_text().splitlines()] if file.exists() else []


async def open_and_close(data, said=None, **options):
    """Find or start, and let go; the agent that greeted."""
    client = await find_or_start("human", data, (said if said is not None else []).append, **options)
    agent = client.hello.agent_id
    await client.close()
    return agent


def test_starts_then_finds(data):
    """The first front starts an engine in a session of its own; the second finds it; each step was told."""
    said = []
    assert asyncio.run(open_and_close(data, said)) == "me"
    assert asyncio.run(open_and_close(data)) == "me"

    [(_, session)] = engines(data)
    assert session != os.getsid(0)
    assert said == ["Looking for the engine", "Starting the engine", "Greeting the engine"]
    assert (data / "arguments").read_text().startswith("-P -m chorus_tui.engine serve --kind human")
    assert "--stop-when-idle 30" in (data / "arguments").read_text()
    assert (data / "engine.log").stat().st_mode & 0o777 == 0o600


def test_kept_engine_is_not_told_to_stop(data):
    """--keep starts an engine that does not stop by itself."""
    asyncio.run(open_and_close(data, stop_when_idle_s=None))

    assert "--stop-when-idle" not in (data / "arguments").read_text()


def test_race(data):
    """Many fronts at once end on one engine; those that lost the race attach to the winner."""

    async def all_at_once():
        return await asyncio.gather(*(open_and_close(data) for _ in range(4)))

    assert asyncio.run(all_at_once()) == ["me"] * 4
    assert len(engines(data)) == 1


def test_stale_socket(data):
    """A socket that a killed engine left behind is no engine: a new one is started in its place."""
    path = socket_path(data)
    path.parent.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))

    assert asyncio.run(open_and_close(data)) == "me"


def test_its_own_reason(data, monkeypatch):
    """An engine that refuses to start is quoted in full."""
    monkeypatch.setenv("STAND_IN", "refuses")
    with pytest.raises(EngineStartFailed, match=r"CHORUS_LICENSE_ID is missing.\nRun: "):
        asyncio.run(open_and_close(data))


def test_silent_death(data, monkeypatch):
    """An engine that dies without a word is explained by the end of its log."""
    monkeypatch.setenv("STAND_IN", "dies")
    with pytest.raises(EngineStartFailed, match="no memory"):
        asyncio.run(open_and_close(data))


def test_unusable_folder(tmp_path):
    """A data folder that cannot be made is said, with its path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineStartFailed, match="data folder"):
        asyncio.run(open_and_close(tmp_path / "file" / "data"))


def test_a_link_in_the_place_of_the_log_is_not_followed(data, tmp_path):
    """Nothing is written to what it leads to; the folder is named."""
    data.mkdir()
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (data / "engine.log").symlink_to(mine)

    with pytest.raises(EngineStartFailed, match=str(data)):
        asyncio.run(open_and_close(data))
    assert mine.read_text() == "mine"


def test_a_killed_engine_has_fallen_and_one_that_stopped_has_not(data):
    """Who started an engine knows how it ended: a front starts the first again, and leaves the other as it was told to be."""

    async def ended_by(signal_):
        client = await find_or_start("human", data, lambda _step: None)
        try:
            assert not client.fallen()
            pid = client.hello.pid if client.hello.pid in dict(engines(data)) else engines(data)[-1][0]
            reaper = next(one for one in reversed(threading.enumerate()) if one.name == "engine-reaper")
            os.kill(pid, signal_)
            # Not until the process is gone: that is a moment before its exit code is known.
            await asyncio.to_thread(reaper.join, 10)
            return client.fallen()
        finally:
            await client.close()

    assert asyncio.run(ended_by(signal.SIGKILL)) is True
    assert asyncio.run(ended_by(signal.SIGTERM)) is False
