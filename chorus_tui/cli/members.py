"""``chorus-tui members …``: who belongs to the mesh, and what each may do."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from chorus_tui.cli.election import print_decided
from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.election import MemberList, PersonList, PersonView

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
@engine_command
async def persons(session: Session) -> None:
    """Persons who sign their votes with a key of their own."""
    session.show(await session.ask("members.persons"), _print_persons)


@members.command()
@click.argument("person")
@click.option(
    "--key", "file", required=True, type=click.File(), help="Their public key: a .pub file, - for standard input."
)
@click.option(
    "--authority", type=click.Choice(AUTHORITIES), default="decision", show_default=True, help="What the person may do."
)
@engine_command
async def enrol(session: Session, person: str, file: IO[str], authority: str) -> None:
    """Say that a public key is PERSON's, so that votes signed with it are theirs, whichever peer brings them. Needs a master."""
    from chorus_tui.contract.models.election import EnrolPerson

    request = EnrolPerson.model_validate({"person": person, "key": _line(file), "authority": authority})
    session.show(await session.ask("members.enrol", request), print_decided)


@members.command()
@click.argument("person")
@click.option("--key", metavar="FINGERPRINT", default="", help="Only this key (SHA256:…). Default: all of them.")
@engine_command
async def withdraw(session: Session, person: str, key: str) -> None:
    """Take PERSON's keys back: from now on votes signed with them count for nothing. Needs a master."""
    from chorus_tui.contract.models.election import WithdrawPerson

    session.show(await session.ask("members.withdraw", WithdrawPerson(person=person, key=key)), print_decided)


def _line(file: IO[str]) -> str:
    """The one key in a file; a private key is not even read whole."""
    return file.readline(4096).strip()[:1024]


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
    if any(person.keys for person in answer.persons):
        say()
        _table_of([person for person in answer.persons if person.keys])


def _print_persons(answer: PersonList) -> None:
    from chorus_tui.cli.plain import say

    if not answer.persons:
        say("Nobody is enrolled; 'chorus-tui members enrol NAME --key FILE.pub' does it.")
        return
    _table_of(answer.persons)


def _table_of(found: list[PersonView]) -> None:
    from chorus_tui.cli.plain import table

    rows = [
        (
            person.name, person.authority if person.keys else "withdrawn",
            ", ".join(key.fingerprint for key in person.keys), ", ".join(person.withdrawn),
        )
        for person in found
    ]  # fmt: skip
    table(("person", "authority", "signs with", "withdrawn keys"), rows)
