"""How this peer says something in a room: sealed where it is restricted, calling in the roles that it is addressed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chorus_tui.engine.hmmm.parts import Parts
from chorus_tui.engine.hmmm.rooms import Rooms
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages.rooms import RoomMessage

log = structlog.get_logger("chorus.hmmm")

_CALL_AGAIN_MS = 30 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be said. ``extra`` are further fields of the message; ``also`` are peers that can read it where it is restricted:
    whom it answers."""

    type: str
    message: str
    reasoning: str = ""
    intent: str = ""
    citations: tuple[dict[str, Any], ...] = ()
    to_roles: tuple[str, ...] = ()
    restricted: bool = False
    priority: str = "medium"
    hop_count: int = 0
    on_behalf_of: str = ""
    extra: dict[str, Any] | None = None
    also: tuple[str, ...] = ()


class Mouth:
    """Of one peer."""

    def __init__(self, parts: Parts, rooms: Rooms) -> None:
        self._parts = parts
        self._rooms = rooms

    def new_id(self) -> str:
        """For a message, or a thread that begins with it."""
        return self._parts.entropy.bytes(12).hex()

    async def say(self, issue_id: str, thread_id: str, words: Words, parent_id: str | None = None) -> Entry:
        """Say it. Without a thread a new one begins, named as the message.

        :raises Refused: the journal does not take it.
        :raises CannotSeal: nobody of these roles could read it.
        """
        parts, msg_id = self._parts, self.new_id()
        data: dict[str, Any] = {
            "type": words.type, "issue_id": issue_id, "thread_id": thread_id or msg_id, "msg_id": msg_id,
            "agent_id": parts.agent_id, "hop_count": words.hop_count, "intent": words.intent, "priority": words.priority,
            "citations": list(words.citations), "to_roles": list(words.to_roles), **(words.extra or {}),
        }  # fmt: skip
        data |= {
            name: text
            for name, text in (("parent_id", parent_id), ("on_behalf_of", words.on_behalf_of))
            if text is not None and text != ""
        }
        said = {"message": words.message, "reasoning": words.reasoning}
        data |= {"sealed": parts.sealing.seal(said, words.to_roles, words.also)} if words.restricted else said
        entry = await parts.journal.say("hmmm_message", data, topic=topics.room(issue_id))
        await self._call(issue_id, thread_id or msg_id, words.to_roles)
        return entry

    async def _call(self, issue_id: str, thread_id: str, roles: Sequence[str]) -> None:
        """Call members of these roles into the room, unless they were called a while ago."""
        now = int(self._parts.clock.wall() * 1000)
        called = {
            role for call, _, at_ms in self._rooms.called.values()
            if call.subject_id == issue_id and now - at_ms < _CALL_AGAIN_MS for role in call.roles
        }  # fmt: skip
        for role in roles:
            if role not in called:
                data = {
                    "subject": "room", "subject_id": issue_id, "thread_id": thread_id, "roles": [role],
                    "invitation": f"{self._parts.agent_id} asks for members of this role",
                }  # fmt: skip
                try:
                    await self._parts.journal.say("role_collaboration", data, topic=topics.role(role))
                except Refused as error:
                    log.info(
                        "A role was not called; its members see the room all the same", role=role, reason=str(error)
                    )


def said_in(entry: Entry) -> RoomMessage:
    """The message of an own entry."""
    return RoomMessage.model_validate(entry.data)
