"""Ending what serves the portal: in order where there is time for it, and never longer than the engine may take."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from chorus_tui.contract.models.portals import PortalRef, ServedPortal
from chorus_tui.engine.runtime.portals.service import Portals

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
PROMPT = "import time; print('up', flush=True); time.sleep(600)"


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Portals, subprocess.Popen[bytes]]]:
    """Portals that started one process, which is up."""
    process = subprocess.Popen([sys.executable, "-c", request.param], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline()
        portals = Portals(tmp_path)
        portals._started = [process]
        yield portals, process
        process.kill()


@pytest.mark.parametrize(("served", "within_s"), [(PROMPT, 60.0), (STUBBORN, 0.2)], indirect=["served"])
async def test_an_engine_that_stops_ends_its_portals_in_its_time(served, within_s):
    """What goes by itself is not waited for; what does not go is killed when the time is over."""
    portals, process = served
    began = time.monotonic()
    await portals.close(within_s, trio.Event())

    assert process.poll() is not None
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("served", [STUBBORN], indirect=True)
@pytest.mark.parametrize("before", [True, False])
async def test_the_second_signal_kills_them_at_once(served, before):
    """Whether it came before or while they are waited for."""
    portals, process = served
    at_once = trio.Event()
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            if not before:
                nursery.start_soon(portals.close, 3600.0, at_once)
                await trio.testing.wait_all_tasks_blocked()
            at_once.set()
            if before:
                nursery.start_soon(portals.close, 3600.0, at_once)

    assert process.poll() is not None


@pytest.mark.parametrize("served", [STUBBORN], indirect=True)
async def test_an_engine_that_ends_out_of_order_waits_a_second_at_most(served):
    """Its service is cancelled: nothing that was started stays, and nothing holds the engine."""
    portals, process = served
    began = time.monotonic()
    async with trio.open_nursery() as nursery:
        await nursery.start(portals.run)
        nursery.cancel_scope.cancel()

    assert process.poll() is not None
    assert time.monotonic() - began < 10


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


async def test_a_portal_that_leaves_while_it_is_stopped_is_stopped(tmp_path, monkeypatch, gone):
    """It was there when we looked, and gone when it was told to go."""
    left = ServedPortal(kind="web", pid=gone, address="http://127.0.0.1:1", since=1.0)
    portals = Portals(tmp_path)

    async def present() -> list[ServedPortal]:
        return [left]

    monkeypatch.setattr(portals, "_present", present)
    assert (await portals.stop(PortalRef(kind="web"), None)).portals == [left]
