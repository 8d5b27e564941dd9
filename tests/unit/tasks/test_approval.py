"""Approval: nothing that needs it is granted before enough different people agreed, and a denial ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from chorus_tui.engine.control import requests
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.tasks import approval, ids
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Offer
from chorus_tui.engine.tasks.rules import AdminState, decide
from chorus_tui.engine.tasks.waiting import waiting_for
from tests.unit.tasks.boards import EVERYBODY, ME, MESH, OTHER, PARAMETERS, a_board, agent, an_offer, decision

TASK = ids.ulid(1.0, b"\1" * 10)
PEOPLE = ["ann", "ben", "cy"]


def spec(**fields: object) -> TaskSpec:
    return TaskSpec(title="t", commands=["true"], **fields)  # type: ignore[arg-type]


def word(board: Board, index: int, who: str, type_: str) -> None:
    """One person's word, as an entry that cites the person's request."""
    announced = board.tasks[MESH, TASK].announced
    assert announced is not None
    entry = decision(index, type_, TASK, reason="why", announcement=announced.hash)
    board.decided(replace(entry, request={"text": canonical.encode({"peer_id": who}).decode(), "sig": ""}))


def acts(board: Board) -> list[tuple[str, str]]:
    found = decide(board, MESH, AdminState(offers=an_offer()), [agent()], 10.0, PARAMETERS, EVERYBODY)
    return [(act.type_, str(act.data.get("reason", ""))) for act in found]


WORDS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["task_approved", "task_denied"])), max_size=6)


@given(st.sampled_from(["auto", "risky", "always"]), st.integers(1, 3), st.booleans(), WORDS)
def test_a_grant_takes_as_many_different_people_as_asked_for_and_no_denial(how, needed, risky, words):
    """Granted exactly when it needs no approval or that many different people agreed; once denied it is cancelled with
    who and why, and never granted."""
    board = a_board({TASK: spec(approval=how, approvals=needed, image="x" if risky else "")})
    for n, (who, type_) in enumerate(words):
        word(board, n + 2, who, type_)
    must = how == "always" or (how == "risky" and risky)
    agreed = len({who for who, type_ in words if type_ == "task_approved"})
    denier = next((who for who, type_ in words if type_ == "task_denied"), None)

    if denier is not None:
        assert acts(board) == [("task_cancelled", f"denied by {denier}: why")]
    elif must and agreed < needed:
        assert acts(board) == []
        text = waiting_for(board.tasks[MESH, TASK], board, [agent()], admin=True)
        assert text.startswith(f"approval {agreed} of {needed}")
    else:
        assert [type_ for type_, _ in acts(board)] == ["task_granted"]


STRICT = ["auto", "risky", "always"]


@given(
    st.sampled_from(STRICT), st.lists(st.sampled_from(STRICT), min_size=1, max_size=3), st.booleans(), st.integers(0, 2)
)
def test_the_stricter_of_task_and_worker_counts(how, asked, risky, agreed):
    """A worker is granted a task exactly when the task's demand and its own are both met; the words on the screen, what
    a person may still say and how many are asked for agree with that."""
    board = a_board({TASK: spec(approval=how, approvals=2, image="x" if risky else "")})
    for n, who in enumerate(PEOPLE[:agreed]):
        word(board, n + 2, who, "task_approved")
    agents = [replace(agent(), peer_id=f"w{n}", approval=one) for n, one in enumerate(asked)]
    offers = {one.peer_id: Offer(one.peer_id, 1, ("python",), 10.0) for one in agents}
    wants = {"auto": False, "risky": risky, "always": True}
    free = [a.peer_id for a in agents if agreed == 2 or not (wants[how] or wants[a.approval])]

    found = decide(board, MESH, AdminState(offers=offers), agents, 10.0, PARAMETERS, EVERYBODY)

    task = board.tasks[MESH, TASK]
    assert [act.data["worker"] in free for act in found] == ([True] if free else [])
    assert waiting_for(task, board, agents, admin=True).startswith("approval") == (not free)
    assert approval.needed_here(task.announced.spec, agents) == (
        2 if wants[how] or all(wants[one] for one in asked) else 0
    )
    may_speak = agreed < 2 and (wants[how] or any(wants[one] for one in asked))
    assert (approval.refusal(task, "dee", agents, approve=True) == "") == may_speak


def test_one_person_counts_once_and_an_unsigned_word_not_at_all():
    """Saying it twice changes nothing; an entry that cites nobody is nobody's word."""
    board = a_board({TASK: spec(approval="always", approvals=2)})
    word(board, 2, "ann", "task_approved")
    word(board, 3, "ann", "task_approved")
    board.decided(decision(4, "task_approved", TASK))

    assert acts(board) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ""),
        ({"limits": Limits(memory_mb=64)}, ""),
        ({"image": "evil:latest"}, "image"),
        ({"repository": "https://example.org/x.git"}, "host"),
        ({"repository": "sha256:" + "a" * 64}, ""),
        ({"env": {"KEY": "secret:deploy"}}, "secret"),
        ({"limits": Limits(cpus=8)}, "limits"),
        ({"timeout_s": 7200}, "hour"),
    ],
)
def test_the_table_of_risks(fields, words):
    """Each line of the table, and that lowering a limit or a bundle of our own is no risk."""
    found = approval.risks(spec(**fields))

    assert len(found) == (1 if words else 0)
    assert words in " ".join(found)
    assert approval.needed(spec(approval="risky", **fields)) == (1 if words else 0)
    assert approval.needed(spec(approval="auto", **fields)) == 0


