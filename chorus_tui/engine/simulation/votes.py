"""What there is to vote on: some peer proposes, the others vote, some twice, some too late, whatever goes wrong meanwhile."""

from __future__ import annotations

import trio

from chorus_tui.contract.models.decisions import ProposeDecision, VoteDecision
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control.interface import NoMesh
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World

CHOICES = ["approve", "approve", "reject", "abstain"]
DEADLINE_S = (4.0, 16.0)
VOTES_S = 18.0
"""Votes come within so many seconds, some of them after the deadline."""
AGAIN, FINAL = 0.4, 0.2
"""Of all votes: so many are changed once, and so many are final."""


async def propose(world: World, dice: Dice, number: int) -> None:
    """Some running peer puts something to the vote."""
    names = [peer.name for peer in world.running() if peer.nursery is not None]
    if not names:
        return
    peer = world.peers[dice.one(names)]
    peer.do(_propose, world, dice, peer, number)
    await trio.lowlevel.checkpoint()


async def _propose(world: World, dice: Dice, peer: Peer, number: int) -> None:
    request = ProposeDecision(title=f"vote {number}", deadline=f"{dice.between(*DEADLINE_S):.1f}s")
    try:
        made = await peer.deciding.proposing.propose(request, None)
    except (Problem, NoMesh) as problem:
        world.say(f"vote {number}: {problem}", peer.name)
        return
    world.say(f"proposed vote {number} as {made.decision_id[-6:]}", peer.name)
    for name in sorted(world.machines):
        again = 2 if dice.chance(AGAIN) else 1
        for _ in range(again):
            after, choice = dice.between(0.2, VOTES_S), dice.one(CHOICES)
            voter, final = world.peers.get(name), dice.chance(FINAL)
            if voter is not None:
                voter.do(_vote, world, voter, made.decision_id, choice, after, final)


async def _vote(world: World, peer: Peer, decision_id: str, choice: str, after: float, final: bool) -> None:
    await trio.sleep(after)
    try:
        await peer.deciding.acting.vote(VoteDecision(decision_id=decision_id, choice=choice, final=final), None)
    except (Problem, NoMesh) as problem:
        world.say(f"no vote on {decision_id[-6:]}: {problem.args or problem}", peer.name)
    else:
        world.say(f"voted {choice} on {decision_id[-6:]}", peer.name)
