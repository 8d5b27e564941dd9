"""Boards made of a few words, for tests of the rules of tasks."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol import envelope, messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent, Offer
from chorus_tui.engine.tasks.rules import May

MESH = "a" * 64
ME, WORKER, OTHER = (Identity(bytes([n]) * 32) for n in (1, 2, 3))
PARAMETERS = {"lease_s": 60.0, "expiry_grace_s": 5.0, "offer_window_s": 0.0}
EVERYBODY = May(lambda _who: True, lambda _who, _announcer: True)


def entry(who: Identity, seq: int, type_: str, data: dict[str, Any], *, epoch: int = 0) -> Entry:
    """A sealed feed entry of the test mesh."""
    body = envelope.make(type_, who.peer_id, {"mesh_id": MESH, **data}, 1e9)
    return envelope.seal(
        body, "CHORUS/coordination/v1", who, epoch=f"{epoch:032x}", seq=seq, prev=None if seq == 0 else "0" * 64, hlc=f"{seq}:0:x",
    )  # fmt: skip


def decision(
    index: int, type_: str, task_id: str, *, request: dict[str, Any] | None = None, **data: Any
) -> ControlEntry:
    """A committed control entry of the test mesh; ``request``: what it cites."""
    data = {"task_id": task_id, **data}
    return ControlEntry(MESH, 1, index, f"{index}:0:x", type_, data, request, ME.peer_id, b"", "", f"{index:064x}")


def granted(board: Board, index: int, task_id: str, worker: Identity | str = WORKER, **data: Any) -> ControlEntry:
    """A grant of the announcement that counts on this board."""
    announced = board.tasks[MESH, task_id].announced
    assert announced is not None
    who = worker if isinstance(worker, str) else worker.peer_id
    data = {"attempt": 1, "lease_s": 60, **data}
    return decision(index, "task_granted", task_id, request=announced.cite, worker=who, **data)


def apply(board: Board, one: Entry) -> None:
    """One feed entry, as the journal's fold would."""
    message = messages.check(one.type, one.data)
    assert message is not None
    board.apply(one, message)


def accepted(board: Board, index: int, task_id: str, worker: Identity = WORKER, **data: Any) -> ControlEntry:
    """Of the grant that holds: the result of its worker is accepted, by default one that is not here."""
    held = board.tasks[MESH, task_id].held
    cite = {"author": worker.peer_id, "epoch": "0" * 8, "seq": index, "hash": f"{index:064x}"}
    data = {"attempt": held.attempt if held else 1, "worker": worker.peer_id, "entry": cite, **data}
    return decision(index, "task_accepted", task_id, **data)


def a_board(
    specs: dict[str, TaskSpec], ends: dict[str, str] | None = None, *, board: Board | None = None, **announced: Any
) -> Board:
    """These tasks, announced in order by one peer; those in ``ends`` ended by this type of entry."""
    board = board or Board()
    for seq, (task_id, spec) in enumerate(specs.items()):
        data = {"task_id": task_id, "spec": spec.model_dump(), **announced}
        apply(board, entry(ME, seq, "task_announcement", data, epoch=len(board.tasks)))
    for index, (task_id, type_) in enumerate((ends or {}).items()):
        if type_ == "task_accepted":
            board.decided(granted(board, 2 * index + 2, task_id))
            board.decided(accepted(board, 2 * index + 3, task_id))
        else:
            board.decided(decision(2 * index + 2, type_, task_id, attempt=1))
    return board


def agent(who: Identity = WORKER, **fields: Any) -> Agent:
    """A live worker with a Docker Engine."""
    return Agent(who.peer_id, "w", live=True, docker=True, **{"max_tasks": 1, **fields})


def an_offer(who: Identity = WORKER, *, free: int = 1, at: float = 10.0) -> dict[str, Offer]:
    """Its standing offer."""
    return {who.peer_id: Offer(who.peer_id, free, (), at)}
