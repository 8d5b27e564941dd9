"""One patch as the screen shows it above its diff, and what was said at its places. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from chorus_tui.contract.counting import many
from chorus_tui.contract.models.patches import PatchRow, PatchView, ReviewView
from chorus_tui.telling import patches as words
from chorus_tui.widgets.hunks import Place, Remark
from chorus_tui.widgets.plain import ago, plain, plain_lines

STYLES = {"good": "green", "bad": "red", "warn": "yellow", "open": "cyan", "none": "dim"}
EMPTY = (
    "There are no patches.\n\nPress n to make one from a work tree: choose its files, then say what they are for. On the tasks screen P "
    "makes one from what a task has changed. Others review it here, line by line.\n$ chorus-tui patch new FILE --title TEXT"
)
SHOWN_LINES = 6


def line(row: PatchRow) -> tuple[Text, ...]:
    """One line of the queue."""
    title = Text(no_wrap=True, overflow="ellipsis").append("✉ " if row.waits_for_me else "", style="bold yellow")
    title.append(plain(row.title))
    return (
        Text(words.state(row), style=STYLES[words.TONES[row.state]]), title,
        Text(f"+{row.added} -{row.removed}", no_wrap=True), Text(plain(row.author_name), no_wrap=True, overflow="ellipsis"),
    )  # fmt: skip


def about(view: PatchView, now: float) -> list[Text]:
    """Everything known of a patch but its diff, a fact a line."""
    return [_fact(name, value) for name, value in _facts(view, now)] + [Text("")]


def _fact(name: str, value: str | Text) -> Text:
    text = Text(f"{name:<9} ", style="dim")
    return text.append_text(value if isinstance(value, Text) else Text(value, style="not dim"))


def _facts(view: PatchView, now: float) -> Iterator[tuple[str, str | Text]]:
    yield "title", Text(plain(view.title), style="bold not dim")
    message = plain_lines(view.message.strip()) if view.message.strip() else []
    for text in message[:SHOWN_LINES]:
        yield "", text
    if len(message) > SHOWN_LINES:
        yield "", f"… {len(message) - SHOWN_LINES} more lines"
    yield "state", Text(plain(words.standing(view)), style=f"not dim {STYLES[words.TONES[view.state]]}")
    for vote in view.idle_votes:
        yield "vote", Text(plain(words.idle_vote(vote)), style="not dim yellow")
    for one in view.applied:
        yield "applied", f"{plain(one.by_name or one.by)}: {plain(words.where(one))}"
    by = f"{plain(view.author_name)}, {ago(now - view.made_at)} ago"
    yield "by", f"{plain(view.on_behalf_of)}, asserted by {by}" if view.on_behalf_of else by
    yield "made on", plain(words.base(view))
    if view.address:
        yield "document", plain(view.address)
    if view.task_id:
        yield "task", view.task_id
    revision = f", revision {view.revision + 1}" if view.revision else ""
    yield (
        "changes",
        f"{view.kind}, {words.size(view)}{revision}{f', project {plain(view.project_id)}' if view.project_id else ''}",
    )
    for review in view.reviews:
        yield "review", _review(review, view)
        for text in plain_lines(review.text.strip())[:SHOWN_LINES] if review.text.strip() else []:
            yield "", text
    yield "id", view.patch_id


def _review(review: ReviewView, view: PatchView) -> Text:
    """``grace ✓ approves, 2 remarks in the diff``: each counts for the revision it was said of."""
    text = Text(f"{plain(words.signer(review))} ", style="bold not dim")
    tone = STYLES[words.VERDICTS[review.verdict][1]] if review.counts else "dim"
    text.append(plain(words.verdict(review)), style=f"not bold {tone}")
    if review.comments:
        remarks = many(len(review.comments), "remark")
        text.append(f", {remarks} in the diff", style="not bold")
    if review.revision != view.revision:
        text.append(f" (revision {review.revision + 1})", style="not bold dim")
    return text


def remarks(view: PatchView) -> dict[Place, list[Remark]]:
    """What was said of the newest revision, by place."""
    found: dict[Place, list[Remark]] = {}
    for review in view.reviews:
        if review.revision == view.revision:
            for one in review.comments:
                found.setdefault((one.file, one.hunk, one.line), []).append(Remark(words.signer(review), one.text))
    return found