@given(
    st.sampled_from(["auto", "risky", "always"]), st.sampled_from(["auto", "risky", "always"]), st.integers(1, 3), WORDS
)
def test_a_sandbox_is_never_let_out_without_people(how, worker, asked, words):
    """Whatever task and worker ask for: as many people as the task says, and they are told to which hosts."""
    let_out = spec(approval=how, approvals=asked, allowed_hosts=["example.com"])
    board = a_board({TASK: let_out})
    assert "example.com" in approval.obstacle(board.tasks[MESH, TASK])
    for n, (who, type_) in enumerate(words):
        word(board, n + 2, who, type_)
    agreed = len({who for who, type_ in words if type_ == "task_approved"})

    assert approval.needed(let_out, worker) == asked
    assert approval.enough(board.tasks[MESH, TASK], worker) == (agreed >= asked)
    if agreed < asked:
        assert "task_granted" not in [type_ for type_, _ in acts(board)]


@given(WORDS)
def test_a_word_is_refused_where_it_would_change_nothing(words):
    """Not on a task that needs none, that has all, that was denied, or a second time."""
    free, board = a_board({TASK: spec()}), a_board({TASK: spec(approval="always", approvals=2)})
    assert "needs no approval" in approval.refusal(free.tasks[MESH, TASK], "ann", [agent()], approve=True)
    for n, (who, type_) in enumerate(words):
        task = board.tasks[MESH, TASK]
        before = (set(task.approvals), task.denied)
        refused = approval.refusal(task, who, [agent()], approve=type_ == "task_approved")
        word(board, n + 2, who, type_)
        if refused:
            continue
        assert (set(task.approvals), task.denied) != before


@pytest.mark.parametrize(
    ("kind", "authority", "signer", "accepted"),
    [
        ("human", "decision", ME, True),
        ("human", "coordination", ME, False),
        ("agent", "master", ME, False),
        ("human", "decision", OTHER, False),
    ],
)
def test_a_follower_takes_an_approval_only_from_a_person_who_may_and_signed_it(kind, authority, signer, accepted):
    """An admin cannot invent one: neither without the person's signature, nor for an agent, nor above an authority."""
    member = Member(ME.peer_id, "ann", kind, "", (), authority, 2)
    roster, data = Roster(mesh_id=MESH, members={ME.peer_id: member}), {"task_id": TASK, "reason": ""}
    request = requests.make(signer, MESH, "task_approved", data, "1:0:x")
    request["text"] = request["text"].replace(signer.peer_id, ME.peer_id)
    entry = replace(decision(3, "task_approved", TASK, reason=""), request=request)

    for one, good in ((entry, accepted), (replace(entry, request=None), False), (replace(entry, data={}), False)):
        if good:
            requests.check_entry(one, roster)
        else:
            with pytest.raises(WireError):
                requests.check_entry(one, roster)


def test_when_nobody_agrees_in_time_the_task_is_cancelled_and_nothing_was_held():
    """The time counts from when only people's word is missing; until then no worker is bound."""
    board = a_board({TASK: spec(approval="always", approvals=2, approve_within_s=50)})
    word(board, 2, "ann", "task_approved")
    state = AdminState(offers=an_offer())
    at = {now: decide(board, MESH, state, [agent()], now, PARAMETERS, EVERYBODY) for now in (10.0, 59.0, 61.0)}

    assert at[10.0] == at[59.0] == []
    assert board.tasks[MESH, TASK].grants == []
    assert [act.type_ for act in at[61.0]] == ["task_cancelled"]
    assert at[61.0][0].data["reason"] == "not enough people agreed within 50 s (approve_within_s): approval 1 of 2"
