"""What watches an engine from outside: liveness, readiness, health, start-up, metrics. No token, no side effect."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from chorus_tui.engine.api.bridge import Bridge

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Probes:
    """Asked in the engine's own loop, so that an answer proves that the loop lives. None of them may block.

    ``ready`` gives the reasons against, empty when ready. ``health`` is JSON-ready, its ``status`` one of healthy,
    degraded, failing. ``metrics`` is the Prometheus text.
    """

    started: Callable[[], bool]
    ready: Callable[[], list[str]]
    health: Callable[[], dict[str, Any]]
    metrics: Callable[[], bytes]


def add_probes(app: web.Application, probes: Probes, bridge: Bridge) -> None:
    """Add ``/healthz``, ``/startupz``, ``/ready``, ``/health`` (also as ``/api/health``) and ``/metrics``."""

    async def alive(_: web.Request) -> web.Response:
        await bridge.call(_in_trio(lambda: None))
        return _json({"status": "alive"})

    async def started(_: web.Request) -> web.Response:
        done = await bridge.call(_in_trio(probes.started))
        return _json({"status": "started" if done else "starting"}, ok=done)

    async def ready(_: web.Request) -> web.Response:
        reasons = await bridge.call(_in_trio(probes.ready))
        return _json({"status": "not ready" if reasons else "ready", "reasons": reasons}, ok=not reasons)

    async def health(_: web.Request) -> web.Response:
        report = await bridge.call(_in_trio(probes.health))
        return _json(report, ok=report.get("status") != "failing")

    async def metrics(_: web.Request) -> web.Response:
        body = await bridge.call(_in_trio(probes.metrics))
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    for path, handler in {
        "/healthz": alive,
        "/startupz": started,
        "/ready": ready,
        "/health": health,
        "/api/health": health,
        "/metrics": metrics,
    }.items():
        app.router.add_get(path, handler)


PATHS = frozenset({"/healthz", "/startupz", "/ready", "/health", "/api/health", "/metrics"})


def _in_trio(fn: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    async def asked() -> T:
        return fn()

    return asked


def _json(body: dict[str, Any], *, ok: bool = True) -> web.Response:
    return web.Response(
        status=200 if ok else 503,
        body=json.dumps(body).encode(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
