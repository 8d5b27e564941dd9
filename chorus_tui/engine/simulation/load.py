"""What there is to do: tasks announced by all peers; some fail, some cannot be started, some are cancelled."""

from __future__ import annotations

import trio

from chorus_tui.contract.models.task_spec import Budget, TaskSpec
from chorus_tui.contract.models.tasks import AnnounceTask, CancelTask
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.control.interface import NoMesh
from chorus_tui.engine.simulation.dice import Dice
from chorus_tui.engine.simulation.peer import Peer
from chorus_tui.engine.simulation.world import World

FAILS, BROKEN, CANCELLED = 0.12, 0.2, 0.4
"""Of all tasks: up to the first fail, up to the second cannot be started by anybody, up to the third are cancelled."""
CHECKS: tuple[tuple[str, ...], ...] = (("true",), ("true", "sleep 2"), ("false",), ("broken",))
"""What shows that a task is done: checks that pass, that fail, that nobody can run."""


CONTAINERS = 16
"""Of a task: where faults never end, many checkers are lost."""


async def announce(world: World, dice: Dice, number: int) -> None:
    """Some running peer announces a task."""
    names = [peer.name for peer in world.running() if peer.nursery is not None]
    if not names:
        return
    announce_by(world, dice, world.peers[dice.one(names)], f"task {number}")
    await trio.lowlevel.checkpoint()


def announce_by(world: World, dice: Dice, peer: Peer, title: str) -> None:
    """This peer announces a task, soon."""
    kind, seconds = dice.between(0, 1), dice.between(0.5, 9)
    if kind < FAILS:
        command = "false"
    elif kind < BROKEN:
        command = "broken"
    elif kind < CANCELLED:
        command = "sleep 60"
    else:
        command = f"sleep {seconds:.1f}"
    cancel_after = seconds if BROKEN <= kind < CANCELLED else None
    checks = CHECKS[int(dice.between(0, len(CHECKS) - 0.001))] if dice.chance(0.5) else ()
    peer.do(_announce, world, peer, title, command, checks, cancel_after)


async def _announce(
    world: World, peer: Peer, title: str, command: str, checks: tuple[str, ...], cancel_after: float | None
) -> None:
    budget = Budget(containers=CONTAINERS)
    request = AnnounceTask(spec=TaskSpec(title=title, commands=[command], checks=list(checks), budget=budget))
    try:
        made = await peer.tasks.announcing.announce(request, None)
        world.say(f"announced {title} ({command}) as {made.task_id[-6:]}", peer.name)
        if cancel_after is not None:
            await trio.sleep(cancel_after)
            world.say(f"cancels {title}", peer.name)
            await peer.tasks.announcing.cancel(CancelTask(task_id=made.task_id, reason="not wanted"), None)
    except (Problem, NoMesh) as problem:
        world.say(f"{title}: {problem}", peer.name)
