"""Secrets: what is taken for one, what was found, files that are held."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
    Operation("shhh.audit", "GET", "/api/v1/shhh/audit", "shhh.ReadAudit", "shhh.Audit", _R, "Secrets that were found here, without them"),
    Operation("shhh.rules", "GET", "/api/v1/shhh/rules", "common.Empty", "shhh.RuleTable", _R, "What is taken for a secret"),
    Operation("shhh.stats", "GET", "/api/v1/shhh/stats", "common.Empty", "shhh.ShhhStats", _R, "How much was found, by rule and door"),
    Operation(
        "shhh.scan", "POST", "/api/v1/shhh/scan", "shhh.ScanFile", "shhh.Scanned", _O,
        "Look for secrets in a file, also in archives; it is not kept", body=24 << 20,
    ),
    Operation(
        "shhh.replay", "POST", "/api/v1/shhh/replay", "common.Empty", "shhh.Replayed", _O,
        "Read the rules anew, and look with them at everything stored here",
    ),
    Operation("shhh.held", "GET", "/api/v1/shhh/held", "common.Empty", "shhh.HeldFiles", _R, "Files held for what is in them"),
    Operation(
        "shhh.release", "POST", "/api/v1/shhh/held/{digest}/release", "shhh.ReleaseFile", "shhh.HeldFile", _O,
        "Let a held file go to others",
    ),
)  # fmt: skip
