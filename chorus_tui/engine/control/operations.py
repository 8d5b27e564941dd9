"""``election …`` and ``members …``: what people ask of the control log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from chorus_tui.contract.models import election as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.control import entries, told
from chorus_tui.engine.control.asking import ask_admin, find_member
from chorus_tui.engine.control.enrolling import Enrolling, enrolled
from chorus_tui.engine.control.interface import Member, NoMesh, NotAdmin, Refused
from chorus_tui.engine.control.raft_ready import Role

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

CONFIRM = 8
"""Digits of a mesh id that must be repeated to give it up."""


class ControlOperations:
    """Answers for one control service."""

    def __init__(self, control: ControlService) -> None:
        self._control = control

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation."""
        return {
            "election.status": self.status, "election.history": self.history, "election.trigger": self.trigger,
            "election.step_down": self.step_down, "members.list": self.members, "members.grant": self.grant,
            "members.remove": self.remove, "members.merge": self.merge, "election.refound": self.refound,
            **Enrolling(self._control).handlers(),
        }  # fmt: skip

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def status(self, _request: Empty, _caller: Any) -> models.ElectionStatus:
        """The voters, the admin, and what they can bear."""
        control = self._control
        count = len(control.voters)
        return models.ElectionStatus(
            mesh_id=control.mesh_id, state=self._state(), term=control.term, admin=control.admin,
            admin_name=control.name(control.admin) if control.admin else "", admin_heard_s=control.admin_heard_s(),
            voters=[self._voter(peer_id) for peer_id in control.voters], majority=count // 2 + 1 if count else 0,
            changing=control.consensus is not None and told.needed(control).joint, meaning=control.meaning(),
            other_meshes={mesh_id: control.name(peer) for mesh_id, peer in control.others.items()},
        )  # fmt: skip

    def _state(self) -> Literal["discovering", "following", "campaigning", "admin"]:
        control = self._control
        if control.consensus is None:
            return "discovering"
        if control.is_admin:
            return "admin"
        standing = control.consensus.core.role in (Role.PRE_CANDIDATE, Role.CANDIDATE)
        return "campaigning" if standing else "following"

    def _voter(self, peer_id: str) -> models.Voter:
        control = self._control
        member, parts = control.members.get(peer_id), control.governing.parts(peer_id)
        silent = control.consensus.silent_s(peer_id) if control.consensus and control.is_admin else None
        return models.Voter(
            peer_id=peer_id, name=control.name(peer_id), kind=member.kind if member else "unknown",
            is_self=peer_id == control.me.peer_id, is_admin=peer_id == control.admin,
            linked=peer_id == control.me.peer_id or peer_id in control.mesh.links(), silent_s=silent,
            score=round(control.governing.score(peer_id), 3) if parts else None, parts=parts,
        )  # fmt: skip

    async def history(self, _request: Empty, _caller: Any) -> models.ElectionHistory:
        """Every term that was opened, newest first."""
        control = self._control
        if control.log is None:
            return models.ElectionHistory(terms=[])
        terms = [
            models.Term(
                term=entry.term, admin=entry.admin, admin_name=control.name(entry.admin), index=entry.index,
                at=entries.said_at_ms(entry.hlc) / 1000,
                votes=[vote[0] for vote in control.log.elections[entry.term].votes],
            )
            for entry in control.store.openings(control.log.mesh_id)
        ]  # fmt: skip
        return models.ElectionHistory(terms=terms[::-1])

    async def members(self, _request: Empty, _caller: Any) -> models.MemberList:
        """Everybody who belongs, in the order of joining."""
        control = self._control
        by_joining = sorted(control.members.values(), key=lambda member: member.joined_index)
        members = [self._member(member) for member in by_joining]
        return models.MemberList(mesh_id=control.mesh_id, members=members, persons=enrolled(control))

    def _member(self, member: Member) -> models.MemberView:
        control = self._control
        mine = member.peer_id == control.me.peer_id
        return models.MemberView(
            peer_id=member.peer_id, agent_id=member.agent_id, name=control.name(member.peer_id), kind=member.kind,
            role=member.role, expertise=list(member.expertise), authority=member.authority,
            voter=member.peer_id in control.voters, is_admin=member.peer_id == control.admin, is_self=mine,
            linked=mine or member.peer_id in control.mesh.links(),
        )  # fmt: skip

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def trigger(self, request: models.HandOver, _caller: Any) -> models.Decided:
        """Another admin, although this one is well. Without any, this voter stands at once."""
        control = self._control
        if control.consensus is not None and not control.admin_reachable() and control.consensus.core.votes:
            await control.consensus.campaign("manual")
            return models.Decided(index=control.commit, note="No admin is heard: this peer stands for it now")
        index = await self._request(entries.HAND_OVER, {"reason": request.reason})
        return models.Decided(index=index, note=f"{control.name(control.admin)} hands over to another voter")

    async def step_down(self, request: models.HandOver, caller: Any) -> models.Decided:
        """The same, asked of the admin itself."""
        control = self._control
        if not control.is_admin:
            who = control.name(control.admin) if control.admin else "nobody"
            raise Problem(
                409, "not_admin", "This peer is not the admin", f"{who} is. 'election trigger' asks it to hand over"
            )
        return await self.trigger(request, caller)

    async def grant(self, request: models.GrantMember, _caller: Any) -> models.Decided:
        """Change a member's authority, role, expertise."""
        data: dict[str, Any] = {"peer_id": find_member(self._control, request.member)}
        data |= {k: v for k, v in request.model_dump(exclude={"member"}).items() if v is not None}
        if len(data) == 1:
            raise invalid({"authority": "name what to grant: authority, role or expertise"})
        return models.Decided(index=await self._request(entries.MEMBER_CHANGED, data))

    async def remove(self, request: models.RemoveMember, _caller: Any) -> models.Decided:
        """Out of the mesh; a voter leaves the voters first."""
        return models.Decided(
            index=await self._request(entries.MEMBER_RETIRED, {"peer_id": find_member(self._control, request.member)})
        )

    async def merge(self, request: models.MergeMesh, _caller: Any) -> models.Decided:
        """This side's word that two meshes become one."""
        try:
            mesh_id = self._control.merging.find(request.mesh)
            index, note = await self._control.merging.merge(mesh_id)
        except Refused as error:
            raise Problem(409, "refused", "The meshes do not merge now", str(error)) from error
        except (NotAdmin, NoMesh) as error:
            raise Problem(503, "no_admin", "No admin can decide this now", str(error)) from error
        return models.Decided(index=index, note=note)

    async def refound(self, request: models.Refound, _caller: Any) -> models.Refounded:
        """Give the present mesh up and found it anew."""
        control = self._control
        if control.mesh_id is None or len(request.confirm) < CONFIRM or not control.mesh_id.startswith(request.confirm):
            raise invalid(
                {
                    "confirm": f"repeat the first {CONFIRM} digits or more of the mesh id that is given up: {control.mesh_id}"
                }
            )
        old = control.mesh_id
        try:
            return models.Refounded(old=old, mesh_id=await control.merging.refound())
        except Refused as error:
            raise Problem(409, "refused", "The mesh is not founded anew", str(error)) from error

    async def _request(self, type_: str, data: dict[str, Any]) -> int:
        return await ask_admin(self._control, type_, data)
