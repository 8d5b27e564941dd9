"""Who is there: one topic that cannot be joined keeps nobody from the others, and nothing is remembered for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from chorus_tui.engine.collab.presence import LINGER_S, Presence
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol import topics


class Topics:
    """A mesh, a journal and a clock, as far as presence asks them."""

    def __init__(self, refused: str) -> None:
        self._refused = refused
        self.joined: set[str] = set()
        self.said: list[str] = []
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def join(self, topic: str) -> None:
        if topic == self._refused:
            raise MeshError("no room")
        self.joined.add(topic)

    async def leave(self, topic: str) -> None:
        self.joined.discard(topic)

    async def whisper(self, _type: str, data: dict[str, Any], *, topic: str) -> None:
        assert topic in self.joined
        self.said.append(data["session"])


async def test_a_topic_that_cannot_be_joined_keeps_nobody_from_the_others_and_is_forgotten():
    """The other sessions are joined and told of; the one that never was is gone when nobody wants it any more."""
    world = Topics(refused=topics.collab("B"))
    parts: Any = SimpleNamespace(me="me", agent_id="me", clock=world, mesh=world, journal=world, redact=str)
    presence = Presence(parts)
    for session in "ABC":
        presence.stay(session)
    await presence.follow()
    assert world.joined == {topics.collab("A"), topics.collab("C")}
    assert sorted(world.said) == ["A", "C"]
    world.now = LINGER_S + 1
    await presence.follow()
    assert world.joined == set()
    assert presence.sessions == {}
