"""Role keys of a mesh that was founded anew."""

from __future__ import annotations

import trio

from tests.simulation.engines import until
from tests.simulation.keyholders import holders
from tests.simulation.test_vault import OF_COORDINATION


async def test_all_versions_go_along_in_their_order(autojump_clock):
    """What is sealed in the new mesh stays closed to who had only an earlier version in the old one; what was sealed there opens."""
    async with holders(9, "ada", "bob", "cyd") as at:
        await at.holds("bob", *OF_COORDINATION)
        ada = at.at.peers["ada"].control
        old_id, service = ada.mesh_id, at.services["ada"]
        for _ in range(2):
            await service.set_next(old_id, "master")
        for name in ("bob", "cyd"):
            at.kill(name)
        await until("no majority", lambda: not ada.admin_reachable(), 300)
        new_id = await ada.merging.refound()
        versions = service.keyrings.of(old_id).versions("master")

        await until("all of them", lambda: service.keyrings.of(new_id).versions("master") == versions, 300)
        assert len(versions) == 3
        await trio.sleep(60)
        assert service.keyrings.of(new_id).versions("master") == versions


async def test_a_founder_that_lacks_the_last_version_makes_a_new_one(autojump_clock):
    """It goes on with what it holds, and seals to none that others may have had before they lost it."""
    async with holders(10, "ada", "bob", "cyd") as at:
        await at.holds("bob", *OF_COORDINATION)
        ada = at.at.peers["ada"].control
        old_id, service = ada.mesh_id, at.services["ada"]
        await service.set_next(old_id, "master")
        first, second = service.keyrings.of(old_id).versions("master")
        service.parts.file.forget(second)
        for name in ("bob", "cyd"):
            at.kill(name)
        await until("no majority", lambda: not ada.admin_reachable(), 300)
        new_id = await ada.merging.refound()
        await until("a new one", lambda: len(service.keyrings.of(new_id).versions("master")) == 2, 300)
        await trio.sleep(60)

        now = service.keyrings.of(new_id).versions("master")
        assert now[0] == first
        assert now[1:] and now[1] not in (first, second)
