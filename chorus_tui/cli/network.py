"""``chorus-tui peers`` (``ban``, ``block``, ``unban``), ``connect``, ``invite`` and ``stop``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, Target, complain, engine_command, with_options

if TYPE_CHECKING:
    from chorus_tui.contract.models.peers import Invitation, Peer, PeerList


@click.command("list")
@engine_command
async def list_peers(session: Session) -> None:
    """The peers this engine knows."""
    session.show(await session.ask("peers.list"), _print_peers)


@click.group(invoke_without_command=True)
@with_options
@click.pass_context
def peers(
    context: click.Context, data_dir: str | None, attach: str | None, token_file: str | None, *, as_json: bool
) -> None:
    """The peers this engine knows; keep one out, let it in again."""
    if context.invoked_subcommand is not None:
        context.obj = Target(data_dir, attach, token_file).over(context.find_object(Target) or Target())
        return
    context.invoke(list_peers, data_dir=data_dir, attach=attach, token_file=token_file, as_json=as_json)


@peers.command()
@click.argument("peer")
@click.option(
    "--for", "seconds", type=click.FloatRange(1, 30 * 86_400), default=3600.0, metavar="S", help="Seconds [3600]."
)
@click.option("--why", default="", help="What others here read on the peers screen.")
@engine_command
async def ban(session: Session, peer: str, seconds: float, why: str) -> None:
    """Keep PEER (a peer id or a name) out for a while. Only this engine does; others decide for themselves."""
    from chorus_tui.contract.models.peers import BanPeer

    session.show(await session.ask("peers.ban", BanPeer(peer=peer, seconds=seconds, why=why)), _print_peer)


@peers.command()
@click.argument("peer")
@click.option("--why", default="", help="What others here read on the peers screen.")
@engine_command
async def block(session: Session, peer: str, why: str) -> None:
    """Keep PEER (a peer id or a name) out until it is unbanned, also after a restart."""
    from chorus_tui.contract.models.peers import BlockPeer

    session.show(await session.ask("peers.block", BlockPeer(peer=peer, why=why)), _print_peer)


@peers.command()
@click.argument("peer")
@engine_command
async def unban(session: Session, peer: str) -> None:
    """Let PEER (a peer id or a name) in again, whether it was banned, blocked, or had misbehaved."""
    from chorus_tui.contract.models.peers import UnbanPeer

    session.show(await session.ask("peers.unban", UnbanPeer(peer=peer)), _print_peer)


@click.command("connect")
@click.argument("address")
@engine_command
async def connect_peer(session: Session, address: str) -> None:
    """Dial a peer by its multiaddr ADDRESS, with or without /p2p/<id>."""
    from chorus_tui.contract.models.peers import ConnectPeer

    session.show(await session.ask("peers.connect", ConnectPeer(address=address)), _print_peer)


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
    for peer in answer.peers:
        if peer.ban is not None:
            _print_peer(peer)


def _peer_row(peer: Peer) -> tuple[object, ...]:
    from chorus_tui.telling import peers as words

    marks = [word for word, holds in (("me", peer.is_self), ("admin", peer.is_admin), ("clash", peer.clash)) if holds]
    return (
        f"{peer.name or peer.agent_id} [{', '.join(marks)}]" if marks else peer.name or peer.agent_id,
        peer.kind,
        peer.role,
        _state(peer),
        words.status(peer),
        words.load(peer),
        f"{peer.latency_ms:.0f} ms" if peer.latency_ms is not None else "",
        peer.peer_id,
    )


def _state(peer: Peer) -> str:
    marks = ["no member"] * (not peer.member) + [f"{peer.held_against}/100 held against it"] * (peer.held_against > 0)
    return ", ".join((peer.state, *marks))


def _print_peer(peer: Peer) -> None:
    import time

    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling.peers import kept_out

    why = f" ({kept_out(peer.ban, time.time())})" if peer.ban is not None else ""
    say(clean(f"{peer.name or peer.peer_id}: {peer.state}{why}"))


def _print_invitation(answer: Invitation) -> None:
    from chorus_tui.cli.plain import clean, say

    for name, value in answer.environment.items():
        say(f"export {clean(name)}={shlex.quote(clean(value))}")
    if answer.note:
        complain(answer.note)
    complain("Whoever has the key can join. Give it on a safe way only.")
