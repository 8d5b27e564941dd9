"""The real small model as a fixture: one process for all tests, started when the first asks for it, killed by its pid."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.model_server import MODEL

START_S = 120.0


@dataclass(frozen=True, slots=True)
class SmallModel:
    """Where it answers. ``openai`` ends with its version."""

    ollama: str
    openai: str
    pid: int
    model: str = MODEL

    def environment(self, wire: str) -> dict[str, str]:
        """The variables of an engine that asks it."""
        if wire == "ollama":
            return {"CHORUS_AI_PROVIDER": "ollama", "OLLAMA_ENDPOINT": self.ollama, "OLLAMA_MODEL": self.model}
        return {"CHORUS_AI_PROVIDER": "resetdata", "RESETDATA_BASE_URL": self.openai, "RESETDATA_MODEL": self.model}


@pytest.fixture(scope="session")
def small_model() -> Iterator[SmallModel]:
    """Running; the same for every test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.model_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        line = process.stdout.readline()
        assert line, f"The model's process ended with {process.wait(START_S)}; is scripts/setup.sh test done?"
        yield SmallModel(**json.loads(line))
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
