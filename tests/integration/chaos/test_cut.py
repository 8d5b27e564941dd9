"""A mesh cut in two under load: the smaller side decides nothing and says so, and nothing shown was untrue."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from tests.chaos.record import watched

NAMES = ("ada", "ben", "cleo", "dan", "eve")
CUT_S = 60.0
SETTLE_S = 12.0
"""What was on its way when the cut came may still arrive."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_mesh_cut_two_to_three_for_a_minute(hurt):
    """The admin is on the smaller side, tasks are announced on both: the smaller decides nothing and says why, on the screen
    of its portal and on the command line; the larger goes on; after healing all logs are equal, every task ended once, and
    nothing shown was untrue."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    hurt.grow(*NAMES)
    with watched(hurt.record, hurt.peers, hurt.ids):
        for name in NAMES:
            announce(hurt, name)
        admin = hurt.admin()
        smaller = {admin, chance.choice([name for name in NAMES if name != admin])}
        larger = set(NAMES) - smaller
        hurt.cut(smaller, larger)
        cut_at = time.time()
        names = itertools.cycle(chance.sample(NAMES, len(NAMES)))
        while time.time() - cut_at < CUT_S:
            announce(hurt, next(names))
            time.sleep(3)
        told = says_why(hurt, admin)
        healed_at = time.time()
        hurt.heal()
        hurt.quiet()

    for name in smaller:
        seen = statuses(hurt, name, cut_at + SETTLE_S, healed_at)
        assert len({status["control_index"] for status in seen}) == 1, "the smaller side decided something"
        last = seen[-1]
        assert last["mesh_state"] == "no_admin"
        assert "only 2 of 5 voters are in reach" in last["mesh_detail"]
        assert "nothing is decided without a majority" in last["mesh_detail"]
    for text in told:
        assert "only 2 of 5 voters are in reach" in text
        assert "nothing is decided without a majority" in text
    for name in larger:
        seen = statuses(hurt, name, cut_at, healed_at)
        assert seen[-1]["control_index"] > seen[0]["control_index"], "the larger side stood still"
        assert seen[-1]["mesh_state"] == "member"
    assert hurt.verdict() == []


def announce(mesh, name):
    """One tiny task; it must be taken on whichever side."""
    said = mesh.ask(name, "task", "announce", "--title", "tiny", "--command", "true")
    assert "task_id" in said, said


def says_why(mesh, name):
    """Portal and command line of one peer, as a person reads them."""
    with mesh.portal(name) as portal:
        screen = portal.sees("without an admin")
    return screen, mesh.peers[name].run("status").stdout


def statuses(mesh, name, begin, end):
    """What the status screen of a peer showed meanwhile."""
    return [
        line["said"]
        for line in mesh.record.lines()
        if line["what"] == "status" and line["peer"] == name and begin < line["at"] < end
    ]
