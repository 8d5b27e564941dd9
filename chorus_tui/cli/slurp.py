"""``chorus-tui slurp …``: what the mesh has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Session, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.slurp import ContextAnswer, ContextHops, FeedbackTaken, SlurpStats


@click.group()
def slurp() -> None:
    """What the mesh has learned from tasks, votes and discussions."""


@slurp.command()
@click.argument("path", default="general")
@click.option("--query", "-q", default="", help="Only what has to do with these words.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@engine_command
async def context(session: Session, path: str, query: str, limit: int) -> None:
    """What is known on PATH (a project, and what lies below it), the most relevant first."""
    from chorus_tui.contract.models.slurp import AskContext

    session.show(await session.ask("slurp.context", AskContext(path=path, query=query, limit=limit)), _print)


@slurp.command(name="show")
@click.argument("node")
@engine_command
async def show_node(session: Session, node: str) -> None:
    """NODE, an id of 'slurp context' or the UCXL address that it comes from: all that is known of it, what it builds on and what
    was built on it."""
    from chorus_tui.contract.models.slurp import ContextRef

    session.show(
        await session.ask("slurp.show", ContextRef(node_id=node if node.startswith("ucxl://") else node.lower())),
        _print_hops,
    )


@slurp.command()
@click.argument("node")
@click.argument("word", type=click.Choice(["helpful", "wrong", "outdated"]))
@click.option("--note", default="", help="Why.")
@engine_command
async def feedback(session: Session, node: str, word: Any, note: str) -> None:
    """Your word on NODE, an id of 'slurp context' or its first digits. Agents are shown what is trusted."""
    from chorus_tui.contract.models.slurp import GiveFeedback

    request = GiveFeedback(node_id=node.lower(), event=word, note=note)
    session.show(await session.ask("slurp.feedback", request), _print_taken)


@slurp.command()
@engine_command
async def stats(session: Session) -> None:
    """How much is known, and what waits for the admin."""
    session.show(await session.ask("slurp.stats"), _print_stats)


def _print(answer: ContextAnswer) -> None:
    from chorus_tui.cli.plain import moment, say, table

    if not answer.nodes:
        say("Nothing is known there yet. Accepted tasks, passed votes and agreed proposals are remembered.")
        return
    rows = [
        (
            row.node_id[:8], row.kind, row.path, row.summary, row.by_name, moment(row.at), f"{row.relevance:.2f}",
            f"{row.standing:.2f}", row.used,
        )
        for row in answer.nodes
    ]  # fmt: skip
    table(("node", "kind", "path", "what", "by", "at", "relevance", "standing", "used"), rows)
    if answer.known > len(answer.nodes):
        say(f"{answer.known - len(answer.nodes)} more; see --limit")


def _print_hops(answer: ContextHops) -> None:
    from chorus_tui.cli.plain import say
    from chorus_tui.telling import context as words

    for _, line in words.hops(answer):
        say(line)


def _print_taken(answer: FeedbackTaken) -> None:
    from chorus_tui.cli.plain import say

    say("Taken" if answer.standing is None else f"Taken; {answer.node_id[:8]} stands at {answer.standing:.2f} now")


def _print_stats(answer: SlurpStats) -> None:
    from chorus_tui.cli.plain import pairs

    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(answer.by_kind.items()))
    pairs(
        [
            ("nodes", f"{answer.nodes}{f' ({kinds})' if kinds else ''}"),
            ("paths", answer.paths),
            ("shown to agents", answer.used),
            ("judged", answer.judged),
            ("events that wait", answer.waiting_events),
            ("questions that wait", answer.waiting_requests),
        ]
    )
