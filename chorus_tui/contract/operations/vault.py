"""Role keys."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _A = Scope.READ, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation("vault.roles", "GET", "/api/v1/vault", "common.Empty", "vault.Roles", _R, "Keyrings: versions, who holds them, who waits"),
    Operation(
        "vault.status", "GET", "/api/v1/vault/status", "common.Empty", "vault.VaultStatus", _R,
        "Keys held here, and what gives them back",
    ),
    Operation(
        "vault.grant", "POST", "/api/v1/vault/grant", "vault.GrantKeys", "vault.Granted", _A,
        "Grant a member an authority or a role, and wait for its keys to arrive",
    ),
    Operation("vault.rotate", "POST", "/api/v1/vault/rotate", "vault.RotateKeyring", "vault.Rotated", _A, "A new key for new content"),
    Operation(
        "vault.split", "POST", "/api/v1/vault/split", "vault.SplitMaster", "vault.WordLists", _A,
        "The master key as five word lists, of which three give it back",
    ),
    Operation(
        "vault.rehearse", "POST", "/api/v1/vault/rehearse", "vault.GiveWords", "vault.RehearsedAnswer", _A,
        "Show that three word lists give the master key back",
    ),
    Operation(
        "vault.recover", "POST", "/api/v1/vault/recover", "vault.GiveWords", "vault.Recovered", _A,
        "Have the master key back from three word lists",
    ),
    Operation(
        "vault.shares", "POST", "/api/v1/vault/shares", "common.Empty", "vault.CareList", _A,
        "The word lists that are in this peer's care",
    ),
)  # fmt: skip
