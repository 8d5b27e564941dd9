"""``/chorus/request/1.0.0``: a member asks the admin to decide something on its behalf.

One question, one answer. The request is signed and travels in the entry (:mod:`requests`); the answer names the entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from chorus_tui.engine.control import join, requests
from chorus_tui.engine.control.interface import NoMesh, NotAdmin, Refused
from chorus_tui.engine.mesh.interface import Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.requests")

PROTOCOL = "/chorus/request/1.0.0"
Check = Callable[[str, dict[str, Any]], str | None]


class Wishes:
    """Asks and answers."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._checks: dict[str, Check] = {}
        self.redact: Callable[[dict[str, Any]], dict[str, Any]] = dict
        """Takes out of a request what must not be signed and kept; set by whoever builds the engine."""
        control.mesh.serve(PROTOCOL, self._serve)

    def on_request(self, type_: str, check: Check) -> None:
        """What the admin checks besides the rule: ``(peer id, data)`` → why not, or None."""
        self._checks[type_] = check

    async def request(self, type_: str, data: dict[str, Any]) -> int:
        """See :meth:`Control.request`."""
        control = self._control
        if control.mesh_id is None:
            raise NoMesh(control.detail)
        made = requests.make(control.me, control.mesh_id, type_, self.redact(data), control.hlc())
        if control.is_admin:
            return await self._act(made, control.me.peer_id)
        if control.admin is None or not control.admin_reachable():
            raise NotAdmin(control.detail or "No admin is heard, and only an admin decides; try again later")
        answer = await join.ask(control.mesh, control.admin, {"kind": "request", "request": made}, PROTOCOL)
        if answer is None:
            raise NotAdmin(
                f"The admin {control.name(control.admin)} did not answer; whether it decided shows in the log"
            )
        if answer["kind"] == "refused":
            raise Refused(str(answer.get("why", "")))
        if answer["kind"] != "decided" or type(answer.get("index")) is not int:
            raise NotAdmin(str(answer.get("why", "The peer that was asked is not the admin any more; try again")))
        return int(answer["index"])

    async def _act(self, made: Any, sender: str) -> int:
        """Only who signed a request may bring it: an old one is not repeated by somebody else."""
        control = self._control
        if control.log is None:
            raise NoMesh(control.detail)
        request = requests.read(made, control.log.mesh_id)
        if request.peer_id != sender:
            raise Refused("only the member that signed a request may bring it")
        check = self._checks.get(request.type)
        why = requests.refusal(request, control.log.roster) or (check(request.peer_id, request.data) if check else None)
        if why is not None:
            raise Refused(why)
        try:
            return (await control.propose(request.type, request.data, request=dict(made))).index
        except WireError as error:  # allowed by what is decided, not by what stands before it and is about to be
            raise Refused(str(error)) from error

    async def _serve(self, stream: Stream) -> None:
        frame = await join.receive(stream)
        if frame["kind"] != "request":
            raise WireError("bad_frame", "Unknown kind of frame")
        try:
            answer: dict[str, Any] = {"kind": "decided", "index": await self._act(frame.get("request"), stream.peer_id)}
        except Refused as error:
            answer = {"kind": "refused", "why": str(error)}
        except (NoMesh, NotAdmin) as error:
            answer = {"kind": "not_admin", "why": str(error)}
        await stream.send(canonical.encode(answer))
        await stream.finish()
