"""A reference BACKBEAT service: gives beats when it is told to, keeps every claim and bar report that comes."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.http_service import Service, serving


@dataclass
class BeatServer:
    """``beating``: gives beats, counted from ``first``, ``tempo_bpm`` a minute, ``bar`` beats a bar. ``broken``: refuses everything."""

    cluster: str = "chorus"
    beating: bool = False
    broken: bool = False
    first: int = 1000
    tempo_bpm: float = 300.0
    bar: int = 10
    began: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    bars: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def beat(self, first: int) -> None:
        """Begin to give beats."""
        self.first, self.began, self.beating = first, time.monotonic(), True

    def frame(self) -> dict[str, Any]:
        """The present beat."""
        index = self.first + int((time.monotonic() - self.began) * self.tempo_bpm / 60)
        deadline = datetime.now(UTC) + timedelta(seconds=60 / self.tempo_bpm)
        return {
            "type": "backbeat.beatframe.v1", "cluster_id": self.cluster, "beat_index": index, "downbeat": index % self.bar == 0,
            "phase": "execute", "hlc": "0000:0000:0000", "deadline_at": deadline.isoformat(), "tempo_bpm": self.tempo_bpm,
            "window_id": f"{index // self.bar:032x}",
        }  # fmt: skip


@contextlib.contextmanager
def beat_server() -> Iterator[BeatServer]:
    """A service on a port of its own, gone with the block."""
    state = BeatServer()

    class Handler(Service):
        def get(self) -> None:
            found = state.frame() if state.beating else {}
            self.answer(200 if state.beating and not state.broken else 503, json.dumps(found).encode())

        def post(self) -> None:
            body = json.loads(self.body())
            if not state.broken:
                (state.bars if self.path == "/v1/bars" else state.claims).append(body)
            self.answer(503 if state.broken else 202, b"{}")

    with serving(Handler) as state.port:
        yield state
