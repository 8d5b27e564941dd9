"""A reference WHOOSH: one address, one document, and the ways in which it can be wrong."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.http_service import Service, serving


@dataclass
class WhooshServer:
    """``document`` is what it answers: an object, or bytes as they are. ``slow_s`` is waited before."""

    document: dict[str, Any] | bytes = field(default_factory=dict)
    status: int = 200
    slow_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    asked_at: float = 0.0
    """When it was asked last, monotonic."""
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def whoosh(port: int = 0) -> Iterator[WhooshServer]:
    """A server on a port of its own, or on one that another has left; gone with the block."""
    state = WhooshServer()

    class Handler(Service):
        def get(self) -> None:
            state.asked.append(self.path)
            state.asked_at = time.monotonic()
            time.sleep(state.slow_s)
            document = state.document
            self.answer(state.status, document if isinstance(document, bytes) else json.dumps(document).encode())

    with serving(Handler, port) as state.port:
        yield state
