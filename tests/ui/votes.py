"""Decisions for the pictures: one open, one passed with a late vote, one whose admin left a vote out, one sealed."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.decisions import Counts, DecisionView, VoteView
from tests.ui.fake_engine import IDS, NOW, FakeEngine

IDENTIFIERS = [f"01ARZ3NDEKTSV4RRFFQ69G5FC{n}" for n in range(1, 5)]
NAMES = ("ada", "grace", "linus", "you")


def cast(n: int, choice: str, mark: str = "counted", reason: str = "", **fields: Any) -> VoteView:
    return VoteView.model_validate(
        {
            "by": IDS[n], "by_name": NAMES[n], "kind": "human" if n == 3 else "agent", "choice": choice, "mark": mark,
            "reason": reason, "at": NOW - 60 + n, "entry": f"{n}{choice}".encode().hex().ljust(64, "0")[:64], **fields,
        }
    )  # fmt: skip


def one(n: int, state: str, votes: list[VoteView], counts: tuple[int, int, int], **fields: Any) -> DecisionView:
    sign = {"passed": "passed", "rejected": "rejected"}.get(state, "no_quorum" if sum(counts) < 2 else "passed")
    total = Counts(
        by_option=dict(zip(("approve", "reject", "abstain"), counts, strict=True)), eligible=fields.get("eligible", 4), cast=sum(counts),
        needed=(fields.get("eligible", 4) + 1) // 2,
        share="2/3", chosen="approve", outcome=sign,  # type: ignore[arg-type]
    )  # fmt: skip
    base: dict[str, Any] = {
        "decision_id": IDENTIFIERS[n], "entry": f"{n}" * 64, "title": "Use PostgreSQL for the board", "state": state,
        "outcome": "approve" if state == "passed" else "", "proposer": IDS[1], "proposer_name": "grace",
        "made_at": NOW - 300 - n, "closes_at": NOW + 95, "eligible": 4, "voted": sum(counts), "needed": total.needed,
        "description": "Its transactions make the board simple.\nSQLite locks when two write.",
        "options": ["approve", "reject", "abstain"], "threshold": "majority", "quorum": "1/2", "mesh_id": "3efb9b9c" * 8,
        "votes": votes, "counts": total,
    }  # fmt: skip
    if state in ("passed", "rejected"):
        base |= {
            "closes_at": NOW - 30, "ended_at": NOW - 30, "closed_by": IDS[0], "closed_by_name": "ada", "closing_index": 41,
            "ucxl": f"ucxl://grace:developer@shop:decisions/*^/decisions/{IDENTIFIERS[n]}", "record": f"sha256:{'ab' * 32}",
            "record_here": True,
        }  # fmt: skip
    return DecisionView.model_validate({**base, **fields})


def filled() -> FakeEngine:
    engine = FakeEngine()
    mine = {"stored": True, "sent": True, "held_by": 2, "received_by": [IDS[0]]}
    engine.decisions = [
        one(
            0, "open", [cast(0, "approve", "stands", "It held up in the test"), cast(1, "reject", "stands", "Too big for us")],
            (1, 1, 0), may_vote=True, waits_for_me=True, missing=["linus", "you"],
        ),
        one(
            1, "passed",
            [cast(0, "approve", reason="yes"), cast(1, "reject"),
             cast(1, "approve", reason="tried it", person="Ben", key="SHA256:5Wd0"),
             cast(3, "approve", reason="fine with me", delivery=mine, on_behalf_of="Ana"),
             cast(2, "reject", "late", "I was cut off", why="it reached the admin after the closing")],
            (3, 1, 0), title="Merge on green only", my_vote="approve", persons=["Ben"], eligible=5,
        ),
        one(
            2, "rejected",
            [cast(0, "reject"), cast(1, "reject"),
             cast(2, "approve", "left_out", "please", why="the admin states that it had read this far, and did not count it")],
            (0, 2, 0), title="Ship on Fridays", flagged=True,
            warnings=["it leaves out a vote of linus that the admin states it had read"],
        ),
        one(
            3, "open", [cast(2, "approve", "stands", sealed=True)], (1, 0, 0), title="", sealed_to=["security"], readable=False,
            description="", why_not="the proposal does not name this member", closes_at=NOW + 7200, missing=["ada"],
        ),
    ]  # fmt: skip
    return engine
