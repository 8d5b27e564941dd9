"""``chorus-tui members …``: who belongs to the mesh, and what each may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.election import print_decided
from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.election import MemberList

AUTHORITIES = ("master", "decision", "coordination", "suggestion", "read_only")


@click.group()
def members() -> None:
    """Who belongs to the mesh, and what each may do."""


@members.command("list")
@engine_command
async def list_(session: Session) -> None:
    """Everybody, in the order of joining."""
    session.show(await session.ask("members.list"), _print)


@members.command()
@click.argument("member")
@click.option("--authority", type=click.Choice(AUTHORITIES), help="What the member may do.")
@click.option("--role", help="The role tasks are routed by.")
@click.option("--expertise", multiple=True, help="An area of expertise; may be repeated.")
@engine_command
async def grant(
    session: Session, member: str, authority: str | None, role: str | None, expertise: tuple[str, ...]
) -> None:
    """Grant MEMBER (a peer id or a name) an authority, a role, expertise. Needs a master."""
    from chorus_tui.contract.models.election import GrantMember

    request = GrantMember.model_validate(
        {"member": member, "authority": authority, "role": role, "expertise": list(expertise) or None}
    )
    session.show(await session.ask("members.grant", request), print_decided)


@members.command()
@click.argument("member")
@engine_command
async def remove(session: Session, member: str) -> None:
    """Take MEMBER (a peer id or a name) out of the mesh. Needs a master, or be it yourself."""
    from chorus_tui.contract.models.election import RemoveMember

    session.show(await session.ask("members.remove", RemoveMember(member=member)), print_decided)


@members.command()
@click.argument("mesh")
@engine_command
async def merge(session: Session, mesh: str) -> None:
    """Make this mesh and MESH (its id, or first digits) one. A master of each must say so; the smaller goes into the larger."""
    from chorus_tui.contract.models.election import MergeMesh

    session.show(await session.ask("members.merge", MergeMesh(mesh=mesh)), print_decided)


def _print(answer: MemberList) -> None:
    from chorus_tui.cli.plain import say, table

    if not answer.members:
        say("No member yet: this peer belongs to no mesh.")
        return
    rows = []
    for member in answer.members:
        marks = [
            word
            for word, holds in (("me", member.is_self), ("admin", member.is_admin), ("voter", member.voter))
            if holds
        ]
        rows.append(
            (
                f"{member.name} [{', '.join(marks)}]" if marks else member.name, member.kind, member.authority, member.role,
                ", ".join(member.expertise), "connected" if member.linked else "away", member.peer_id,
            )
        )  # fmt: skip
    table(("name", "kind", "authority", "role", "expertise", "link", "peer"), rows)
