"""Patches for the pictures: one in review with comments at its lines, one submitted, one being voted on, one applied."""

from __future__ import annotations

import hashlib
from typing import Any

from textual.widgets import DataTable

from chorus_tui.contract.diff import parse
from chorus_tui.contract.diff_text import unified
from chorus_tui.contract.models.patches import AppliedView, CommentView, PatchView, ReviewView, RevisionView, VoteState
from tests.ui.fake_engine import IDS, NOW, FakeEngine
from tests.ui.playing import settle

IDENTIFIERS = [f"01ARZ3NDEKTSV4RRFFQ69G5FD{n}" for n in range(1, 5)]
OLD = '''"""Sums of orders."""


def total(orders):
    result = 0
    for order in orders:
        result = result + order.price
    return result


def share(order, orders):
    return order.price / total(orders)


def largest(orders):
    return max(orders, key=lambda order: order.price)


def names(orders):
    return [order.name for order in orders]
'''
NEW = (
    OLD.replace(
        "    result = 0\n    for order in orders:\n        result = result + order.price\n    return result\n",
        '    """What all of them cost."""\n    return sum(order.price for order in orders)\n',
    )
    .replace(
        "    return order.price / total(orders)\n",
        "    whole = total(orders)\n    return order.price / whole if whole else 0\n",
    )
    .replace("    return [order.name for order in orders]\n", "    return sorted(order.name for order in orders)\n")
)
DIFF = unified("shop/sums.py", OLD, NEW) + unified(
    "docs/sums.md", None, "# Sums\n\n[red]not markup[/red] \x1b[31mnor a colour\n"
)


def review(
    n: int, verdict: str, text: str = "", *comments: tuple[str, int, int | None, str], **fields: Any
) -> ReviewView:
    return ReviewView.model_validate(
        {
            "by": IDS[n], "by_name": ("ada", "grace", "linus", "you")[n], "verdict": verdict, "text": text, "revision": 0,
            "at": NOW - 60 + n, "counts": True, "entry": f"{n}" * 64,
            "comments": [CommentView(file=f, hunk=h, line=li, text=t) for f, h, li, t in comments], **fields,
        }
    )  # fmt: skip


def one(engine: FakeEngine, n: int, state: str, data: bytes = DIFF, **fields: Any) -> PatchView:
    files = parse(data)
    digest = engine.keep(data)
    entry = hashlib.sha256(f"patch {n}".encode()).hexdigest()
    base: dict[str, Any] = {
        "key": f"{IDS[1]}/{IDENTIFIERS[n]}", "patch_id": IDENTIFIERS[n], "entry": entry, "title": "Sum without a loop",
        "kind": "code", "state": state, "author": IDS[1], "author_name": "grace", "made_at": NOW - 300 - n, "changed_at": NOW - 100 - n,
        "project_id": "shop", "repository": "shop", "files": len(files), "added": sum(f.added for f in files),
        "removed": sum(f.removed for f in files), "message": "sum() says it in a line.\nA share of nothing is nothing.",
        "base": "3efb9b9c" * 5, "digest": digest, "size": len(data), "diff_here": True,
        "names": [{"path": f.path, "added": f.added, "removed": f.removed} for f in files], "reviews": [], "applied": [],
        "revisions": [RevisionView(revision=0, entry=entry, at=NOW - 300, digest=digest, size=len(data))], "may": ["review", "judge"],
    }  # fmt: skip
    return PatchView.model_validate({**base, **fields})


def filled() -> FakeEngine:
    engine = FakeEngine()
    small = unified("README.md", "Shop\n", "Shop\n\nA shop.\n")
    engine.patches = [
        one(
            engine, 0, "in_review", approvals=1, comments=3, waits_for_me=True,
            reviews=[
                review(0, "approve", "Shorter, and right.", ("shop/sums.py", 0, 9, "Generators only: no list is made.")),
                review(2, "comment", "", ("shop/sums.py", 1, None, "Is zero what callers want?")),
            ],
        ),
        one(engine, 1, "submitted", small, title="Say what it is", kind="docs", may=["review", "judge", "vote", "apply", "withdraw"]),
        one(
            engine, 2, "voting", title="Round prices", vote=VoteState(decision_id="01ARZ3NDEKTSV4RRFFQ69G5FC1", entry="0" * 64, state="open"),
            decision_id="01ARZ3NDEKTSV4RRFFQ69G5FC1", may=["review"],
        ),
        one(
            engine, 3, "applied", small, title="Name the shop", may=[], mine=True,
            applied=[AppliedView(by=IDS[3], by_name="you", at=NOW - 40, revision=0, repository="shop", commit="5e" * 20, branch="name")],
        ),
    ]  # fmt: skip
    return engine


def shown(pilot: Any) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


def at(pilot: Any, title: str) -> None:
    """The cursor to the patch of this title."""
    table = pilot.app.screen.query_one(DataTable)
    for row in pilot.app.store.patches.values():
        if row.title == title:
            table.move_cursor(row=table.get_row_index(row.key))


async def chosen(pilot: Any, title: str) -> None:
    at(pilot, title)
    await settle(pilot)
