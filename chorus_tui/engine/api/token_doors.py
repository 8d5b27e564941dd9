"""The operations on tokens: make, list, revoke."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from chorus_tui.contract.models import tokens as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.api.tokens import Token, Tokens
from chorus_tui.engine.decisions.deadline import deadline_ms
from chorus_tui.engine.tasks import reach


class TokenDoors:
    """Of one engine; ``now`` gives Unix seconds."""

    def __init__(self, tokens: Tokens, now: Callable[[], float]) -> None:
        self._tokens = tokens
        self._now = now

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation."""
        return {"tokens.new": self.new, "tokens.list": self.list_, "tokens.revoke": self.revoke}

    async def new(self, request: models.NewToken, caller: Any) -> models.TokenMade:
        """The only answer that ever carries a token."""
        expires_at = self._moment(request.expires) if request.expires else None
        scope = Scope[request.scope.upper()]
        folder = await trio.to_thread.run_sync(reach.folder, request.folder, caller)
        token, secret = await trio.to_thread.run_sync(
            self._tokens.issue, scope, request.name, expires_at, request.person, folder
        )
        return models.TokenMade(**self._row(token, None).model_dump(), token=secret)

    async def list_(self, _request: Empty, _caller: Any) -> models.TokenList:
        """Without secrets."""
        return models.TokenList(tokens=[self._row(token, used) for token, used in self._tokens.all()])

    async def revoke(self, request: models.RevokeToken, _caller: Any) -> models.TokenRow:
        """The token as it was."""
        return self._row(await trio.to_thread.run_sync(self._tokens.revoke, request.token_id), None)

    def _moment(self, text: str) -> float:
        try:
            return deadline_ms(text, self._now()) / 1000
        except ValueError as error:
            raise invalid({"expires": str(error).replace("the deadline", "it")}) from None

    def _row(self, token: Token, used: float | None) -> models.TokenRow:
        return models.TokenRow.model_validate(
            {
                "token_id": token.token_id, "scope": token.scope.name.lower(), "name": token.name, "created_at": token.created_at,
                "expires_at": token.expires_at, "last_used_at": used, "expired": token.expired(self._now()), "person": token.person,
                "folder": token.folder,
            }
        )  # fmt: skip
