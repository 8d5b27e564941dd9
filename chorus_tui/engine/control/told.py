"""What the control log tells people: the original's markers, and what it means that nobody leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chorus_tui.engine.control.raft_ready import Happened

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService


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
    count = len(control.voters)
    if count == 0:
        return "no mesh yet"
    gone = [voter for voter in control.voters if voter != control.me.peer_id and voter not in control.mesh.links()]
    if control.state == "no_admin" and 2 * len(gone) >= count:
        names = ", ".join(control.name(voter) for voter in gone)
        return (
            f"{count} voter{'s' * (count > 1)}, {count - len(gone)} in reach: nothing is decided until more are back. "
            f"Only if {names} will never be back: chorus-tui election refound"
        )
    if count == 1:
        return "one voter: no failover"
    here = count - len(gone)
    spare = here - (count // 2 + 1)
    if spare < 0:
        return f"{count} voters, {here} in reach: no majority, nothing is decided until more are back"
    return (
        f"{count} voters, {here} in reach: {spare} more may fail"
        if spare
        else (f"{count} voters, {here} in reach: none more may fail")
    )


def without_admin(control: ControlService) -> str:
    """What it means that nobody leads, and what helps."""
    voters = control.voters
    goes_on = "Running tasks go on, new ones wait"
    if len(voters) == 1:
        return f"No admin: {control.name(control.admin)} is the only voter and has not been heard. {goes_on}"
    here = [voter for voter in voters if voter == control.me.peer_id or voter in control.mesh.links()]
    if 2 * len(here) > len(voters):
        return f"No admin: the voters choose one ({len(here)} of {len(voters)} are in reach). {goes_on}"
    gone = ", ".join(control.name(voter) for voter in voters if voter not in here)
    return (
        f"No admin: only {len(here)} of {len(voters)} voters are in reach (missing: {gone}), and nothing is decided without a "
        f"majority. {goes_on} until enough are back"
    )
