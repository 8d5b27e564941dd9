"""Every accepted task has a record that outlives its maker, says what happened, and is there once."""

from __future__ import annotations

import trio

from tests.simulation.archive import archive
from tests.simulation.engines import until


async def test_an_accepted_task_has_one_record_that_every_entitled_peer_opens(autojump_clock):
    """Made by the worker, sealed and announced once, the same for all; its words are those of the task."""
    async with archive(61, "ada", "ben", "cat") as made:
        task_id = await made.announce("cat", "make it", project_id="shop")
        await made.ended("cat", task_id)
        where = await made.recorded(task_id)
        await trio.sleep(60)  # simulated: long enough for the admin to make another, if it were to
        found = [await made.read(name, where) for name in made.contents]
        assert all(one == found[0] for one in found)
        assert found[0].signed_by == found[0].content["made_by"]
        assert found[0].content["commands"] == ["make it"]
        assert found[0].content["task_id"] == task_id
        assert made.announced("ada", task_id) == [where]


async def test_the_admin_makes_the_record_when_the_worker_is_gone(autojump_clock):
    """The worker dies when its result is accepted and before it could make one; later the mesh has it, and once."""
    async with archive(62, "ada", "ben", "cat", "dan") as made:
        task_id = await made.announce("ada", "make it")
        tasks = {name: service.board for name, service in made.services.items()}

        def worker() -> str:
            task = tasks["ada"].find(task_id)
            done = task is not None and task.accepted is not None
            names = {peer.peer_id: name for name, peer in made.at.peers.items()}
            return names[task.accepted.author] if done else ""

        await until("accepted", worker)
        dead = worker()
        assert not made.announced(dead, task_id)
        made.kill(dead)
        where = await made.recorded(task_id)
        await trio.sleep(60)  # simulated
        name = next(iter(made.contents))
        found = await made.read(name, where)
        assert found.signed_by != found.content["made_by"]
        assert len(made.announced(name, task_id)) == 1


async def test_a_record_is_read_when_everybody_who_made_it_is_gone(autojump_clock):
    """The worker and whoever led are dead; a third opens the record."""
    async with archive(63, "ada", "ben", "cat", "dan", "eve") as made:
        task_id = await made.announce("eve", "make it")
        await made.ended("eve", task_id)
        where = await made.recorded(task_id)
        signed_by = (await made.read("eve", where)).signed_by
        leads = next(name for name, peer in made.at.peers.items() if peer.control.is_admin)
        gone = {leads, *(name for name, peer in made.at.peers.items() if peer.peer_id == signed_by)}
        for name in gone:
            made.kill(name)
        for name in list(made.contents):
            assert (await made.read(name, where)).content["task_id"] == task_id
