"""Rooms in the states that a person wants to see."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models import hmmm
from chorus_tui.contract.models.journal import Delivery
from tests.ui.fake_engine import IDS, NOW, FakeEngine


def line(n: int, who: int, type_: str, text: str, **fields: Any) -> hmmm.RoomLine:
    """One message; ``who``: 0 to 2 are agents, 3 is this person."""
    names = ("ada", "grace", "linus", "you")
    own = {"delivery": Delivery(stored=True, sent=True, held_by=2)} if who == 3 else {}
    base: dict[str, Any] = {
        "msg_id": f"{n:02x}a7" * 6, "hash": f"{n:064x}", "author": IDS[who], "author_name": names[who],
        "kind": "human" if who == 3 else "agent", "type": type_, "message": text, "at": NOW - 120 + n * 10, **own,
    }  # fmt: skip
    return hmmm.RoomLine.model_validate({**base, **fields})


def thread(name: str, lines: list[hmmm.RoomLine], **fields: Any) -> hmmm.ThreadView:
    row = {
        "key": f"shop/{name}", "issue_id": "shop", "thread_id": name, "title": lines[0].message.splitlines()[0], "messages": len(lines),
        "last_at": lines[-1].at, "last_by": lines[-1].author_name,
    }  # fmt: skip
    more = {key: fields.pop(key) for key in ("escalations", "consensus", "remembered") if key in fields}
    return hmmm.ThreadView(row=hmmm.ThreadRow.model_validate({**row, **fields}), lines=lines, **more)


def filled(engine: FakeEngine) -> FakeEngine:
    """One thread that waits for a person, one that is agreed."""
    reason = "The clients read the old column until autumn."
    talk = [
        line(0, 3, "proposal", "Rename the column total to sum", state="reopened", reasoning="Everybody calls it so.",
             citations=[hmmm.Citation(address="ucxl://any:any@shop:any/*^/schema.sql", reason="the table")]),
        line(1, 0, "objection", f"It breaks the clients. {reason}", depth=1, state="standing", to_roles=["reviewer"]),
        line(2, 3, "discussion", "A view can keep the old name.", depth=2),
        line(3, 1, "discussion", "I am stuck: nobody knows all clients.", depth=3, hop_count=1),
    ]  # fmt: skip
    escalation = hmmm.EscalationView(
        key="1" * 64, cause="distress", words="an agent does not get on", raised_by="grace", raised_at=NOW - 80
    )
    calm = [
        line(5, 1, "proposal", "Run the tests nightly", state="agreed"),
        line(6, 1, "update", "Agreed: held by you", intent="closing", silence="stated"),
    ]
    open_ = [line(8, 0, "proposal", "Drop Python 3.10", state="open", objections_until=NOW + 24)]
    made = [
        thread("t1", talk, state="reopened", escalated=True, escalations=[escalation], people=1, agents=2),
        thread("t2", calm, state="agreed", remembered="the admin remembers it", agents=1),
        thread("t3", open_, state="open", objections_until=NOW + 24, agents=1),
    ]
    engine.rooms = {view.row.key: view for view in made}
    return engine
