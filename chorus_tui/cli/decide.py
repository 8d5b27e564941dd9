"""``chorus-tui decide …``: put something to the vote, vote, see what came of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Exit, Session, complain, engine_command, page_options

if TYPE_CHECKING:
    from chorus_tui.contract.models.decisions import (
        DecisionList,
        DecisionView,
        Proposed,
        VoteCast,
        VoteDecision,
        VoteView,
    )


@click.group()
def decide() -> None:
    """Put something to the vote, vote, see what came of it. IDs may be shortened to their beginning."""


@decide.command("list")
@click.option("--open", "which", flag_value="open", help="Only those one can vote on.")
@click.option("--closed", "which", flag_value="closed", help="Only those that have ended.")
@page_options(100, "Decisions")
@engine_command
async def list_(session: Session, which: str | None, **page: Any) -> None:
    """Open ones first, those that close soonest before others; then the newest."""
    from chorus_tui.contract.models.decisions import ListDecisions

    request = ListDecisions.model_validate({"which": which or "all", **page})
    session.show(await session.ask("decisions.list", request), _print_list)


@decide.command()
@click.option("--title", required=True, help="What is decided, in a line.")
@click.option("--description", default="", help="What it is about, and why.")
@click.option(
    "--option", "options", multiple=True, help="Something to choose; repeat. Default: approve, reject, abstain."
)
@click.option(
    "--threshold", type=click.Choice(["majority", "two_thirds", "unanimous"]), default="majority", show_default=True,
    help="How many of the votes that are no abstentions it takes.",
)  # fmt: skip
@click.option(
    "--quorum", default="1/2", show_default=True, metavar="A/B", help="Which part of those eligible has to vote."
)
@click.option(
    "--deadline", default="1d", show_default=True, metavar="TIME", help="From now (90s, 10m, 2h, 3d), or RFC 3339."
)
@click.option("--to-roles", "to_roles", multiple=True, metavar="ROLE", help="Sealed: only this role reads it; repeat.")
@click.option(
    "--eligible",
    multiple=True,
    metavar="WHO",
    help="Who votes: a name, a peer id, role:NAME, or person:NAME; repeat. Default: all who may.",
)
@click.option("--kind", default="decision", show_default=True, help="What sort of decision it is.")
@click.option("--project", "project_id", default="", help="The project it belongs to.")
@click.option("--task", "task_id", metavar="TASK", help="The task it is about.")
@click.option("--thread", "thread_id", default="", metavar="THREAD", help="The thread it came from.")
@click.option("--issue", "issue_id", default="", metavar="ISSUE", help="The room it came from.")
@engine_command
async def propose(session: Session, **fields: object) -> None:
    """Put something to the vote; prints its id."""
    from chorus_tui.contract.models.decisions import ProposeDecision

    roles = [role.strip() for given in _texts(fields.pop("to_roles")) for role in given.split(",") if role.strip()]
    lists = {"options": _texts(fields.pop("options")), "eligible": _texts(fields.pop("eligible")), "to_roles": roles}
    request = ProposeDecision.model_validate({**fields, **lists})
    session.show(await session.ask("decisions.propose", request), _print_proposed)


@decide.command()
@click.argument("decision_id")
@click.argument("choice")
@click.option("--reason", default="", help="Why; others can read it, of a sealed decision only its roles.")
@click.option("--final", is_flag=True, help="You will not vote on it again; when all have said so it closes early.")
@click.option(
    "--sign-with",
    "key",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Vote as the enrolled person whose key this is: a private key, or the .pub of one in an agent.",
)
@engine_command
async def vote(
    session: Session, decision_id: str, choice: str, reason: str, final: bool, key: Path | None
) -> int | None:  # fmt: skip
    """Vote CHOICE, or vote anew: your last vote before the closing counts.

    With --sign-with it is your own vote as an enrolled person, whichever engine brings it. ssh-keygen signs it here, on this machine;
    the private key goes nowhere.
    """
    from chorus_tui.client.signing import CannotSign
    from chorus_tui.contract.models.decisions import VoteDecision

    request = VoteDecision(decision_id=decision_id, choice=choice, reason=reason, final=final)
    if key is not None:
        try:
            request = await _signed(session, request, key)
        except CannotSign as error:
            complain(str(error))
            return Exit.FAILED
    session.show(await session.ask("decisions.vote", request), _print_cast)
    return None


async def _signed(session: Session, request: VoteDecision, key: Path) -> VoteDecision:
    """The same vote, of the person whose key it is."""
    import asyncio

    from chorus_tui.client import signing
    from chorus_tui.contract.signed_vote import NAMESPACE

    public = await asyncio.to_thread(signing.public_key, key)
    ballot = await signing.ballot(session.ask, request, key, public)
    return ballot.signed(await asyncio.to_thread(signing.sign, key, NAMESPACE, ballot.text))


@decide.command()
@click.argument("decision_id")
@engine_command
async def show(session: Session, decision_id: str) -> None:
    """Outcome, tally, every vote with its signer and what became of it, the record."""
    from chorus_tui.contract.models.decisions import DecisionRef

    session.show(await session.ask("decisions.show", DecisionRef(decision_id=decision_id)), print_decision)


@decide.command()
@click.argument("decision_id")
@click.option("--reason", default="", help="Stands in the control log.")
@engine_command
async def withdraw(session: Session, decision_id: str, reason: str) -> None:
    """End a proposal of your own before it is closed."""
    from chorus_tui.contract.models.decisions import WithdrawDecision

    request = WithdrawDecision(decision_id=decision_id, reason=reason)
    session.show(await session.ask("decisions.withdraw", request), print_decision)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple) else []


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_list(answer: DecisionList) -> None:
    from chorus_tui.cli.plain import duration, say, table
    from chorus_tui.telling import decision as words

    if not answer.decisions:
        say("Nothing has been put to the vote; 'chorus-tui decide propose --title …' does.")
        return
    now = time.time()
    rows = [
        (
            row.decision_id, words.state(row), words.title(row), row.outcome, words.turnout(row), row.proposer_name,
            duration(words.closes_in(row, now)), "your vote" if row.waits_for_me else "",
        )
        for row in answer.decisions
    ]  # fmt: skip
    table(("decision", "state", "title", "outcome", "voted", "by", "closes in", "waits for"), rows)


def _print_proposed(answer: Proposed) -> None:
    from chorus_tui.cli.plain import say

    say(answer.decision_id)


def _print_cast(answer: VoteCast) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import decision as words

    admin = "the admin has it" if answer.admin_has_it else "the admin has not confirmed it yet"
    who = f" as {answer.vote.person}" if answer.vote.person else ""
    say(
        clean(
            f"Voted {answer.vote.choice}{who} on {answer.decision_id}: {words.delivered(answer.vote.delivery)}; {admin}"
        )
    )


def print_decision(view: DecisionView) -> None:
    """All of one decision."""
    from chorus_tui.cli.plain import clean, duration, moment, pairs, say, table
    from chorus_tui.telling import decision as words

    left = words.closes_in(view, time.time())
    pairs(
        [
            ("decision", view.decision_id),
            ("title", words.title(view)),
            ("about", view.description),
            ("state", words.standing(view)),
            ("tally", words.tally(view)),
            ("passes with", words.rule(view)),
            ("voted", words.turnout(view)),
            ("not yet", ", ".join(view.missing)),
            ("proposed by", f"{view.proposer_name}, {moment(view.made_at)}, {words.delivered(view.delivery)}"),
            ("for", f"{view.on_behalf_of}, asserted by {view.proposer_name}" if view.on_behalf_of else ""),
            ("closes", f"{moment(view.closes_at)}{'' if left is None else f', in {duration(left)}'}"),
            ("closed by", f"{view.closed_by_name}, entry {view.closing_index}" if view.closed_by else ""),
            ("sealed to", ", ".join(view.sealed_to)),
            ("task", view.task_id or ""),
            ("ucxl", view.ucxl),
            ("record", words.record(view)),
        ]
    )
    for warning in view.warnings:
        say(f"⚠ The closing proves against its admin: {clean(warning)}")
    for word in view.unproven:
        say(f"Unproven: {clean(word)}")
    if view.votes:
        say()
        table(("vote", "by", "became", "delivery", "at", "reason"), map(_vote_row, view.votes))


def _vote_row(vote: VoteView) -> tuple[object, ...]:
    from chorus_tui.cli.plain import moment
    from chorus_tui.telling import decision as words

    choice = f"{vote.choice} (final)" if vote.final else vote.choice
    return (
        choice, words.signer(vote), words.mark(vote), words.delivered(vote.delivery), moment(vote.at), words.reason(vote),
    )  # fmt: skip
