"""What a licence server says, signed: a lease, or a refusal. Pure.

The compact form is ``kaching1.<payload>.<signature>``, both parts base64url without padding. The payload is canonical JSON;
the signature (Ed25519) covers the ASCII text before its dot, so the bytes that are checked are the bytes that came. A
refusal is signed as a lease is: without the server's key nobody can let an engine start, and nobody can end one.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any, Final, Literal

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

PREFIX: Final = "kaching1"
LONGEST: Final = 8 * 1024
NONCE_BYTES: Final = 16

Reason = Literal["unknown", "expired", "revoked", "suspended", "wrong_cluster", "node_limit"]


class NotSigned(Exception):
    """Not a statement of the licence server. The text says why, for people."""


class _Statement(BaseModel):
    """What both have. Times are Unix seconds by the server's clock."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    license: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the licence's id, hex")
    cluster: str = Field(min_length=1, max_length=64)
    node: str = Field(min_length=1, max_length=64, description="Peer id of the engine that asked")
    nonce: str = Field(pattern="^[0-9a-f]{32}$", description="Of the question that is answered")
    issued_at: int = Field(ge=0, le=canonical.MAX_INTEGER)


class Lease(_Statement):
    """This node may run. The lease is to be renewed; the licence itself ends at ``expires_at``."""

    kind: Literal["lease"]
    lease_until: int = Field(ge=0, le=canonical.MAX_INTEGER)
    expires_at: int = Field(ge=0, le=canonical.MAX_INTEGER)
    node_limit: int = Field(ge=1, le=1_000_000)
    features: tuple[Annotated[str, Field(max_length=64)], ...] = Field(default=(), max_length=64)


class Refusal(_Statement):
    """This node may not run."""

    kind: Literal["refusal"]
    reason: Reason


_STATEMENTS: TypeAdapter[Lease | Refusal] = TypeAdapter(Annotated[Lease | Refusal, Field(discriminator="kind")])


def read(text: Any, key: bytes) -> Lease | Refusal:
    """Check form and signature by the server's public key (32 bytes). Raises :class:`NotSigned`."""
    parts = text.split(".") if isinstance(text, str) and len(text) <= LONGEST and text.isascii() else []
    if len(parts) != 3 or parts[0] != PREFIX:
        raise NotSigned("it is not in the form of a licence server's statement")
    try:
        VerifyKey(key).verify(f"{PREFIX}.{parts[1]}".encode(), _bytes(parts[2]))
    except (BadSignatureError, ValueError):
        raise NotSigned("it is not signed with the key that CHORUS_KACHING_PUBLIC_KEY names") from None
    try:
        found = _STATEMENTS.validate_python(canonical.decode(_bytes(parts[1])))
    except (WireError, ValidationError, ValueError):
        raise NotSigned("it is signed, but its fields are not those of a statement") from None
    if isinstance(found, Lease) and not found.issued_at < found.lease_until <= found.expires_at:
        raise NotSigned("it is signed, but its times contradict each other")
    return found


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ValueError("no base64url") from error
