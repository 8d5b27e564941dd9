"""``chorus-tui status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.status import Status

_SIGNS = {"healthy": "✓", "degraded": "!", "failing": "✗"}


@click.command()
@engine_command
async def status(session: Session) -> None:
    """Me, the mesh, its admin, tasks by state, health."""
    session.show(await session.ask("status.show"), _print)


def _print(status: Status) -> None:
    from chorus_tui.cli.plain import clean, moment, pairs, say
    from chorus_tui.telling import beats, rates

    pairs(
        [
            ("agent", f"{status.agent_id} ({status.kind}, version {status.version})"),
            ("peer", status.peer_id),
            ("role", status.role),
            ("authority", status.authority),
            ("since", moment(status.started_at)),
            ("data folder", status.data_dir),
            ("addresses", ", ".join(status.addresses)),
            ("network", status.network),
            ("mesh", f"{status.mesh_id or 'none'} ({status.mesh_state}) {status.mesh_detail}".rstrip()),
            ("admin", _admin(status)),
            ("voters", f"{len(status.voters)} ({status.failover})"),
            ("peers", f"{status.peers} connected, {many(status.members, 'member')}"),
            ("tasks", ", ".join(f"{number} {state}" for state, number in status.tasks.items()) or "none"),
            ("running here", f"{status.running} of {status.max_tasks}"),
            ("models", status.models_found),
            ("beats", clean(beats.beat(status.beats)) if status.beats else ""),
            ("last bar", clean(beats.bar(status.beats)) if status.beats else ""),
            ("journal", f"{many(status.feed_entries, 'entry', 'entries')}, control log at {status.control_index}"),
            ("lately", ", ".join(f"{rates.name(one)} {rates.rate(one)}" for one in status.rates)),
            ("refused", ", ".join(f"{number} {reason}" for reason, number in status.refused_messages.items())),
            ("draining", "yes" if status.draining else ""),
            ("health", status.health),
        ]
    )
    for check in status.checks:
        say(f"  {_SIGNS[check.level]} {clean(check.name)}: {check.level} {clean(check.detail)}".rstrip())
    for warning in status.warnings:
        say(f"  ! {clean(warning)}")


def _admin(status: Status) -> str:
    if status.admin is None:
        return "none"
    heard = f", {status.admin_lost}" if status.admin_lost else ""
    return f"{status.admin.agent_id} (term {status.admin.term}{heard})"
