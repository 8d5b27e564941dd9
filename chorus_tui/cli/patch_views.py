"""Patches as the command line prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chorus_tui.contract.models.patches import PatchList, PatchView, ReviewView


def print_list(answer: PatchList) -> None:
    """The queue."""
    from chorus_tui.cli.plain import say, table
    from chorus_tui.telling import patches as words

    if not answer.patches:
        say("There are no patches; 'chorus-tui patch new --title …' makes one of a work tree.")
        return
    rows = [
        (
            row.patch_id, words.state(row), row.title, row.kind, words.size(row), row.author_name, words.judged(row),
            "your review" if row.waits_for_me else "",
        )
        for row in answer.patches
    ]  # fmt: skip
    table(("patch", "state", "title", "type", "size", "by", "reviews", "waits for"), rows)


def print_patch(view: PatchView) -> None:
    """All of one patch."""
    from chorus_tui.cli.plain import clean, moment, pairs, say, table
    from chorus_tui.telling import patches as words
    from chorus_tui.telling.decision import delivered

    pairs(
        [
            ("patch", view.patch_id), ("title", view.title), ("message", view.message), ("state", words.standing(view)),
            ("type", view.kind), ("changes", words.size(view)), ("made on", words.base(view)), ("document", view.address),
            ("revision", f"{view.revision + 1} of {len(view.revisions)}" if len(view.revisions) > 1 else ""),
            ("by", f"{view.author_name}, {moment(view.made_at)}, {delivered(view.delivery)}"),
            ("for", f"{view.on_behalf_of}, asserted by {view.author_name}" if view.on_behalf_of else ""),
            ("reviews", words.judged(view)), ("project", view.project_id), ("task", view.task_id or ""),
            ("decision", f"{view.vote.decision_id} ({view.vote.state.replace('_', ' ')})" if view.vote else ""),
            ("diff", f"{view.digest[:19]}…, {view.size} bytes, {'held here' if view.diff_here else 'not here yet'}"),
        ]
    )  # fmt: skip
    for vote in view.idle_votes:
        say(clean(f"Vote {words.idle_vote(vote)}"))
    for one in view.applied:
        say(clean(f"applied by {one.by_name or one.by}, {moment(one.at)}: {words.where(one)}"))
    say()
    table(("file", "lines"), [(one.path, words.size(one)) for one in view.names])
    if view.files > len(view.names):
        say(f"and {view.files - len(view.names)} more")
    for review in view.reviews:
        _print_review(review, view)


def _print_review(review: ReviewView, view: PatchView) -> None:
    from chorus_tui.cli.plain import clean, moment, say
    from chorus_tui.telling import patches as words

    old = f", of revision {review.revision + 1}" if review.revision != view.revision else ""
    say()
    say(clean(f"{words.signer(review)}, {moment(review.at)}{old}: {words.verdict(review)}"))
    for line in review.text.splitlines():
        say(f"  {clean(line)}")
    for comment in review.comments:
        say(clean(f"  at {words.place(comment)}: {comment.text}"))
