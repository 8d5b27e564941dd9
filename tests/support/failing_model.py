"""A provider of models that can be there, be away, or fail every question: real HTTP in Ollama's words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.http_service import Service, serving

MODEL = "failing"


@dataclass
class FailingModel:
    """``mode``: good (it is there; nobody should ask it), away (status 503 for all), failing (there, and 500 for each question)."""

    mode: str = "good"
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Of an engine that asks it."""
        return {
            "CHORUS_AI_PROVIDER": "ollama", "OLLAMA_ENDPOINT": f"http://127.0.0.1:{self.port}", "OLLAMA_MODEL": MODEL,
        }  # fmt: skip


@contextlib.contextmanager
def failing_model() -> Iterator[FailingModel]:
    """A server on a port of its own, gone with the block."""
    state = FailingModel()

    class Handler(Service):
        def get(self) -> None:
            self.answer(
                503 if state.mode == "away" else 200, json.dumps({"models": [{"name": MODEL, "model": MODEL}]}).encode()
            )

        def post(self) -> None:
            self.body()
            self.answer(503 if state.mode == "away" else 500, b"{}")

    with serving(Handler) as state.port:
        yield state
