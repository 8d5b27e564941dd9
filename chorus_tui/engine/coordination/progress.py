"""How far a session has come, and what is due in it: agreement by words, escalation, whose turn it is to speak. Pure.

People are always heard. Agents speak by themselves at most three times after a person's last word, one word for each word of
somebody else, and not at all in an escalated session until a person has spoken there.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from chorus_tui.engine.coordination.sessions import Said, Session
from chorus_tui.engine.protocol.messages import MetaDiscussion

MOST_WORDS = 10
LONGEST_S = 30 * 60.0
IDLE_S = 2 * 3600.0
LAST = 3
"""Of so many words at the end agreement is counted."""
MOST_OWN = 3
"""Words of one agent between two words of people."""
FIRST_TURN_S, TURN_S = 2.0, 3.0
"""An agent lets so much time pass after a word, and so much more for each that is before it in turn."""

_AGREES = re.compile(r"(?<!dis)(?<!not )(?<!n't )(?<!un)(agree|sounds good|approved|looks good)")

Due = Literal["", "resolve", "messages", "time"]


def agrees(text: str) -> bool:
    """Whether a text holds one of the words of agreement, and not its opposite."""
    return _AGREES.search(text.casefold()) is not None


def needed(session: Session) -> int:
    """How many of the last words must agree: those of all participants but one, never none, never more than are counted."""
    return min(max(len(session.participants) - 1, 1), LAST)


def agreeing(session: Session) -> int:
    """By how many different authors the last words agree."""
    return len({w.author for w in session.words[-LAST:] if w.message.intent != "concern" and agrees(w.message.message)})


def due(session: Session, age_s: float, *, both_ended: bool, is_person: set[str]) -> Due:
    """What the admin has to say of a session now; empty: nothing. Agreement goes before escalation.

    ``both_ended``: there is nothing left to coordinate. In an escalated session one person's agreement is enough.
    """
    if session.resolved is not None:
        return ""
    if both_ended or agreeing(session) >= needed(session) or _decided_by_person(session, is_person):
        return "resolve"
    if session.escalated is not None:
        return ""
    if len(session.words) >= MOST_WORDS:
        return "messages"
    return "time" if age_s >= LONGEST_S else ""


def _decided_by_person(session: Session, is_person: set[str]) -> bool:
    since = session.escalated
    if since is None:
        return False
    return any(
        word.order > since.order and word.author in is_person and agrees(word.message.message) for word in session.words
    )


def active(session: Session, idle_s: float) -> bool:
    """Whether it belongs into the list of those that go on."""
    return session.status == "active" and idle_s <= IDLE_S


def may_speak(session: Session, me: str, is_person: set[str]) -> bool:
    """Whether an agent may say something in it by itself now."""
    if me not in session.participants or session.plan is None or session.resolved is not None:
        return False
    if session.escalated is not None and not session.answered:
        return False
    if agreeing(session) >= needed(session):
        return False
    if session.words and session.words[-1].author == me:
        return False
    return _own_since_person(session.words, me, is_person) < MOST_OWN


def _own_since_person(words: tuple[Said[MetaDiscussion], ...], me: str, is_person: set[str]) -> int:
    own = 0
    for word in reversed(words):
        if word.author in is_person and word.author != me:
            break
        own += word.author == me
    return own


def turn_s(session: Session, me: str) -> float:
    """Seconds after the last word until it is this participant's turn: a lot drawn anew for every word, the same everywhere."""
    after = session.words[-1].hash if session.words else session.session_id
    drawn = sorted(session.participants, key=lambda peer: hashlib.sha256(f"{after} {peer}".encode()).digest())
    return FIRST_TURN_S + TURN_S * (drawn.index(me) if me in drawn else len(drawn))
