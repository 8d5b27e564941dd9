"""``chorus-tui peers``, ``connect``, ``invite`` and ``stop``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, complain, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.peers import Invitation, Peer, PeerList


@click.command()
@engine_command
async def peers(session: Session) -> None:
    """The peers this engine knows."""
    session.show(await session.ask("peers.list"), _print_peers)


@click.command("connect")
@click.argument("address")
@engine_command
async def connect_peer(session: Session, address: str) -> None:
    """Dial a peer by its multiaddr ADDRESS, with or without /p2p/<id>."""
    from chorus_tui.contract.models.peers import ConnectPeer

    session.show(await session.ask("peers.connect", ConnectPeer(address=address)), _print_connected)


@click.command()
@engine_command
async def invite(session: Session) -> None:
    """What another machine needs to join: addresses and the network key. The key is a secret."""
    session.show(await session.ask("network.invite"), _print_invitation)


@click.command()
@click.option(
    "--drain", "drain_s", type=click.FloatRange(0, 3600), help="Seconds that running tasks may go on; 0: none."
)
@engine_command
async def stop(session: Session, drain_s: float | None) -> None:
    """Drain and stop the engine: running tasks are finished or handed over first."""
    from chorus_tui.contract.models.status import StopEngine

    answer = await session.ask("engine.stop", StopEngine(drain_s=drain_s))
    session.show(answer, lambda _: complain("the engine drains and stops"))


def _print_peers(answer: PeerList) -> None:
    from chorus_tui.cli.plain import say, table

    if not answer.peers:
        say("No peer yet. On another machine, set what 'chorus-tui invite' prints, or: chorus-tui connect ADDRESS")
        return
    headers = ("name", "kind", "role", "state", "status", "tasks", "latency", "peer")
    table(headers, [_peer_row(peer) for peer in answer.peers])


def _peer_row(peer: Peer) -> tuple[object, ...]:
    marks = [word for word, holds in (("me", peer.is_self), ("admin", peer.is_admin), ("clash", peer.clash)) if holds]
    return (
        f"{peer.name or peer.agent_id} [{', '.join(marks)}]" if marks else peer.name or peer.agent_id,
        peer.kind,
        peer.role,
        peer.state if peer.member else f"{peer.state}, no member",
        peer.status,
        f"{peer.running}/{peer.max_tasks}" if peer.running is not None and peer.max_tasks is not None else "",
        f"{peer.latency_ms:.0f} ms" if peer.latency_ms is not None else "",
        peer.peer_id,
    )


def _print_connected(peer: Peer) -> None:
    from chorus_tui.cli.plain import clean, say

    say(clean(f"{peer.name or peer.peer_id}: {peer.state}"))


def _print_invitation(answer: Invitation) -> None:
    from chorus_tui.cli.plain import clean, say

    for name, value in answer.environment.items():
        say(f"export {clean(name)}={shlex.quote(clean(value))}")
    if answer.note:
        complain(answer.note)
    complain("Whoever has the key can join. Give it on a safe way only.")
