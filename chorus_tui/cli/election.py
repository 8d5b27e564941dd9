"""``chorus-tui election …``: who leads, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.election import Decided, ElectionHistory, ElectionStatus, Refounded, Voter


@click.group()
def election() -> None:
    """Who leads the mesh, who votes, and what that can bear."""


@election.command()
@engine_command
async def status(session: Session) -> None:
    """The admin, the voters with their scores, and what a loss would mean."""
    session.show(await session.ask("election.status"), _print_status)


@election.command()
@engine_command
async def history(session: Session) -> None:
    """Every term, newest first, with the votes that made its admin."""
    session.show(await session.ask("election.history"), _print_history)


@election.command()
@click.option("--reason", default="", help="Stands in the control log.")
@engine_command
async def trigger(session: Session, reason: str) -> None:
    """Another admin, although this one is well; the present one hands over."""
    from chorus_tui.contract.models.election import HandOver

    session.show(await session.ask("election.trigger", HandOver(reason=reason)), print_decided)


@election.command("step-down")
@click.option("--reason", default="", help="Stands in the control log.")
@engine_command
async def step_down(session: Session, reason: str) -> None:
    """As the admin, hand over to another voter."""
    from chorus_tui.contract.models.election import HandOver

    session.show(await session.ask("election.step_down", HandOver(reason=reason)), print_decided)


@election.command()
@click.option(
    "--confirm", metavar="MESH", help="First eight digits of the mesh id that is given up; asked for without it."
)
@engine_command
async def refound(session: Session, confirm: str | None) -> None:
    """Give up a mesh that lost its majority for good, and found it anew. Loud, and not to be undone."""
    from chorus_tui.contract.models.election import Refound

    if confirm is None:
        status: ElectionStatus = await session.ask("election.status")
        confirm = click.prompt(
            f"Mesh {status.mesh_id} is given up: what its missing voters decided alone is lost. Members that hear no admin "
            f"follow: a master at once, anybody else after several time-outs.\nRepeat its first eight digits to go on",
            err=True,
        )
    session.show(await session.ask("election.refound", Refound(confirm=str(confirm).strip())), _print_refounded)


def print_decided(answer: Decided) -> None:
    """For every command that asks the admin for a decision."""
    from chorus_tui.cli.plain import clean, say

    say(f"Decided: entry {answer.index} of the control log")
    if answer.note:
        say(clean(answer.note))


def _print_refounded(answer: Refounded) -> None:
    from chorus_tui.cli.plain import say

    say(
        f"Mesh {answer.old[:8]} was given up; {answer.mesh_id} stands in its place. Members without an admin follow by themselves: "
        "a master at once, anybody else in a minute or so."
    )


def _print_status(answer: ElectionStatus) -> None:
    from chorus_tui.cli.plain import clean, duration, pairs, say, table

    heard = "" if answer.admin_heard_s is None else f", heard {duration(answer.admin_heard_s)} ago"
    pairs(
        [
            ("mesh", answer.mesh_id or "none"),
            ("state", answer.state),
            ("admin", f"{answer.admin_name} (term {answer.term}{heard})" if answer.admin else "none"),
            (
                "voters",
                f"{len(answer.voters)}; a decision needs {answer.majority}" + (", changing" if answer.changing else ""),
            ),
            ("other meshes", ", ".join(f"{mesh[:8]} (told by {who})" for mesh, who in answer.other_meshes.items())),
        ]
    )
    if answer.meaning:
        say(clean(answer.meaning))
    table(("voter", "kind", "link", "silent", "score", "up", "able", "free", "net", "led"), map(_row, answer.voters))


def _row(voter: Voter) -> tuple[object, ...]:
    marks = [word for word, holds in (("me", voter.is_self), ("admin", voter.is_admin)) if holds]
    return (
        f"{voter.name} [{', '.join(marks)}]" if marks else voter.name,
        voter.kind,
        "yes" if voter.linked else "no",
        "" if voter.silent_s is None else f"{voter.silent_s:.1f} s",
        "" if voter.score is None else f"{voter.score:.2f}",
        *(f"{voter.parts[part]:.2f}" if part in voter.parts else "" for part in _PARTS),
    )


_PARTS = ("uptime", "capabilities", "resources", "network", "experience")


def _print_history(answer: ElectionHistory) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.terms:
        say("No term yet: this peer belongs to no mesh.")
        return
    rows = [(term.term, term.admin_name, moment(term.at), len(term.votes), term.index) for term in answer.terms]
    table(("term", "admin", "since", "votes", "entry"), rows)
