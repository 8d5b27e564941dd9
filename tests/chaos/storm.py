"""A storm: every kind of fault at once upon a mesh at work, by a plan; afterwards all must be well and nothing untrue."""

from __future__ import annotations

import random
import time

from tests.chaos.mesh import ChaosMesh
from tests.chaos.plan import ADMIN, Fault, plan
from tests.chaos.record import watched

PAUSE_S = 1.0
"""Between two commands that people give meanwhile."""
SETTLE_S = 180.0
"""How long the mesh may take afterwards: an election or two, and leases of workers that died."""


def storm(mesh: ChaosMesh, seed: int, seconds: float) -> list[str]:
    """One storm over peers that are one mesh; what was shown and is untrue.

    :raises AssertionError: when the mesh is not one again, with every task ended, in time.
    """
    names, chance = sorted(mesh.peers), random.Random(seed)
    struck: dict[Fault, str] = {}
    steps = plan(seed, names, seconds)
    with watched(mesh.record, mesh.peers, mesh.ids):
        began = time.monotonic()
        while steps or time.monotonic() - began < seconds:
            while steps and steps[0].at <= time.monotonic() - began:
                step = steps.pop(0)
                if step.begins:
                    _begin(mesh, step.fault, struck)
                else:
                    _end(mesh, step.fault, struck)
            _work(mesh, chance)
            time.sleep(PAUSE_S)
        mesh.heal()
        mesh.quiet(SETTLE_S)
    return mesh.verdict()


def _begin(mesh: ChaosMesh, fault: Fault, struck: dict[Fault, str]) -> None:
    if fault.kind.startswith("cut"):
        mesh.cut(fault.one, fault.other, one_way=fault.kind == "cut one way")
    elif fault.kind == "lose":
        mesh.lose(fault.one, fault.percent)
    else:
        name = mesh.admin() if fault.one == (ADMIN,) else fault.one[0]
        if name in mesh.running():  # nobody leads, or that one lies already: this fault spares all
            struck[fault] = name
            (mesh.sleep if fault.kind == "sleep" else mesh.kill)(name)


def _end(mesh: ChaosMesh, fault: Fault, struck: dict[Fault, str]) -> None:
    if fault.kind.startswith("cut"):
        mesh.mend(fault.one, fault.other, one_way=fault.kind == "cut one way")
    elif fault.kind == "lose":
        mesh.lose(fault.one, 0)
    elif fault in struck:
        (mesh.wake if fault.kind == "sleep" else mesh.again)(struck.pop(fault))


def _work(mesh: ChaosMesh, chance: random.Random) -> None:
    """One command to one peer that can hear it: mostly a task, sometimes a question, sometimes another admin."""
    awake = mesh.running()
    if not awake:
        return
    name, dice = chance.choice(awake), chance.random()
    if dice < 0.1:
        mesh.ask(name, "election", "trigger", "--reason", "a change")
    elif dice < 0.2:
        mesh.ask(name, "status")
    else:
        said = mesh.ask(name, "task", "announce", "--title", "tiny", "--command", "true")
        assert "task_id" in said, said
