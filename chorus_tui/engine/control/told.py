"""What the control log tells people: the original's markers, and what it means that nobody leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chorus_tui.engine.control.raft_ready import Happened, Role
from chorus_tui.engine.control.voters import Seat, Voters

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

REFOUND = "chorus-tui election refound"
WAY_OUT = f"Unless the old ones are put back, the way out is: {REFOUND}"


def happened(control: ControlService, item: Happened) -> None:
    """A step of an election, as a line that can be searched for."""
    name = control.who.agent_id
    if item.what == "timed_out":
        control.say("warning", f"🗳️ Election: {item.detail}; no admin is heard in term {item.term}", term=item.term)
    elif item.what == "candidacy" and item.detail == "stands":
        own = control.governing.score(control.me.peer_id)
        control.say("info", f"🗳️ Term {item.term}: 📢 candidacy of {name}, score {own:.2f}", term=item.term)
    elif item.what == "elected":
        elected(control, item.term)
    elif item.what == "stepped_down":
        control.say("warning", f"⚠️ {name} is the admin no more: {item.detail}", term=item.term)
    control.changed()


def elected(control: ControlService, term: int) -> None:
    """This peer won."""
    name = control.who.agent_id
    control.say("info", f"🏆 {name} is the winner of term {term}", term=term)
    control.say("info", f"👑 {name} is the admin: mesh {str(control.mesh_id)[:8]}, term {term}", term=term)


def detail(control: ControlService) -> str:
    """The state, in words."""
    if control.log is None:
        return control.discovery.detail
    if control.obstacle:
        return control.obstacle
    words = []
    if control.state == "no_admin":
        words.append(without_admin(control))
    elif control.log.roster.provisional:
        words.append("A mesh of one: it joins the first other mesh it meets")
    words += [
        f"Another mesh ({mesh_id[:8]}) is in reach through {control.name(peer)}; two founded meshes merge only by a master's word "
        "in each: chorus-tui members merge"
        for mesh_id, peer in control.others.items()
    ]
    return ". ".join(words)


def meaning(control: ControlService) -> str:
    """What the present voters can bear, and the way out when nothing can be decided any more."""
    if control.consensus is None:
        return "no mesh yet"
    reach = _reach(control)
    count, here = len(reach.seats), len(reach.here)
    of_them = f"{count} {reach.kind if count > 1 else 'voter'}, {here} in reach"
    if control.state == "no_admin" and 2 * here <= count:
        if reach.majority_lost:
            return f"{of_them}: too many are back with other disks. {WAY_OUT}"
        names = ", ".join(control.name(seat.peer_id) for seat in reach.away)
        return f"{of_them}: nothing is decided until more are back. Only if {names} will never be back: {REFOUND}"
    if count == 1:
        return ("changing; until then " if needed(control).joint else "") + "one voter: no failover"
    spare = here - (count // 2 + 1)
    if spare < 0:
        return f"{of_them}: no majority, nothing is decided until more are back"
    return f"{of_them}: {spare} more may fail" if spare else f"{of_them}: none more may fail"


def majority_here(control: ControlService) -> bool:
    """Whether a majority of the voters is in reach, each with the disk that votes."""
    reach = _reach(control)
    return 2 * len(reach.here) > len(reach.seats)


def without_admin(control: ControlService) -> str:
    """What it means that nobody leads, and what helps."""
    reach = _reach(control)
    goes_on = "Running tasks go on, new ones wait"
    count, here = len(reach.seats), len(reach.here)
    if count == 1:
        return f"No admin: {control.name(control.admin)} is the only voter and has not been heard. {goes_on}"
    if majority_here(control):
        return f"No admin: the voters choose one ({here} of {count} are in reach). {goes_on}"
    missing = [control.name(seat.peer_id) for seat in reach.away]
    missing += [f"{control.name(seat.peer_id)}, which is back with another disk" for seat in reach.lost]
    only = f"No admin: only {here} of {count} {reach.kind} are in reach (missing: {', '.join(missing)}), and nothing is decided "
    if reach.majority_lost:
        return f"{only}without a majority of their disks. {goes_on}. {WAY_OUT}"
    return f"{only}without a majority. {goes_on} until enough are back"


@dataclass(frozen=True, slots=True)
class _Reach:
    """A set of voters. ``away`` are not linked; ``lost`` are, with another disk than the one that votes."""

    kind: str
    seats: tuple[Seat, ...]
    here: list[Seat]
    away: list[Seat]
    lost: list[Seat]

    @property
    def majority_lost(self) -> bool:
        """Whether no majority is left, whoever else comes back."""
        return 2 * len(self.lost) >= len(self.seats)


def needed(control: ControlService) -> Voters:
    """The voters whose voices are needed: those in force, decided or not, elect. An admin that ends a change needs both sets until the
    end is decided: should it die before, the others may not have heard of it."""
    assert control.consensus is not None
    decided = control.consensus.log.roster.voters
    ends = decided.joint and control.consensus.core.role is Role.LEADER
    return decided if ends else control.consensus.core.voters


def _reach(control: ControlService) -> _Reach:
    """While the voters change, a majority of both sets is needed, so that one counts which has fewer to spare."""
    voters = needed(control)
    sets = [("voters", voters.before), ("new voters", voters.seats)] if voters.joint else [("voters", voters.seats)]
    found = [_of_set(control, kind, seats) for kind, seats in sets]
    return min(found, key=lambda reach: 2 * len(reach.here) - len(reach.seats))


def _of_set(control: ControlService, kind: str, seats: tuple[Seat, ...]) -> _Reach:
    assert control.consensus is not None
    stores = {**control.discovery.stores, control.me.peer_id: control.consensus.seat.incarnation}
    linked = {control.me.peer_id, *control.mesh.links()}
    away = [seat for seat in seats if seat.peer_id not in linked]
    lost = [
        seat for seat in seats if seat not in away and stores.get(seat.peer_id, seat.incarnation) != seat.incarnation
    ]
    if len(seats) == 1:
        lost = []  # a sole voter goes on from another store by itself: there is nobody else to make it a voter anew
    here = [seat for seat in seats if seat not in away and seat not in lost]
    return _Reach(kind, seats, here, away, lost)
