"""What every operation needs that asks the admin: whom it means, and a request whose refusal a caller understands."""

from __future__ import annotations

from typing import Any

from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.control.interface import Control, NoMesh, NotAdmin, Refused


def find_member(control: Control, name: str) -> str:
    """The peer id of the one member with this id or name. Raises 422 naming those there are."""
    members = control.members
    found = [m.peer_id for m in members.values() if name in (m.peer_id, m.agent_id, control.name(m.peer_id))]
    if len(found) != 1:
        known = ", ".join(sorted(control.name(peer_id) for peer_id in members)) or "none yet"
        what = "names several members; use the peer id" if found else f"is no member; members: {known}"
        raise invalid({"member": f"{name} {what}"})
    return found[0]


async def ask_admin(control: Control, type_: str, data: dict[str, Any]) -> int:
    """A request, its refusals as a caller sees them; the entry's index."""
    try:
        return await control.request(type_, data)
    except Refused as error:
        raise Problem(403, "refused", "The admin does not decide this", str(error)) from error
    except (NotAdmin, NoMesh) as error:
        raise Problem(503, "no_admin", "No admin can decide this now", str(error)) from error
