"""Tokens of the API: who else may ask this engine, how much, and for how long."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Request

ScopeName = Literal["read", "operate", "admin"]


class NewToken(Request):
    """A token that may do what ``scope`` allows, until it expires or is revoked."""

    scope: ScopeName
    name: str = Field(default="", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", description="Who or what it is for")
    person: str = Field(
        default="", max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Who acts with it; that name is in what is done. Empty: whoever holds it",
    )  # fmt: skip
    folder: str = Field(
        default="", max_length=1024, pattern=r"^(/[^\x00-\x1f\x7f]*)?$",
        description="Folder of the engine's machine whose repositories it may name; given by who owns the engine. Empty: none",
    )  # fmt: skip
    expires: str = Field(
        default="", max_length=64, description="From now (90s, 10m, 2h, 30d), or RFC 3339; empty: it does not expire"
    )


class TokenRow(Answer):
    """One token, without its secret. Times are Unix seconds."""

    token_id: str
    scope: ScopeName
    name: str = ""
    created_at: float | None = Field(default=None, description="None of those made with the data folder")
    expires_at: float | None = None
    last_used_at: float | None = Field(default=None, description="None: never")
    expired: bool = False
    person: str = Field(default="", description="Who acts with it; empty: whoever holds it")
    folder: str = Field(
        default="", description="Folder of the engine's machine whose repositories it may name; empty: none"
    )


class TokenMade(TokenRow):
    """A new token; its secret is told this once and kept nowhere."""

    token: str


class TokenList(Page):
    """Those made with the data folder first, then the oldest."""

    tokens: list[TokenRow]


class RevokeToken(Request):
    """Revoke a token, named by its id or the beginning of it. It opens nothing any more, streams that are open included."""

    token_id: str = Field(pattern=r"^[0-9a-f]{4,12}$")
