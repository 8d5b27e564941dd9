"""What outlives a mesh: two meshes become one by their masters' word, and one that lost its majority is founded anew.

Nothing of this happens by itself. The mesh with fewer members (of equals, the smaller id) goes into the other: there a master
offers, here a master agrees, and only into a mesh whose admin is in reach. The members then join the other; their feeds come
along, their control log is closed, kept by all and stays final.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.control import entries, seating, told
from chorus_tui.engine.control.followers import fetch_new
from chorus_tui.engine.control.interface import Refused
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.membership import Roster
from chorus_tui.engine.control.store import Stored
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol.canonical import WireError

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.merging")

LOOK_S = 5.0


class Merging:
    """Offers, agreements, and the logs of meshes that came along."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._line: set[str] = set()
        """Our mesh and those that came before it, as far as their logs are here."""
        self._offered: set[str] = set()
        self._refounded: dict[str, int] = {}
        """With the last entry that the founder of the mesh in its place had."""
        control.on_request(entries.ABSORBED_BY, self._may_go)

    def survivor(self, mesh_id: str) -> bool:
        """Whether this mesh is the one that takes the other in. Raises :class:`Refused` when it is not in reach."""
        control = self._control
        mine, other = control.log, control.discovery.seen.get(mesh_id)
        if mine is None or other is None or mesh_id == mine.mesh_id:
            known = ", ".join(name[:8] for name in control.others) or "none"
            raise Refused(f"no other mesh {mesh_id[:8]} is in reach; in reach: {known}")
        return (len(mine.roster.members), mine.mesh_id) > (other.members, other.mesh_id)

    async def merge(self, mesh_id: str) -> tuple[int, str]:
        """This side's word; the entry's index, and what is still to be done."""
        control = self._control
        if self.survivor(mesh_id):
            index = await control.request(entries.ABSORB_OFFER, {"mesh_id": mesh_id})
            return index, (
                f"Offered. A master of mesh {mesh_id[:8]} agrees with: chorus-tui members merge {str(control.mesh_id)[:8]}"
            )
        index = await control.request(entries.ABSORBED_BY, {"mesh_id": mesh_id})
        return index, f"This mesh goes into {mesh_id[:8]} now: its members join it, its open tasks go on there"

    def find(self, prefix: str) -> str:
        """The mesh that is meant by the first digits of its id. Raises :class:`Refused`."""
        found = [mesh_id for mesh_id in self._control.discovery.seen if mesh_id.startswith(prefix)]
        if len(found) != 1:
            known = ", ".join(mesh_id[:8] for mesh_id in self._control.others) or "none"
            raise Refused(f"{prefix} names {'several meshes' if found else 'no other mesh'}; in reach: {known}")
        return found[0]

    def _may_go(self, _peer_id: str, data: dict[str, object]) -> str | None:
        control = self._control
        view = control.discovery.seen.get(str(data.get("mesh_id")))
        if view is None or view.mesh_id not in control.others:
            return "that mesh is not in reach of the admin"
        if control.mesh_id not in view.offers:
            return (
                f"that mesh has not offered to take this one in; one of its masters does with: "
                f"chorus-tui members merge {str(control.mesh_id)[:8]}"
            )
        return None

    def note(self, roster: Roster) -> None:
        """A mesh in our line, and those before it."""
        self._line.add(roster.mesh_id)
        self._offered.update(roster.offers)
        if roster.refounds is not None:
            self._refounded[roster.refounds] = max(roster.refounds_from, self._refounded.get(roster.refounds, 0))

    async def run(self) -> None:
        """Until cancelled: fetch the logs of meshes that come into ours, to their last entry, and of those it was founded in
        place of. Who was a member there stays an author here."""
        while True:
            await pause(LOOK_S)
            if self._control.log is not None:
                self.note(self._control.log.roster)
            for mesh_id in sorted((self._offered | set(self._refounded)) - self._control.closed):
                await self._fetch(mesh_id)

    async def _fetch(self, mesh_id: str) -> None:
        control = self._control
        for peer_id in sorted(control.mesh.links()):
            if mesh_id in control.closed or not control.is_member(peer_id):
                continue
            try:
                foreign, stored = await fetch_new(control.following, peer_id, mesh_id, current=False)
            except (MeshError, WireError, Gap, trio.TooSlowError) as error:
                log.debug("That member has no log of the mesh", peer=peer_id, mesh_id=mesh_id, reason=str(error))
                continue
            known = control.store.commit(mesh_id)
            least = max(self._refounded.get(mesh_id, 0), known.index if known else 0)
            if foreign.roster.absorbed_by in self._line or (mesh_id in self._refounded and foreign.index >= least):
                try:
                    await self._keep(foreign, stored)
                except StoreError as error:
                    log.warning("A closed control log is not kept yet; it is tried again", reason=str(error))

    async def _keep(self, foreign: Log, stored: Stored) -> None:
        """The whole log of a mesh that came into ours: what it accepted stays final. A former member has its beginning."""
        control = self._control
        async with control.lock:
            if foreign.mesh_id in control.closed:
                return
            known = control.store.commit(foreign.mesh_id)
            if known is not None and known.index > foreign.index:
                return  # a shorter showing takes back nothing of what is known
            fresh = [entry for entry in stored.entries if known is None or entry.index > known.index]
            await control.store.keep(replace(stored, entries=fresh, replace_from=fresh[0].index if fresh else None))
            control.closed.add(foreign.mesh_id)
            control.ever |= foreign.roster.ever
            self.note(foreign.roster)
            control.replay(fresh)
            control.changed()

    # ── a mesh in place of one ─────────────────────────────────────────────────────────────────────────────────────

    async def refound(self) -> str:
        """Found a mesh in place of one that lost its majority for good; the new mesh id. Members without an admin follow.

        :raises Refused: while an admin is heard, or without a mesh.
        """
        control = self._control
        async with control.lock:
            if control.log is None:
                raise Refused("this peer belongs to no mesh; there is nothing to found anew")
            if control.admin_reachable():
                raise Refused(
                    f"{control.name(control.admin)} leads and is heard; a mesh with an admin is not founded anew"
                )
            if not control.may(control.me.peer_id, "work"):
                raise Refused(
                    "the other members would not follow: their log does not let this peer work. Found it anew at a member that "
                    "may, best at a master"
                )
            old = control.log
            made, entry, seat = await seating.found(
                control.me, control.store, control.hlc, control.who.member("master"), old.roster.stored_parameters,
                control.entropy.bytes(16).hex(), control.settings.binding,
                {"mesh_id": old.mesh_id, "index": old.index, "head": old.head},
            )  # fmt: skip
            control.adopt(made, seat, [entry], leads=True)
        control.say(
            "warning",
            f"⚠️ Mesh {old.mesh_id[:8]} was given up and founded anew as {made.mesh_id[:8]} by {control.who.agent_id}: what the "
            f"old one decided after entry {old.index}, if anything, is not part of it",
        )
        told.elected(control, 1)
        return made.mesh_id
