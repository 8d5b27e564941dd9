"""Operations that are followed by phase: tasks, elections, the DHT's bootstrap. Pure.

A phase that begins and ends between two beats is not lost: a claim tells every phase since the claim before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from chorus_tui.engine.protocol.messages.beats import OperationClaim, Phase
from chorus_tui.engine.tasks.task import Task

Kind = Literal["task", "election", "dht"]
MOST_CLAIMED: Final = 16
"""Operations in one claim; the others are told on the beats after."""
MOST_FOLLOWED: Final = 256


@dataclass(slots=True)
class Operation:
    """One that is followed. ``began`` in monotonic seconds; ``untold`` are phases that no claim has told."""

    kind: Kind
    began: float
    limit_s: float
    phases: list[Phase] = field(default_factory=list)
    untold: list[Phase] = field(default_factory=list)
    ended: float | None = None


class Operations:
    """What one peer follows."""

    def __init__(self) -> None:
        self.followed: dict[str, Operation] = {}

    def see(
        self, id_: str, kind: Kind, phases: tuple[Phase, ...], now: float, limit_s: float, *, ended: bool = False
    ) -> None:
        """The phases an operation has been in so far, in order; those that are new will be told."""
        one = self.followed.get(id_)
        if one is None:
            if len(self.followed) >= MOST_FOLLOWED:
                return
            one = self.followed[id_] = Operation(kind, now, limit_s)
        fresh = [phase for phase in phases if phase not in one.phases]
        one.phases += fresh
        one.untold += fresh
        if ended and one.ended is None:
            one.ended = now

    def leave_mesh(self) -> None:
        """Tasks and elections belong to a mesh, and nobody will see those of a left one end; the DHT is the peer's own."""
        self.followed = {id_: one for id_, one in self.followed.items() if one.kind == "dht"}

    def claim(self, now: float, beat_s: float) -> list[OperationClaim]:
        """What the next claim tells. What has ended is told once more and then forgotten."""
        told = []
        for id_, one in list(self.followed.items())[:MOST_CLAIMED]:
            beats = ((one.ended or now) - one.began) / beat_s
            limit = max(1, int(-(-one.limit_s // beat_s)))
            told.append(
                OperationClaim(
                    id=id_, kind=one.kind, phases=one.untold or one.phases[-1:], beats=round(beats, 2), budget=limit
                )
            )
            one.untold = []
            del self.followed[id_]
            if one.ended is None:
                self.followed[id_] = one  # to the end, so that the next claim begins with those that waited
        return told


def phases_of(task: Task) -> tuple[Phase, ...]:
    """The phases a task has been in, by what was said and decided of it."""
    phases: list[Phase] = ["planning"]
    if task.grants:
        phases.append("dispatching")
    if task.claims or task.reports:
        phases.append("executing")
    if task.reports or task.terminal:
        phases.append("settling")
    return tuple(phases)


@dataclass(frozen=True, slots=True)
class Leading:
    """Who leads, as one peer sees it. ``mesh`` empty: it belongs to none yet."""

    mesh: str
    term: int
    admin: str
    lost: bool


def election(before: Leading, now: Leading) -> tuple[str, tuple[Phase, ...], bool] | None:
    """The election between two looks: its id, its new phases, whether it is over; None when there is none.

    It is named by the term that it follows, which all members know alike. Who joins a mesh elects nobody; who founds one
    does, in term 1.
    """
    if not now.mesh:
        return None
    if now.mesh != before.mesh:
        founded = now.term == 1 and bool(now.admin)
        return (_name(now.mesh, 0), ("negotiating", "settling"), True) if founded and not before.mesh else None
    if now.lost and not before.lost:
        return _name(now.mesh, now.term), ("discovering",), False
    if now.admin and now.term > before.term:
        return _name(now.mesh, before.term), ("negotiating", "settling"), True
    if before.lost and not now.lost:
        return _name(now.mesh, now.term), ("settling",), True  # it was heard again, and nobody was elected
    if now.lost and now.term > before.term:
        return _name(now.mesh, before.term), ("negotiating",), False
    return None


def _name(mesh: str, term: int) -> str:
    return f"election:{mesh[:8]}:after-{term}"
