"""A reference licence server: real HTTP, real signatures, and every way in which one can fail.

It keeps who holds a seat of which licence, as docs/licensing.md describes it. ``mode`` sets how it behaves; it can be changed
while engines run.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from chorus_tui.engine.protocol import canonical
from tests.support.http_service import Service, serving


def signed(key: SigningKey, payload: dict[str, Any]) -> str:
    """A statement in the compact form."""
    text = f"kaching1.{base64.urlsafe_b64encode(canonical.encode(payload)).decode().rstrip('=')}"
    return f"{text}.{base64.urlsafe_b64encode(key.sign(text.encode()).signature).decode().rstrip('=')}"


@dataclass
class Licence:
    """One that the server knows."""

    cluster: str = "prod"
    expires_in_s: float = 86_400.0 * 30
    nodes: int = 3
    state: str = "good"
    features: tuple[str, ...] = ("mesh",)


@dataclass
class Kaching:
    """The server's state. ``mode``: good, slow (``slow_s`` per answer), forged (another key), unsigned, broken (status 500),
    huge, replay (the first answer again), nonsense."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    licences: dict[str, Licence] = field(default_factory=lambda: {"prod-123": Licence()})
    mode: str = "good"
    lease_s: float = 3600.0
    slow_s: float = 5.0
    clock_off_s: float = 0.0
    """How far the server's clock is from this machine's."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seats: dict[str, set[str]] = field(default_factory=dict)
    first: str = ""
    port: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What an engine of the cluster ``prod`` is started with."""
        return {
            "CHORUS_LICENSE_ID": "prod-123", "CHORUS_CLUSTER_ID": "prod", "CHORUS_KACHING_URL": f"http://127.0.0.1:{self.port}",
            "CHORUS_KACHING_PUBLIC_KEY": bytes(self.key.verify_key).hex(), "CHORUS_KACHING_TIMEOUT_S": "1",
        }  # fmt: skip

    def count(self, question: str) -> int:
        """How often it was asked."""
        return sum(one == question for one, _ in self.asked)

    def answer(self, question: str, body: dict[str, Any]) -> tuple[int, str]:
        """Status and statement."""
        licence, now = self.licences.get(body["license_id"]), int(time.time() + self.clock_off_s)
        common = {
            "license": hashlib.sha256(body["license_id"].encode()).hexdigest(), "cluster": body["cluster_id"],
            "node": body["node_id"], "nonce": body["nonce"], "issued_at": now,
        }  # fmt: skip
        key = SigningKey.generate() if self.mode == "forged" else self.key
        reason = self._reason(licence, body, question)
        if licence is None or reason:
            return 403, signed(key, {**common, "kind": "refusal", "reason": reason or "unknown"})
        expires = int(now + licence.expires_in_s)
        lease = {
            "kind": "lease", "lease_until": min(expires, int(now + max(2, self.lease_s))), "expires_at": expires,
            "node_limit": licence.nodes, "features": list(licence.features),
        }  # fmt: skip
        return 200, signed(key, {**common, **lease})

    def _reason(self, licence: Licence | None, body: dict[str, Any], question: str) -> str:
        if licence is None:
            return "unknown"
        if licence.state != "good":
            return licence.state
        if licence.expires_in_s <= 0:
            return "expired"
        if licence.cluster != body["cluster_id"]:
            return "wrong_cluster"
        seats = self.seats.setdefault(body["license_id"], set())
        if question == "release":
            seats.discard(body["node_id"])
            return ""
        if body["node_id"] not in seats and len(seats) >= licence.nodes:
            return "node_limit"
        seats.add(body["node_id"])
        return ""


def _handler(state: Kaching) -> type[Service]:
    class Handler(Service):
        def post(self) -> None:
            body = json.loads(self.body())
            question = self.path.rpartition("/")[2]
            state.asked.append((question, body))
            status, token = state.answer(question, body)
            state.first = state.first or token
            if state.mode == "slow":
                time.sleep(state.slow_s)
            answers = {
                "broken": (500, b"{}"), "huge": (200, b"x" * 200_000), "nonsense": (200, b"<html>"),
                "unsigned": (403, b'{"error": "revoked"}'), "replay": (200, json.dumps({"token": state.first}).encode()),
            }  # fmt: skip
            self.answer(*answers.get(state.mode, (status, json.dumps({"token": token}).encode())))

    return Handler


@contextlib.contextmanager
def kaching(**given: Any) -> Iterator[Kaching]:
    """A server on a port of its own, gone with the block."""
    state = Kaching(**given)
    with serving(_handler(state)) as state.port:
        yield state
