"""What the mesh has learned: taken in once by whoever leads, known to all, answered, judged."""

from __future__ import annotations

import trio

from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.slurp import AskContext, GiveFeedback
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.slurp.doors import SlurpDoors
from chorus_tui.engine.slurp.service import Settled, SlurpService
from tests.simulation.engines import Peer, World, until, world

EVENT = "e" * 64


def settled(entry: ControlEntry) -> Settled:
    return Settled("shop", f"note {entry.data['n']}: totals are summed in cents", entry.admin, "task")


class School:
    """A world whose peers also learn. Notes in the control log are what is settled here."""

    def __init__(self, at: World) -> None:
        self.at = at
        self.services: dict[str, SlurpService] = {}

    async def start(self, name: str, **options) -> Peer:
        def extend(peer: Peer) -> None:
            self.services[name] = SlurpService(
                peer.peer_id, peer.journal, peer.control, SystemClock(), {"note": settled}
            )
            peer.besides.append(self.services[name].run)

        return await self.at.start(name, extend=extend, **options)

    def doors(self, name: str) -> SlurpDoors:
        peer = self.at.peers[name]
        return SlurpDoors(self.services[name], peer.journal, peer.control)

    def leader(self) -> Peer:
        return next(peer for peer in self.at.peers.values() if peer.control.is_admin)

    def updates(self, peer: Peer) -> list[str]:
        """Node ids of all updates that were ever said, as this peer holds them."""
        return [e.data["node"]["node_id"] for e, _ in peer.journal.store.of_types({"slurp_context_update"})]


async def school(at: World, names: str) -> School:
    made = School(at)
    for name in names:
        await made.start(name)
    await until("a mesh", lambda: all(len(p.control.members) == len(names) for p in at.peers.values()))
    await until("voters", lambda: all(len(p.control.voters) >= min(3, len(names)) for p in at.peers.values()))
    return made


async def test_a_settled_thing_is_known_everywhere_once_also_when_the_admin_changes(autojump_clock):
    """Five notes, the admin dies between them, another goes on: each is one node on every peer, and nobody published one twice
    but for what was under way when the admin died."""
    async with world(51) as at:
        made = await school(at, "abcd")
        for n in range(3):
            await made.leader().control.propose("note", {"n": n})
        await until("three known", lambda: all(len(s.known()) == 3 for s in made.services.values()))
        dead = made.leader().name
        del made.services[dead]
        at.kill(dead)
        await until("a new admin", lambda: any(p.control.is_admin for p in at.peers.values()))
        for n in range(3, 5):
            await made.leader().control.propose("note", {"n": n})
        await until("five known", lambda: all(len(s.known()) == 5 for s in made.services.values()))
        said = made.updates(made.leader())
        assert sorted(said) == sorted(set(said))


async def test_an_event_of_a_room_is_acknowledged_once_and_becomes_a_node(autojump_clock):
    """Said by two who saw the consensus, taken in once; its words are known to all, and whoever said it sees that."""
    async with world(52) as at:
        made = await school(at, "abc")
        for peer in list(at.peers.values())[:2]:
            data = {
                "event_id": EVENT, "event_type": "consensus", "discussion_id": "parser", "context_path": "shop",
                "consensus": "the old parser stays",
            }  # fmt: skip
            await peer.journal.say("slurp_event_generated", data)
        await until("known", lambda: all(EVENT in s.known() for s in made.services.values()))
        await until("acknowledged", lambda: all(s.acknowledged(EVENT) for s in made.services.values()))
        await trio.sleep(10)  # simulated: long enough for many more rounds of the admin
        for peer in at.peers.values():
            assert made.updates(peer) == [EVENT]
            assert len(list(peer.journal.store.of_types({"slurp_event_ack"}))) == 1


async def test_a_question_is_answered_by_the_admin_and_its_use_and_worth_are_counted(autojump_clock):
    """An agent asks before it works and is shown what has to do with it; a person's word moves the standing on every peer; one that
    was judged wrong often enough is shown no more."""
    async with world(53) as at:
        made = await school(at, "abc")
        await made.leader().control.propose("note", {"n": 1})
        await until("known", lambda: all(s.known() for s in made.services.values()))
        nodes = await made.services["c"].ask("shop/cart", "how are totals summed", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 5.0)
        assert [node.summary for node in nodes] == ["note 1: totals are summed in cents"]
        await until("counted", lambda: all(s.graph.uses for s in made.services.values()))

        (node_id,) = made.services["a"].known()
        for name in "abc":
            await made.doors(name).feedback(GiveFeedback(node_id=node_id[:8], event="wrong"), None)
        await until("judged", lambda: all(s.graph.standing(node_id) == 1 / 5 for s in made.services.values()))
        answer = await made.doors("b").context(AskContext(path="shop"), None)
        assert answer.nodes == []
        assert (await made.doors("b").stats(Empty(), None)).waiting_requests == 0


async def test_without_an_admin_an_agent_begins_without_context(autojump_clock):
    """Nobody answers: after its patience the agent is told nothing, and the question is not answered when it is of no use any more."""
    async with world(54) as at:
        made = await school(at, "abc")
        await made.leader().control.propose("note", {"n": 1})
        await until("known", lambda: all(s.known() for s in made.services.values()))
        follower = next(p for p in at.peers.values() if not p.control.is_admin)
        at.network.isolate(follower.peer_id)
        assert await made.services[follower.name].ask("shop", "totals", "01ARZ3NDEKTSV4RRFFQ69G5FAV", 3.0) == []
