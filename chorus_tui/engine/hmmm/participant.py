"""An agent in the rooms: answers what it is asked, looks at proposals, replies to who replied to it, through its model.

Only speech comes of it. Whether it may speak is decided by :mod:`chorus_tui.engine.hmmm.turns` before the model is asked and
again before the words are said: meanwhile another may have spoken.
"""

from __future__ import annotations

from collections import deque

import structlog
import trio

from chorus_tui.engine.hmmm import prompts, rules, turns
from chorus_tui.engine.hmmm.mouth import Mouth, Words
from chorus_tui.engine.hmmm.parts import Parts, Voice
from chorus_tui.engine.hmmm.rooms import Kinds, Rooms
from chorus_tui.engine.hmmm.thread import Line, Thread
from chorus_tui.engine.hmmm.turns import Speaker
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.vault.interface import CannotSeal

log = structlog.get_logger("chorus.hmmm.participant")

FRESH_MS = 10 * 60 * 1000
"""What is older is not replied to any more."""
TURN_S = 6.0
"""How long an agent waits for each that has its turn before it."""
MOST_WAITING = 200
_MINUTE_S = 60.0


class Participant:
    """Of one agent with a model."""

    def __init__(self, parts: Parts, voice: Voice, rooms: Rooms, kinds: Kinds, mouth: Mouth) -> None:
        self._parts = parts
        self._voice = voice
        self._rooms = rooms
        self._kinds = kinds
        self._mouth = mouth
        self._waiting: dict[str, tuple[float, Thread, Line]] = {}
        """Messages to reply to, by entry, and from when on it is this agent's turn."""
        self._said: deque[tuple[float, str]] = deque()
        """When it said something by itself, and in which room."""

    def heard(self, thread: Thread, line: Line) -> None:
        """A message came: note it if it may be for this agent."""
        now_ms = int(self._parts.clock.wall() * 1000)
        old = now_ms - line.at_ms > FRESH_MS
        if line.hidden or old or line.author == self._parts.me or len(self._waiting) >= MOST_WAITING:
            return
        place = turns.place(line, self._parts.me, self._others(line))
        if line.said.type == "proposal" and not line.said.to_roles and place >= turns.LOOKERS:
            return
        if line.said.type in ("question", "proposal", "discussion", "answer"):
            self._waiting[line.hash] = (self._parts.clock.monotonic() + place * TURN_S, thread, line)

    def _others(self, line: Line) -> list[str]:
        """Agents in reach that could reply too."""
        members, links = self._parts.control.members, self._parts.mesh.links()
        wanted = {topics.part(role) for role in line.said.to_roles}
        return [
            peer for peer in links
            if (member := members.get(peer)) is not None and member.kind == "agent" and peer != line.author
            and (not wanted or wanted & {topics.part(name) for name in (member.role, *member.expertise) if name})
        ]  # fmt: skip

    async def run(self) -> None:
        """Until cancelled; one message at a time."""
        while True:
            now = self._parts.clock.monotonic()
            due = sorted((at, hash_) for hash_, (at, _, _) in self._waiting.items() if at <= now)
            if due and self._voice.available:
                _, thread, line = self._waiting.pop(due[0][1])
                await self._reply(self._rooms.thread(thread.issue_id, thread.thread_id), line)
            else:
                await trio.sleep(0.5)

    def speaker(self, issue_id: str) -> Speaker:
        """This agent, and how much it has just said."""
        now = self._parts.clock.monotonic()
        while self._said and now - self._said[0][0] > _MINUTE_S:
            self._said.popleft()
        here = sum(room == issue_id for _, room in self._said)
        parts = self._parts
        return Speaker(parts.me, parts.agent_id, parts.role, parts.expertise, here, len(self._said))

    def _may(self, thread: Thread, line: Line) -> bool:
        me = self.speaker(thread.issue_id)
        return turns.addressed(thread, line, me) and turns.may_speak(thread, line, me, self._kinds.person)

    async def _reply(self, thread: Thread, line: Line) -> None:
        if not self._may(thread, line):
            return
        words, parent_id = await self._words(thread, line)
        thread = self._rooms.thread(thread.issue_id, thread.thread_id)  # meanwhile the fold may have begun anew
        if words is None or line.hash not in thread.lines or not self._may(thread, line):
            return
        try:
            await self._mouth.say(thread.issue_id, thread.thread_id, words, parent_id)
        except (Refused, CannotSeal) as error:
            log.info("Not said", reason=str(error))
        else:
            self.spoke(thread.issue_id)

    def spoke(self, issue_id: str) -> None:
        """Something was said by itself: it counts for what may be said in a minute."""
        self._said.append((self._parts.clock.monotonic(), issue_id))

    async def _words(self, thread: Thread, line: Line) -> tuple[Words | None, str]:
        """What the model says to it, and under which message."""
        material = prompts.material(thread, line, self._parts.control.name)
        if line.said.type == "question":
            answer = await self._voice.answer(prompts.ANSWER, material, prompts.ANSWER_SCHEMA)
            return _words(line, "answer", prompts.text_of(answer) if answer and answer.get("say") is True else "")
        if line.said.type == "proposal":
            answer = await self._voice.answer(prompts.LOOK, material, prompts.LOOK_SCHEMA)
            return _words(
                line, "objection", prompts.text_of(answer) if answer and answer.get("objection") is True else ""
            )
        answer = await self._voice.answer(prompts.TALK, material, prompts.TALK_SCHEMA)
        act = answer.get("act") if answer else "silent"
        if act == "agree":
            return self._agreement(thread, line, prompts.text_of(answer))
        return _words(line, "discussion", prompts.text_of(answer) if act == "say" else "")

    def _agreement(self, thread: Thread, line: Line, text: str) -> tuple[Words | None, str]:
        """Its own objection above this message is settled."""
        mine = next(
            (up for up in thread.above(line) if up.author == self._parts.me and up.said.type == "objection"), None
        )
        about = rules.concerned(thread, line)
        if mine is None or about is None:
            return None, ""
        words, _ = _words(line, "agreement", text or "That settles it.")
        return words, mine.said.msg_id


def _words(line: Line, type_: str, text: str) -> tuple[Words | None, str]:
    """A reply one hop further; to what was sealed, sealed to the same roles and to who said it."""
    if not text:
        return None, ""
    said = line.said
    roles = tuple(said.to_roles) if said.sealed else ()
    hops = said.hop_count + 1
    return Words(
        type_, text, hop_count=hops, restricted=bool(said.sealed), to_roles=roles, also=(line.author,)
    ), said.msg_id
