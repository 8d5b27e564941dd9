"""Answering streams: the gate is asked first, one peer holds a bounded number, a failing handler costs its stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
import trio

from chorus_tui.engine.mesh.conduct import Conduct
from chorus_tui.engine.mesh.hardening.streams import quiet_reset
from chorus_tui.engine.mesh.interface import FrameTooLarge, Gate, MeshError, StreamHandler
from chorus_tui.engine.mesh.limits import STREAMS_PER_PEER
from chorus_tui.engine.mesh.streams import Libp2pStream
from chorus_tui.engine.protocol.canonical import WireError

log = structlog.get_logger(__name__)


STREAM_FAULTS: Final = {"cut": "cut short", "bad_frame": "odd stream", "wrong_mesh": "odd stream"}
"""What a stream that made no sense is counted as, by the reason of its error: a peer that ended early is no offender, and one
of another version may say what this one does not know. All else is a bad stream."""


class Serving:
    """The protocols served here."""

    def __init__(self, conduct: Conduct) -> None:
        self.gate: Gate = lambda _peer, _protocol: True
        self.nursery: trio.Nursery | None = None
        self._conduct = conduct
        self._gated: dict[str, StreamHandler] = {}
        self._open: dict[str, StreamHandler] = {}
        self._held: Counter[str] = Counter()

    def add(self, protocol: str, handler: StreamHandler) -> None:
        """Serve a protocol to whom the gate lets through."""
        self._gated[protocol] = handler

    def add_open(self, protocol: str, handler: StreamHandler) -> None:
        """Serve a protocol of the mesh itself to every peer with the network key."""
        self._open[protocol] = handler

    def handlers(self) -> dict[str, Callable[[Any], Awaitable[None]]]:
        """What the library is given."""
        return {protocol: self._handler(protocol) for protocol in (*self._gated, *self._open)}

    def _handler(self, protocol: str) -> Callable[[Any], Awaitable[None]]:
        async def answer(stream: Any) -> None:
            await self._answer(protocol, stream)

        return answer

    def guarded(self, protocol: str, handler: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        """A handler of the library's own, behind the same gate and bounds. It closes its streams itself."""

        async def answer(raw: Any) -> None:
            peer_id = str(raw.muxed_conn.peer_id)
            refusal = self._refusal(peer_id, protocol, gated=True)
            if refusal is not None:
                self._conduct.refused(peer_id, refusal)
                await quiet_reset(raw)
                return
            with self._holding(peer_id):
                await handler(raw)

        return answer

    @contextmanager
    def _holding(self, peer_id: str) -> Iterator[None]:
        self._held[peer_id] += 1
        try:
            yield
        finally:
            self._held[peer_id] -= 1
            if not self._held[peer_id]:
                del self._held[peer_id]

    async def _answer(self, protocol: str, raw: Any) -> None:
        peer_id = str(raw.muxed_conn.peer_id)
        refusal = self._refusal(peer_id, protocol)
        if refusal is not None or self.nursery is None:
            self._conduct.refused(peer_id, refusal or "not running")
            await quiet_reset(raw)
            return
        stream = Libp2pStream(raw, self.nursery)
        try:
            with self._holding(peer_id):
                await self._handle(protocol, peer_id, stream)
        finally:
            await stream.close()

    async def _handle(self, protocol: str, peer_id: str, stream: Libp2pStream) -> None:
        try:
            await (self._gated.get(protocol) or self._open[protocol])(stream)
        except MeshError as error:
            if isinstance(error, FrameTooLarge):
                self._conduct.refused(peer_id, "oversize frame")
            log.debug("stream ended", peer=peer_id, protocol=protocol, reason=str(error))
            await stream.reset()
        except WireError as error:
            self._conduct.refused(peer_id, STREAM_FAULTS.get(error.reason, "bad stream"))
            log.debug("stream made no sense", peer=peer_id, protocol=protocol, reason=str(error))
            await stream.reset()
        except trio.TooSlowError:
            # A peer that sleeps or is cut off in the middle of a stream is no fault of it, nor of the handler.
            log.debug("stream ended", peer=peer_id, protocol=protocol, reason="the peer fell silent")
            await stream.reset()
        except Exception:
            log.exception("stream handler failed", peer=peer_id, protocol=protocol)
            self._conduct.refused(peer_id, "handler failed")
            await stream.reset()

    def lets_in(self, peer_id: str, protocol: str) -> bool:
        """What the gate says."""
        return self.gate(peer_id, protocol)

    def _refusal(self, peer_id: str, protocol: str, *, gated: bool = False) -> str | None:
        if self._conduct.banned(peer_id):
            return "banned"
        if self._held[peer_id] >= STREAMS_PER_PEER:
            return "too many streams"
        if (gated or protocol in self._gated) and not self.gate(peer_id, protocol):
            return "gate"
        return None
