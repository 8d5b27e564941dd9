"""``chorus-tui ssh``: one process that serves the portal over SSH, from its start to its orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from chorus_tui.client import ContractRefused, EngineGone
from chorus_tui.client.local_files import Reach, confine
from chorus_tui.contract.problem import Problem
from chorus_tui.serve import log as logging_
from chorus_tui.serve import settings
from chorus_tui.serve.register import Register
from chorus_tui.serve.ssh import cures, hostkey
from chorus_tui.serve.ssh.house import House, portal
from chorus_tui.serve.ssh.keys import KeyFile
from chorus_tui.serve.ssh.limits import Limits
from chorus_tui.serve.ssh.places import host_key_file, key_file
from chorus_tui.serve.ssh.reception import Opener, Reception
from chorus_tui.serve.ssh.server import Server

log = structlog.get_logger("serve.ssh")

STOPPED: Final = (
    "The SSH portal was stopped where it is served. What you did stays done; connect again when it is back."
)


class CannotServe(Exception):
    """The door cannot be opened. The text says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Where to listen and what to show: ``data`` is the data folder, ``address`` the engine's socket or URL."""

    host: str
    port: int
    data: Path
    address: Path | str
    opener: Opener


def limits(environ: Mapping[str, str]) -> Limits:
    """As set. Raises :class:`~chorus_tui.serve.settings.BadSetting`."""
    return Limits(
        sessions=settings.number("CHORUS_SSH_SESSIONS", environ),
        a_key=settings.number("CHORUS_SSH_SESSIONS_PER_KEY", environ),
        an_address=settings.number("CHORUS_SSH_SESSIONS_PER_ADDRESS", environ),
        idle_s=float(settings.number("CHORUS_SSH_IDLE_S", environ)),
    )


async def serve(wish: Wish, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Until SIGTERM, SIGINT or SIGHUP; ``say`` is told what a person should know. Raises :class:`CannotServe`, ``BadSetting``."""
    logging_.configure(settings.text("CHORUS_LOG_LEVEL", environ), settings.text("CHORUS_LOG_FORMAT", environ))
    bounds = limits(environ)
    reach = _confine(environ)
    cures.apply()
    keys = KeyFile(key_file(wish.data, environ))
    reception = Reception(wish.address, wish.opener, reach.root)
    try:
        await reception.open(lambda _: None)
        await _serve(wish, House(reception, keys, bounds), say)
    except (EngineGone, ContractRefused, Problem, hostkey.HostKeyUnusable) as error:
        raise CannotServe(str(error)) from error
    finally:
        await reception.close()


async def _serve(wish: Wish, house: House, say: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    key = hostkey.load_or_make(host_key_file(wish.data))
    server, register = Server(house, key), Register(wish.data)
    try:
        port = await server.listen(wish.host, wish.port)
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotServe(
            f"Cannot listen on {wish.host} port {wish.port}: {why}. Give another one with --port"
        ) from error
    try:
        told = portal(f"[{wish.host}]:{port}" if ":" in wish.host else f"{wish.host}:{port}", hostkey.identity(key))
        house.changed = lambda: house.tell(told, register)
        house.changed()
        _announce(told.address, told.identity, house.keys, say)
        log.info("🚪 The portal is served over SSH", address=told.address, identity=told.identity)
        await stopped.wait()
        log.info("🚪 The SSH portal stops")
    finally:
        await server.close(STOPPED)
        register.leave()


def _announce(address: str, identity: str, keys: KeyFile, say: Callable[[str], None]) -> None:
    """What a person needs to tell the guests, and what is wrong with the keys."""
    host, _, port = address.rpartition(":")
    say(f"The portal is served on {address}: ssh -p {port} {host.strip('[]')}")
    say(f"Its host key, to compare on the first visit: {identity}")
    held = keys.now()
    say(f"Keys: {len(held.keys)} in {keys.path}")
    if keys.trouble:
        say(keys.trouble)
    for fault in held.faults:
        say(f"{keys.path}, {fault}")
    if not held.keys:
        say("Nobody can come in yet: chorus-tui ssh keys add FILE.pub --person NAME --scope operate")


def _confine(environ: Mapping[str, str]) -> Reach:
    try:
        reach = Reach.of_guests(settings.text("CHORUS_SERVE_ROOT", environ))
        confine(reach)
    except ValueError as error:
        raise CannotServe(str(error)) from error
    return reach
