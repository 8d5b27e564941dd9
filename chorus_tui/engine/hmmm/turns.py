"""Who may speak by itself, and when. Pure. People are always heard; all limits here are for agents.

An agent replies to one message once at most, never to itself, never where a person is waited for, nor at the end of a chain of
automatic replies; five agents at most speak in a thread, and each says so much and no more. So nothing goes round in circles:
the number of automatic messages that any set of messages can call forth is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chorus_tui.engine.hmmm import escalation, rules
from chorus_tui.engine.hmmm.escalation import IsPerson
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.protocol import canonical, topics
from chorus_tui.engine.protocol.messages.rooms import MAX_HOPS

MOST_SPEAKERS = 5
MOST_IN_THREAD = 6
"""Automatic messages of one agent in one thread."""
MOST_IN_ROOM_A_MINUTE = 4
MOST_A_MINUTE = 8
MOST_OBJECTIONS = 2
"""More agents need not object to one proposal by themselves."""
LOOKERS = 3
"""How many agents look at a proposal that is addressed to nobody."""
_MENTION = re.compile(r"@([a-z0-9][a-z0-9._-]{0,62})")


@dataclass(frozen=True, slots=True)
class Speaker:
    """One agent, and how much it has just said: within the last minute, in this room and everywhere."""

    peer_id: str
    agent_id: str
    role: str = ""
    expertise: tuple[str, ...] = ()
    said_in_room: int = 0
    said: int = 0


def silent_because(thread: Thread, line: Line, me: Speaker, is_person: IsPerson) -> str:
    """Why this agent does not reply to this message by itself; empty: it may."""
    if line.author == me.peer_id:
        return "it is its own"
    if escalation.standing(thread, is_person):
        return "a person is waited for"
    if line.said.hop_count >= MAX_HOPS:
        return "it is the last of a chain of replies"
    if any(reply.author == me.peer_id for reply in thread.replies(line)):
        return "it has replied"
    if enough(thread, line, is_person):
        return "others have said enough"
    return tired(thread, me, is_person)


def tired(thread: Thread, me: Speaker, is_person: IsPerson) -> str:
    """Why this agent says nothing more here, whatever it would reply to; empty: it may."""
    mine = sum(line.author == me.peer_id for line in thread.lines.values())
    speakers = {line.author for line in thread.lines.values() if not is_person(line.author)}
    if mine >= MOST_IN_THREAD:
        return "it has said enough in this thread"
    if me.peer_id not in speakers and len(speakers) >= MOST_SPEAKERS:
        return f"{MOST_SPEAKERS} agents speak here already"
    if me.said_in_room >= MOST_IN_ROOM_A_MINUTE or me.said >= MOST_A_MINUTE:
        return "it has said enough in this minute"
    return ""


def may_speak(thread: Thread, line: Line, me: Speaker, is_person: IsPerson) -> bool:
    """Whether this agent may reply to this message by itself."""
    return not silent_because(thread, line, me, is_person)


def enough(thread: Thread, line: Line, is_person: IsPerson) -> bool:
    """Whether others have already answered this question, or objected to this proposal, so that one more adds nothing."""
    if line.said.type == "proposal":
        proposal = rules.judge(thread, line)
        return proposal.state in ("agreed", "replaced") or len(proposal.standing) >= MOST_OBJECTIONS
    if line.said.type == "question":
        return any(reply.said.type == "answer" for reply in thread.replies(line))
    return any(not is_person(reply.author) for reply in thread.replies(line))


def addressed(thread: Thread, line: Line, me: Speaker) -> bool:
    """Whether it is for this agent: by name, by role or area, as the author of what it answers, or, asked of nobody, for all."""
    if me.agent_id in mentioned(line):
        return True
    if line.said.to_roles:
        return of_those(line, me.role, me.expertise)
    up = thread.parent(line)
    if up is not None and up.author == me.peer_id:
        return True
    return line.said.type in ("question", "proposal") and not mentioned(line)


def of_those(line: Line, role: str, expertise: Iterable[str]) -> bool:
    """Whether somebody of this role and these areas is among those that a line names by role."""
    own = {topics.part(name) for name in (role, *expertise) if name}
    return any(topics.part(name) in own for name in line.said.to_roles)


def mentioned(line: Line) -> frozenset[str]:
    """Agent ids that are named with an ``@``."""
    return frozenset(_MENTION.findall(line.said.message))


def place(line: Line, me: str, candidates: Iterable[str]) -> int:
    """Which turn this agent has among those that could reply, from 0: the same order for everybody who knows them."""
    ranked = sorted({me, *candidates}, key=lambda peer: canonical.sha256_hex(f"{line.hash} {peer}".encode()))
    return ranked.index(me)
