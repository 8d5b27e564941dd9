"""``chorus-tui demo``: the whole loop in a minute, on embedded defaults, and nothing left of it afterwards.

Three agents and the person's own engine run as real processes and meet over libp2p; a sample repository is tested in
Docker sandboxes. With a terminal it opens the portal on them; without one it prints the story.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from chorus_tui.cli.demo.engines import DemoEngine, DemoFailed, DemoMesh
from chorus_tui.cli.demo.sample import make_repository
from chorus_tui.cli.demo.story import announce, follow, wait_for_mesh
from chorus_tui.cli.demo.tasks import demo_tasks

if TYPE_CHECKING:
    from chorus_tui.client import EngineClient, Progress
    from chorus_tui.contract.models.status import Status

AGENTS = ("ada", "grace", "linus")
IMAGES = ("chorus-base", "chorus-python-dev")


@click.command()
@click.option(
    "--tui/--no-tui", default=None, help="Open the portal, or print the story. Default: the portal on a terminal."
)
def demo(tui: bool | None) -> None:
    """Show a mesh of three agents and you: real tasks, then everything is gone again."""
    with_portal = sys.stdin.isatty() and sys.stdout.isatty() if tui is None else tui
    folder = Path(tempfile.mkdtemp(prefix="chorus-demo-"))
    # Sockets of the demo's engines go with it too; a socket's path is short, whatever the temporary folder is called.
    runtime = Path(tempfile.mkdtemp(prefix="chorus-", dir="/tmp"))
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        ensure_images()
        asyncio.run(_demo(folder, with_portal))
    except DemoFailed as failure:
        raise click.ClickException(str(failure)) from failure
    except KeyboardInterrupt:
        raise click.ClickException("Stopped. Everything the demo started is gone.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)


def say(line: str) -> None:
    """One line of the story, at once."""
    click.echo(line)
    sys.stdout.flush()


def ensure_images() -> None:
    """The sandboxes' images: those that are here, else pulled, else built from Debian packages."""
    command = [sys.executable, "-m", "chorus_tui.engine", "images", "ensure", *IMAGES]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)  # noqa: S603 - our own interpreter
    if done.returncode != 0:
        raise DemoFailed(f"The sandbox images are not there.\n{done.stderr.strip()}")


async def _demo(folder: Path, with_portal: bool) -> None:
    """Start, tell, stop. A signal stops it like an error does: through the same clean-up."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    mesh = DemoMesh(folder)
    started = time.monotonic()
    try:
        you = await _start_all(mesh)
        if with_portal:
            await _portal(you, folder)
        else:
            await _story(you, folder)
    except asyncio.CancelledError:
        raise DemoFailed("Stopped before the end.") from None
    finally:
        forced = await asyncio.shield(mesh.stop())
    if forced:
        raise DemoFailed(f"These peers did not stop by themselves: {', '.join(forced)}")
    say(f"All peers have stopped; nothing is left running. {time.monotonic() - started:.0f} s in all.")


async def _start_all(mesh: DemoMesh) -> DemoEngine:
    """The first agent founds the mesh; the others and the person dial it."""
    say(f"Starting three agents ({', '.join(AGENTS)}) and your own peer on this machine …")
    first = await mesh.start(AGENTS[0], "agent")
    address = await _address(first)
    *_, you = await asyncio.gather(
        *(mesh.start(name, "agent", address) for name in AGENTS[1:]), mesh.start("you", "human", address)
    )
    return you


async def _address(engine: DemoEngine) -> str:
    """Where the others can dial it, once it has founded its mesh."""
    async with _client(engine) as client:
        for _ in range(200):
            status = cast("Status", await client.call("status.show"))
            if status.mesh_id and status.addresses:
                return str(status.addresses[0])
            await asyncio.sleep(0.1)
    raise DemoFailed(f"{engine.name} founded no mesh.\n{engine.log_tail()}")


async def _story(you: DemoEngine, folder: Path) -> None:
    """The demo without a terminal."""
    async with _client(you) as client:
        await wait_for_mesh(client, len(AGENTS) + 1, say)
        tasks = demo_tasks(make_repository(folder / "tally"))
        say("You announce three tasks on a small repository that has one bug on purpose.")
        ids = [await announce(client, task) for task in tasks]
        async with asyncio.TaskGroup() as group:
            for task_id, task in zip(ids, tasks, strict=True):
                group.create_task(follow(client, task_id, task, say))
    say("Three tasks, each ended as its own output says.")


async def _portal(you: DemoEngine, folder: Path) -> None:
    """The demo on a terminal: the tasks are announced, and the portal shows them run."""
    from chorus_tui.app import ChorusApp
    from chorus_tui.client.launcher import attach

    async with _client(you) as client:
        await wait_for_mesh(client, len(AGENTS) + 1, say)
        for task in demo_tasks(make_repository(folder / "tally")):
            await announce(client, task)
    say("Opening the portal. Leave it with q; then everything stops.")

    async def connect(_progress: Progress) -> EngineClient:
        return await attach(you.data_dir)

    await ChorusApp(connect, first="tasks", alone=True).run_async()


@contextlib.asynccontextmanager
async def _client(engine: DemoEngine) -> AsyncIterator[EngineClient]:
    """A client of one peer, over its Unix socket."""
    from chorus_tui.client.socket_client import SocketClient
    from chorus_tui.locations import socket_path

    client = SocketClient(socket_path(engine.data_dir))
    try:
        yield client
    finally:
        await client.close()
