"""One decision in full, as the screen shows it: every line says who signed it and how far it got. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chorus_tui.contract.models.decisions import OPEN, DecisionView, VoteView
from chorus_tui.telling import decision as words
from chorus_tui.widgets.facts import table
from chorus_tui.widgets.plain import ago, plain, plain_lines

EMPTY = (
    "Nothing has been put to the vote.\n\nPress n to propose something:  who may vote is fixed at that moment, the last vote of "
    "each before the deadline counts, and every peer adds up for itself.\n$ chorus-tui decide propose --title TEXT"
)
STYLES = {"good": "green", "bad": "red", "warn": "yellow", "open": "cyan", "none": "dim"}
Rows = Iterator[tuple[str, str | Text]]
SHOWN_LINES = 4


def detail(view: DecisionView, now: float) -> RenderableType:
    """Everything known of a decision."""
    return Group(
        table([*_about(view), *_standing(view, now)]), _votes(view, now), table([*_made(view, now), *_record(view)])
    )


def _about(view: DecisionView) -> Rows:
    yield "title", Text(plain(words.title(view)), style="bold")
    for line in plain_lines(view.description.strip())[:SHOWN_LINES] if view.description else []:
        yield "", line
    if not view.readable:
        yield "sealed", f"to {plain(', '.join(view.sealed_to))}; options and tally are for all"
    elif view.sealed_to:
        yield "sealed", f"to {plain(', '.join(view.sealed_to))}"


def _standing(view: DecisionView, now: float) -> Rows:
    tone = words.TONES[view.state]
    yield "state", Text(plain(words.standing(view)), style=STYLES[tone])
    for warning in view.warnings:
        yield "⚠ proven", Text(f"against the admin {plain(view.closed_by_name)}: {plain(warning)}", style="bold red")
    for word in view.unproven:
        yield "unproven", Text(plain(word), style="yellow")
    yield "tally", f"{plain(words.tally(view))}; voted {words.turnout(view)}"
    left = words.closes_in(view, now)
    if left is not None:
        yield "closes", "the deadline is over; the admin closes it" if not left else f"in {ago(left)}"
    if view.missing and view.state in OPEN:
        yield "not yet", Text(plain(", ".join(view.missing)), style="dim")
    if view.state in OPEN and not view.may_vote:
        yield "my vote", Text(f"none: {plain(view.why_not)}", style="yellow")
    elif view.my_vote:
        yield "my vote", plain(view.my_vote)


def _made(view: DecisionView, now: float) -> Rows:
    yield "passes", plain(words.rule(view))
    by = f"{plain(view.proposer_name)}, {ago(now - view.made_at)} ago, {words.delivered(view.delivery)}"
    yield "by", f"{plain(view.on_behalf_of)}, asserted by {by}" if view.on_behalf_of else by
    if view.closed_by:
        yield "closed by", f"{plain(view.closed_by_name)}, entry {view.closing_index} of the control log"


def _record(view: DecisionView) -> Rows:
    if view.task_id:
        yield "task", view.task_id
    if view.ucxl:
        yield "ucxl", plain(view.ucxl)
        yield "record", plain(words.record(view))
    yield "id", view.decision_id


def _votes(view: DecisionView, now: float) -> Table:
    """A choice is never cut, as a fact's name would be: it is what somebody said."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(min_width=10, max_width=24, overflow="fold", style="bold")
    grid.add_column(overflow="fold")
    for vote in view.votes:
        grid.add_row(f"{plain(vote.choice)}{' (final)' if vote.final else ''}", _vote(vote, now))
    return grid


def _vote(vote: VoteView, now: float) -> Text:
    """``✓ counted  ada (agent), held by 3, 9 s ago: because (why it is marked so)``."""
    word, tone = words.MARKS[vote.mark]
    text = Text.assemble((word, STYLES[tone]))
    text.append(
        f"  {plain(words.signer(vote))}, {words.delivered(vote.delivery)}, {ago(now - vote.at)} ago", style="dim"
    )
    reason = words.reason(vote)
    if reason:
        text.append(f": {plain(' '.join(reason.split()), limit=400)}")
    return text.append(f" ({plain(vote.why)})", style="dim") if vote.why else text
