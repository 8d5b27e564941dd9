"""Finding the mesh, or founding one.

A peer without a mesh listens for the grace and joins the mesh of whomever it hears. If all it hears are without one
too, the smallest peer id among them founds. If it hears nobody, it founds only when it was told of no bootstrap peers;
else it keeps trying and says so. A mesh of one dissolves into the first other it meets; of two such, the one with the
larger mesh id does. Two founded meshes never merge by themselves.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.control import authority, entries, join, succession, told
from chorus_tui.engine.control.followers import fetch_new
from chorus_tui.engine.control.interface import NotAdmin
from chorus_tui.engine.control.join import MeshView, Newcomer
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft_ready import HardState
from chorus_tui.engine.control.voters import Seat
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.mesh.interface import MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import short

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.discovery")

ROUND_S = 0.5
SETTLED_ROUND_S = 2.0
FORGET_S = 30.0
VAIN_S = 60.0
LATELY = 64
"""So many answers are remembered, to log what is new among them."""


class Choice(Enum):
    """What a peer without a mesh does after a round of questions."""

    WAIT = "wait"
    FOUND = "found"


def choose(me: str, heard: set[str], *, grace_over: bool, expect: int, told_of_others: bool) -> Choice:
    """The rule for a peer that heard of no mesh. ``heard`` are reachable peers without one; pure."""
    if not grace_over or 1 + len(heard) < expect:
        return Choice.WAIT
    if heard:
        return Choice.FOUND if me == min({me, *heard}) else Choice.WAIT
    return Choice.WAIT if told_of_others else Choice.FOUND


def dissolves(mine: MeshView, other: MeshView) -> bool:
    """Whether my mesh of one goes into ``other``; pure."""
    return (
        mine.provisional and mine.mesh_id != other.mesh_id and (not other.provisional or mine.mesh_id > other.mesh_id)
    )


class Discovery:
    """Asks linked peers who leads, and acts on the answers."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self.joining = False
        self.detail = "Looking for a mesh"
        self.seen: dict[str, MeshView] = {}
        """Other meshes, as their members last described them."""
        self._seen_at: dict[str, float] = {}
        self._founders: dict[str, str] = {}
        """Of other meshes whose log was seen."""
        self._vain: dict[str, float] = {}
        """When going into a mesh through a peer came to nothing: for a while others are asked before it."""
        self.stores: dict[str, str] = {}
        """While no admin is heard: from which store each member that was asked votes; empty for one that has none."""
        self._opened = False
        self._discovered: set[str] = set()
        self._asked = ("", "")
        """The admin, and its mesh, that was asked last: asking again is not worth a line of the person's log."""
        self._answered: deque[tuple[str, str | None]] = deque(maxlen=LATELY)
        """Who was told of which mesh lately. Without an admin a newcomer asks twice a second for as long as that lasts."""
        self._admitting = trio.Lock()
        control.mesh.serve(join.PROTOCOL, self._serve)

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled. A founded mesh only looks out for another one, now and then."""
        started = self._control.clock.monotonic()
        self._opened = True
        while True:
            control = self._control
            settled = control.log is not None
            views, heard = await self._ask_all()
            if control.log is None:
                grace_over = control.clock.monotonic() - started >= control.settings.grace_s
                await self._without_mesh(views, heard, grace_over=grace_over)
            elif views:
                await self._with_mesh(control.log, views)
            self._forget_old()
            await pause(SETTLED_ROUND_S if settled else ROUND_S)

    def _forget_old(self) -> None:
        """A mesh that nobody described for a while is out of reach."""
        now = self._control.clock.monotonic()
        self._vain = {peer_id: at for peer_id, at in self._vain.items() if now - at <= VAIN_S}
        for mesh_id in [mesh_id for mesh_id, at in self._seen_at.items() if now - at > FORGET_S]:
            del self._seen_at[mesh_id], self.seen[mesh_id]
            self._founders.pop(mesh_id, None)
            if self._control.others.pop(mesh_id, None) is not None:
                self._control.changed()

    async def _ask_all(self) -> tuple[dict[str, MeshView], set[str]]:
        """Views of meshes by the peer that told, and the peers that have none."""
        views: dict[str, MeshView] = {}
        heard: set[str] = set()
        mine = self._control.log  # a member may have gone into, or founded, another mesh in place of ours
        alone = mine is not None and self._control.state == "no_admin"
        everybody = mine is not None and (mine.roster.absorbed_by is not None or alone)
        if not alone:
            self.stores.clear()

        async def one(peer_id: str) -> None:
            answer = await join.ask(self._control.mesh, peer_id, {"kind": "whoami"})
            if answer is None or answer["kind"] != "whoami":
                return
            store = answer.get("store")  # not said by older versions
            if alone and isinstance(store, str) and self._control.is_member(peer_id):
                self.stores[peer_id] = store
            try:
                view = MeshView.from_json(answer.get("mesh"))
            except WireError as error:
                log.debug("A peer's answer was not understood", peer=peer_id, reason=str(error))
                return
            if view is None:
                # Who has a mesh and does not show it (it dissolves, or must not lead) will not found one for us.
                if answer.get("may_found") is not False:
                    heard.add(peer_id)
            else:
                views[peer_id] = view
                self.seen[view.mesh_id] = view
                self._seen_at[view.mesh_id] = self._control.clock.monotonic()
                self._note(peer_id, view)

        async with trio.open_nursery() as nursery:
            for peer_id in sorted(self._control.mesh.links()):
                if everybody or not self._control.is_member(peer_id):
                    nursery.start_soon(one, peer_id)
        return views, heard

    def _note(self, peer_id: str, view: MeshView) -> None:
        if view.mesh_id not in self._discovered:
            self._discovered.add(view.mesh_id)
            self._control.say(
                "info",
                f"📡 Discovered mesh {view.mesh_id[:8]} of {view.members}, admin {short(view.admin)}, told by {short(peer_id)}",
            )

    async def _without_mesh(self, views: dict[str, MeshView], heard: set[str], *, grace_over: bool) -> None:
        control = self._control
        if views:
            # The largest mesh; a mesh of one only when there is no other. Through whom it was not tried in vain just now.
            peer_id, view = max(
                views.items(),
                key=lambda item: (item[1].members, item[1].mesh_id, -self._vain.get(item[0], 0.0), item[0]),
            )
            await self._join(peer_id, view)
            return
        self.detail = self._waiting_for(heard)
        choice = choose(
            control.me.peer_id, heard, grace_over=grace_over, expect=control.settings.expect,
            told_of_others=bool(control.settings.bootstrap),
        )  # fmt: skip
        if choice is Choice.FOUND:
            await control.found()

    def _waiting_for(self, heard: set[str]) -> str:
        settings = self._control.settings
        if 1 + len(heard) < settings.expect:
            return f"Waiting for {settings.expect} peers to found a mesh; {1 + len(heard)} are here"
        if heard:
            founder = min({self._control.me.peer_id, *heard})
            return f"No mesh here yet; peer {short(founder)} founds one"
        if settings.bootstrap:
            problems = "; ".join(self._control.mesh.problems())
            return f"Waiting for a bootstrap peer: {problems or ', '.join(settings.bootstrap)}"
        return "Looking for a mesh on this network"

    def _goes_into(self, mine: Log, mesh_id: str, refounds: str | None) -> bool:
        """Whether our mesh was merged into that one by its masters, or that one was founded in place of ours, which has no
        admin any more, by somebody whom we follow. Who founded it is known when its log was seen."""
        if mine.roster.absorbed_by is not None:
            return mesh_id == mine.roster.absorbed_by
        control = self._control
        if refounds != mine.mesh_id or control.state != "no_admin":
            return False
        founder = self._founders.get(mesh_id)
        return founder is None or succession.follows(
            mine.roster.members.get(founder), silent_s=control.silent_s(), timeout_s=control.parameters["admin_timeout_s"],
            majority_here=told.majority_here(control),
        )  # fmt: skip

    async def _with_mesh(self, mine: Log, views: dict[str, MeshView]) -> None:
        control = self._control
        me = self._view(mine)
        for peer_id, view in sorted(views.items(), key=lambda item: (self._vain.get(item[0], 0.0), item[0])):
            if view.mesh_id == mine.mesh_id:
                continue  # it follows us already and we have not heard of it yet
            if dissolves(me, view) or self._goes_into(mine, view.mesh_id, view.refounds):
                await self._join(peer_id, view)
                if control.log is not mine:
                    return
                continue
            if mine.mesh_id in view.offers and control.state == "no_admin":
                # Ours may have gone there without us: then its last entry is known to whoever went.
                control.following.fetch_soon(peer_id)
            if not me.provisional and not view.provisional and view.mesh_id not in control.others:
                control.others[view.mesh_id] = peer_id
                control.say("warning", f"⚠️ {control.detail}", peer=peer_id)
                control.changed()

    # ── joining ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _join(self, peer_id: str, view: MeshView) -> None:
        """Ask the admin of ``view`` to admit us, then follow its log. Not done in one go is tried again next round."""
        control = self._control
        if control.is_admin:
            control.dissolving = True
        self.joining = True
        self.detail = f"Joining mesh {view.mesh_id[:8]} of {view.members}"
        try:
            admin = await self._reach_admin(peer_id, view)
            if admin is None:
                self.detail = (
                    f"Mesh {view.mesh_id[:8]} is in reach, but its admin {short(view.admin)} is not; only it admits"
                )
                return
            request = join.make_request(control.me, view.mesh_id, control.who, control.hlc())
            answer = await join.ask(control.mesh, admin, {"kind": "join", "request": request})
            if (asked := (admin, view.mesh_id)) != self._asked:
                self._asked = asked
                control.journal.say_line("info", f"📤 Asked {short(admin)} to be admitted to mesh {view.mesh_id[:8]}")
            if answer is None or answer["kind"] != "joined":
                why = str((answer or {}).get("why", "no answer"))
                self.detail = f"Mesh {view.mesh_id[:8]} did not admit this peer yet: {why}"
                return
            await self._follow(admin, view)
        except (MeshError, WireError, Gap, StoreError, trio.TooSlowError) as error:
            self.detail = f"Joining mesh {view.mesh_id[:8]} was interrupted ({error}); it is tried again"
            log.info("Joining a mesh was interrupted; it is tried again", mesh_id=view.mesh_id, reason=str(error))
        finally:
            self.joining = False
            control.dissolving = False
            if control.mesh_id != view.mesh_id:
                self._vain[peer_id] = control.clock.monotonic()

    async def _reach_admin(self, peer_id: str, view: MeshView) -> str | None:
        if view.admin == peer_id or view.admin in self._control.mesh.links():
            return view.admin
        for address in view.admin_addresses:
            try:
                await self._control.mesh.connect(address)
            except MeshError as error:
                log.debug("The admin cannot be dialled", address=address, reason=str(error))
            else:
                return view.admin
        return None

    async def _follow(self, admin: str, view: MeshView) -> None:
        """Leave our mesh of one only for a log that is here, verified, and names us; until then we go on leading it."""
        control = self._control

        def look(trial: Log) -> None:
            self._founders[trial.mesh_id] = trial.roster.founder
            if self._stays(trial):
                raise WireError("not_followed", "its founder is not followed from this mesh")

        new, stored = await fetch_new(control.following, admin, view.mesh_id, look=look)
        if control.me.peer_id not in new.roster.members:
            raise WireError("not_admitted", "the log does not name this peer")
        async with control.lock:
            if self._stays(new):
                return
            seat = Seat(control.me.peer_id, control.entropy.bytes(8).hex())
            hard = HardState(new.term, None)
            await control.store.keep(replace(stored, hard=hard, seat=(control.settings.binding, seat.incarnation)))
            control.following.forget_admin()
            control.adopt(new, seat, stored.entries)
            control.following.hear_admin()
        control.say(
            "info",
            f"👑 Following {control.name(control.admin)}, the admin of mesh {view.mesh_id[:8]}, term {new.term}",
            term=new.term,
        )

    def _stays(self, other: Log) -> bool:
        """Whether our mesh is founded (perhaps only now: somebody joined our mesh of one) and does not go into that one."""
        mine = self._control.log
        if mine is None or mine.roster.provisional:
            return False
        return not self._goes_into(mine, other.mesh_id, other.roster.refounds)

    # ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _view(self, mine: Log) -> MeshView:
        control = self._control
        admin = control.admin or control.me.peer_id
        link = control.mesh.links().get(admin)
        addresses = control.mesh.addresses() if admin == control.me.peer_id else (link.addresses if link else [])
        return MeshView(
            mine.mesh_id,
            mine.term,
            admin,
            len(mine.roster.members),
            addresses[:8],
            mine.roster.refounds,
            list(mine.roster.offers),
        )

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(join.PATIENCE_S):
            frame = await join.receive(stream)
        control = self._control
        if frame["kind"] == "whoami":
            mine = control.log
            shown = None if mine is None or self.joining or control.obstacle else self._view(mine).as_json()
            answer = (stream.peer_id, shown["mesh_id"] if shown else None)
            if answer not in self._answered:
                self._answered.append(answer)
                log.info("🤖 WHOAMI answered", peer=answer[0], mesh_id=answer[1])
            store = control.consensus.seat.incarnation if control.consensus else ""
            who = {"agent_id": control.who.agent_id, "mesh": shown, "may_found": mine is None}
            if self._opened:  # before that it is not known whether the disk holds one
                who["store"] = store
            await stream.send(canonical.encode({"kind": "whoami", **who}))
        elif frame["kind"] == "join":
            await stream.send(canonical.encode(await self._admit(stream.peer_id, frame.get("request"))))
        else:
            raise WireError("bad_frame", "Unknown kind of frame")
        await stream.finish()

    async def _admit(self, peer_id: str, request: Any) -> dict[str, Any]:
        control = self._control
        if control.log is None or not control.is_admin:
            return {"kind": "refused", "why": "this peer is not the admin"}
        newcomer = join.read_request(request, control.log.mesh_id, peer_id)
        async with self._admitting:  # one at a time: who is first, and whether it is here already, must stay true
            return await self._add(newcomer, dict(request))

    async def _add(self, newcomer: Newcomer, request: dict[str, Any]) -> dict[str, Any]:
        control = self._control
        if not control.is_member(newcomer.peer_id):
            people = any(member.kind == "human" for member in control.members.values())
            granted = authority.first_authority(newcomer.kind, founder=False, first_person=not people)
            try:
                await control.propose(entries.MEMBER_ADDED, {"member": newcomer.member(granted)}, request=request)
            except (NotAdmin, WireError) as error:
                return {"kind": "refused", "why": str(error)}
            control.say(
                "info",
                f"📩 {newcomer.agent_id} was admitted to the mesh ({newcomer.kind}, {granted})",
                peer=newcomer.peer_id,
            )
        return {"kind": "joined", "mesh_id": control.mesh_id}
