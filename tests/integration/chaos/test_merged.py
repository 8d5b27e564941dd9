"""Two meshes become one by their masters' word: open tasks go on, and nothing accepted is accepted again."""

from __future__ import annotations

import pytest

from tests.chaos.record import watched
from tests.integration.system.peers import eventually

SMALL, LARGE = ("ada", "ben"), ("cleo", "dan", "eve")
ROLE = "surgeon"


@pytest.mark.slow
def test_two_meshes_merged_by_their_masters(hurt):
    """A finished and an open task on each side; after both words there is one mesh with one log, the open tasks end in it,
    no result is accepted a second time, and nothing shown was untrue."""
    for founder, *_ in (SMALL, LARGE):
        hurt.start(founder)
    for founder, *others in (SMALL, LARGE):
        hurt.ready(founder)
        eventually("a mesh", lambda founder=founder: hurt.peers[founder].status().get("admin"))
        for name in others:
            hurt.start(name, bootstrap=founder)
    for name in (*SMALL[1:], *LARGE[1:]):
        hurt.ready(name)
    eventually("two meshes", lambda: hurt.whole(*SMALL) and hurt.whole(*LARGE), 40)
    with watched(hurt.record, hurt.peers, hurt.ids):
        done = {first: announce(hurt, first) for first in ("ada", "cleo")}
        for name, task in done.items():
            eventually(
                "it is done", lambda name=name, task=task: hurt.peers[name].task(task)["state"] == "completed", 40
            )
        # Nobody has this role yet, so they are open while the meshes meet.
        still_open = {name: announce(hurt, name, "--role", ROLE) for name in ("ben", "dan")}
        hurt.ask("ada", "connect", hurt.address("cleo"))
        small, large = (hurt.peers[name].status()["mesh_id"] for name in ("ada", "cleo"))
        eventually("offered", lambda: decided(hurt, "cleo", "members", "merge", small[:12]), 40)
        eventually("agreed", lambda: decided(hurt, "ada", "members", "merge", large[:12]), 40)
        eventually("one mesh", lambda: hurt.whole() and hurt.peers["ben"].status()["mesh_id"] == large, 40)
        assert decided(hurt, "cleo", "members", "grant", "eve", "--role", ROLE)
        hurt.quiet()

    for name, task in still_open.items():
        view = hurt.ask(name, "task", "show", task)
        following = hurt.ask(name, "task", "show", view["continued_as"]) if view["continued_as"] else view
        assert (following["state"], following["mesh_id"]) == ("completed", large)
    for name, task in done.items():
        view = hurt.ask(name, "task", "show", task)
        assert (view["state"], view["continued_as"]) == ("completed", "")
    assert hurt.verdict() == []


def announce(mesh, name, *more):
    """A tiny task; its id."""
    return mesh.ask(name, "task", "announce", "--title", "tiny", "--command", "true", *more)["task_id"]


def decided(mesh, name, *words):
    """Whether the mesh decided what this peer's command asks for."""
    return "index" in mesh.ask(name, *words)
