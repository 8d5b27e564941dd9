"""Grants, losses, crashes and cuts in any order: when it is over, exactly those who may read do."""

from __future__ import annotations

import random

import pytest
import trio

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import NoMesh, NotAdmin, Refused
from chorus_tui.engine.vault import rules
from tests.simulation.engines import until
from tests.simulation.keyholders import ALL, Holders, holders
from tests.simulation.test_meeting import one_mesh

NAMES = ("ada", "bob", "cyd", "dan", "eve")
STEPS = 25


class Storm:
    """What happens to a mesh, drawn from a seed."""

    def __init__(self, at: Holders, seed: int) -> None:
        self._at = at
        self._draw = random.Random(seed)
        self._down: dict[str, tuple[bytes, bytes]] = {}

    async def rage(self) -> None:
        acts = (self._grant, self._grant, self._rotate, self._crash, self._return, self._cut, self._heal, self._lose)
        for _ in range(STEPS):
            await self._draw.choice(acts)()
            await trio.sleep(self._draw.uniform(0.2, 15))
        self._at.at.network.loss = 0.0
        self._at.at.network.heal()
        for name in sorted(self._down):
            await self._at.start(name, images=self._down[name])
        self._at.at.network.connect_all()

    async def _ask(self, type_: str, data: dict[str, object]) -> None:
        up = sorted(self._at.at.peers)
        with trio.move_on_after(20):
            try:
                await self._at.at.peers[self._draw.choice(up)].control.request(type_, data)
            except (NoMesh, NotAdmin, Refused):
                return

    async def _grant(self) -> None:
        to = self._draw.choice(sorted(self._at.at.peers))
        what = (
            {"authority": self._draw.choice(ALL)}
            if self._draw.random() < 0.6
            else {"role": self._draw.choice(["", "review", "ops"])}
        )
        await self._ask(entries.MEMBER_CHANGED, {"peer_id": self._at.at.peers[to].peer_id, **what})

    async def _rotate(self) -> None:
        name = self._draw.choice(sorted(self._at.at.peers))
        mesh_id = self._at.at.peers[name].control.mesh_id or ""
        with trio.move_on_after(20):
            try:
                await self._at.services[name].set_next(mesh_id, self._draw.choice(ALL))
            except (NoMesh, NotAdmin, Refused):
                return

    async def _crash(self) -> None:
        if len(self._at.at.peers) > 3:
            name = self._draw.choice(sorted(self._at.at.peers))
            self._down[name] = self._at.kill(name)

    async def _return(self) -> None:
        if self._down:
            name = self._draw.choice(sorted(self._down))
            await self._at.start(name, images=self._down.pop(name))

    async def _cut(self) -> None:
        self._at.cut(*self._draw.sample(sorted(self._at.at.peers), self._draw.choice([1, 2])))

    async def _heal(self) -> None:
        self._at.at.network.heal()

    async def _lose(self) -> None:
        self._at.at.network.loss = self._draw.choice([0.0, 0.2, 0.5])


def settled(at: Holders) -> str:
    """What is not yet as it should be; empty when all is."""
    peers = at.at.peers
    if not one_mesh(list(peers.values())) or len({peer.control.commit for peer in peers.values()}) > 1:
        return "the peers do not agree"
    keys = at.services["ada"].keyrings.of(peers["ada"].control.mesh_id)
    if keys.missing():
        return f"no key, or an old one, for {keys.missing()}"
    for name, peer in peers.items():
        for keyring in keys.roster.keyrings:
            may = rules.may_hold(peer.control.members.get(peer.peer_id), keyring)
            if may and len(keys.versions(keyring)) not in at.held(name).get(keyring, ()):
                return f"{name} has not got {keyring}"
    return ""


@pytest.mark.parametrize("seed", range(6))
async def test_when_it_is_over_exactly_those_who_may_read_do(seed, autojump_clock):
    """Every keyring has a key that nobody has who may not; everybody who may has it; and what was sealed at any time by a holder
    opens for a master."""
    async with holders(100 + seed, *NAMES) as at:
        await at.holds("ada", *ALL)
        await Storm(at, seed).rage()
        await until(f"settled: {settled(at)}", lambda: not settled(at), 900)
        await trio.sleep(60)

        assert settled(at) == ""
        members = at.at.peers["ada"].control.members
        keys = at.services["ada"].keyrings.of(at.at.peers["ada"].control.mesh_id)
        for keyring in keys.roster.keyrings:
            (author, *_) = [name for name in NAMES if keyring in at.held(name)] or ["ada"]
            sealed = at.vaults[author].seal_file(b"words", [keyring])
            for name in NAMES:
                may = rules.may_hold(members[at.at.peers[name].peer_id], keyring) or name == author
                assert (at.opens(name, sealed) == b"words") == may, (keyring, name, author)
