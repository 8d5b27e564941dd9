"""The engine itself: greeting, status, stopping, and the tokens of its API."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _A = Scope.READ, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation("engine.hello", "GET", "/api/v1/hello", "common.Empty", "status.Hello", _R, "Greet: who answers, which contract"),
    Operation(
        "engine.log", "GET", "/api/v1/engine/log", "operate.TailLog", "operate.LogTail", _A,
        "The newest lines of the engine's own log",
    ),
    Operation("engine.stop", "POST", "/api/v1/engine/stop", "status.StopEngine", "common.Empty", _A, "Drain, hand over and stop"),
    Operation(
        "status.show", "GET", "/api/v1/status", "common.Empty", "status.Status", _R,
        "Me, the mesh, its admin, tasks by state, health",
    ),
    Operation(
        "tokens.list", "GET", "/api/v1/tokens", "common.Paged", "tokens.TokenList", _A,
        "Tokens of this API: scope, name, expiry, last use",
    ),
    Operation(
        "tokens.new", "POST", "/api/v1/tokens", "tokens.NewToken", "tokens.TokenMade", _A,
        "Make a token; its secret is told this once",
    ),
    Operation(
        "tokens.revoke", "POST", "/api/v1/tokens/revoke", "tokens.RevokeToken", "tokens.TokenRow", _A,
        "Void a token at once, streams that are open included",
    ),
)  # fmt: skip
