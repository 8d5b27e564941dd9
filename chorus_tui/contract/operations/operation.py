"""What an operation is, and the scopes that callers have.

Standard library only: models are named here as ``"module.Class"`` under :mod:`chorus_tui.contract.models` and loaded when an
operation is used.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydantic import BaseModel


class Scope(IntEnum):
    """What a caller may do; each scope includes the ones below it."""

    READ = 1
    OPERATE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a caller can ask of an engine.

    ``path`` may hold ``{field}`` parts, filled from fields of the request; the remaining fields travel in the query
    (GET) or as a JSON body (POST).
    """

    name: str
    verb: Literal["GET", "POST"]
    path: str
    request: str
    response: str
    scope: Scope
    help: str
    body: int = 1 << 20
    """Bytes that the body of a request has at most."""

    def request_model(self) -> type[BaseModel]:
        """The class that validates a request."""
        return _load(self.request)

    def response_model(self) -> type[BaseModel]:
        """The class that an answer is an instance of."""
        return _load(self.response)


def _load(name: str) -> type[BaseModel]:
    module, _, attribute = name.rpartition(".")
    model: type[BaseModel] = getattr(importlib.import_module(f"chorus_tui.contract.models.{module}"), attribute)
    return model
