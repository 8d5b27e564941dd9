"""What is said in rooms, in words."""

from __future__ import annotations

from chorus_tui.contract.models.hmmm import EscalationView, Previewed, RoomLine, Said, ThreadRow
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.telling import hmmm as telling

LINE = RoomLine(msg_id="m", hash="h", author="p", author_name="bob", kind="agent", type="proposal", message="x", at=0.0)


def test_how_far_a_message_got_is_said_as_it_is():
    """Stored, sent, held, received; of another's message only that it is here."""
    steps = [
        Delivery(stored=True), Delivery(stored=True, sent=True), Delivery(stored=True, sent=True, held_by=2),
        Delivery(stored=True, held_by=2, received_by=["a"]), None,
    ]  # fmt: skip
    assert [telling.delivered(step) for step in steps] == ["stored", "sent", "held by 2", "received by 1", "held here"]
    said = Said(issue_id="shop", thread_id="t", msg_id="0123456789", hash="h", delivery=steps[1], ended=2)
    assert telling.said(said) == "said as 01234567 in shop/t: sent; it ended 2 escalations"


def test_who_speaks_and_what_is_to_be_seen_beside_it():
    """An agent, for whom; the objection timer; whom it is for; what cannot be read."""
    assert telling.speaker(LINE.model_copy(update={"on_behalf_of": "ana"})) == "bob (agent for ana)"
    assert telling.speaker(LINE.model_copy(update={"kind": "human", "on_behalf_of": "ana"})) == "bob (person ana)"
    open_ = LINE.model_copy(
        update={"state": "open", "objections_until": 30.0, "to_roles": ["dev"], "priority": "urgent"}
    )
    assert telling.marks(open_, 6.0) == ["open", "objections for 24 s", "to dev", "urgent"]
    assert telling.marks(open_.model_copy(update={"restricted": True}), 31.0)[1:3] == [
        "waits for somebody of dev to hold it", "only for dev",
    ]  # fmt: skip
    assert telling.timer(30.0, 31.0) == "may be closed"
    assert telling.marks(LINE.model_copy(update={"restricted": True, "hidden": True}), 0.0) == ["sealed"]


def test_what_waits_for_a_person_comes_first():
    """In the thread's standing, and among escalations; who answered is named."""
    row = ThreadRow(key="a/b", issue_id="a", thread_id="b", title="x", state="agreed")
    assert telling.row(row) == "✓ agreed"
    assert telling.row(row.model_copy(update={"escalated": True})) == "⚠ waits for a person"
    done = EscalationView(key="1", cause="asked", words="asked", raised_by="bob", raised_at=1.0, ended_by="ana")
    waits = EscalationView(key="2", cause="time", words="too long", raised_by="cem", raised_at=2.0, to_role="lead")
    lines = telling.escalations([done, waits])
    assert lines[0].startswith("⚠ too long (says cem, for the role lead)")
    assert lines[1] == "✓ asked: answered by ana"
    assert telling.found(Previewed(message="")) == "Nothing in it looks like a secret."
    assert "2 of the kind jwt" in telling.found(Previewed(message="", found={"jwt": 2}))
