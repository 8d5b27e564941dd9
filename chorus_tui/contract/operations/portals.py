"""The portal as it is served to others, over SSH and in a browser."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _A = Scope.READ, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "web.show", "GET", "/api/v1/portals", "common.Empty", "portals.PortalList", _R,
        "What is served, where, and who is connected",
    ),
    Operation(
        "web.start", "POST", "/api/v1/portals/start", "portals.StartPortal", "portals.ServedPortal", _A,
        "Serve the portal to browsers, or over SSH",
    ),
    Operation(
        "web.stop", "POST", "/api/v1/portals/stop", "portals.PortalRef", "portals.PortalList", _A,
        "Stop serving it; whoever is connected is told",
    ),
    Operation(
        "web.invite", "POST", "/api/v1/portals/invite", "portals.InvitePerson", "portals.PortalUrl", _A,
        "A one-time URL of the portal for browsers",
    ),
)  # fmt: skip
