"""Who should be linked, and whether links live: dialling, pinging, dropping, dialling again.

Rules: a bootstrap peer is tried for ever; known peers are dialled while fewer than twelve links stand, so that twelve
peers or fewer all know each other directly. Who has waited longest is dialled first, and none for longer than a bound, so that
nobody who is gone or made up keeps others waiting. A silent link is suspect after one lost ping, cut after two, and only then
dialled anew: to the library a dead connection is as good as a live one. A peer that is heard is not asked whether it
lives. Of two peers that find each other at the same moment the one with the larger id waits a little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
import trio

from chorus_tui.engine.bell import together
from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.mesh.address_book import AddressBook
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.interface import Link, Unreachable

log = structlog.get_logger(__name__)

ENOUGH_LINKS: Final = 12
DIAL_S: Final = 5.0
ATTEMPT_S: Final = 10.0
"""After so long no further address of a peer is tried; the next attempt goes on with it."""
MAX_DIALS: Final = 8
"""Attempts under way at once."""
STALE_FAILURES: Final = 50
"""Failures (about a quarter of an hour) after which a peer known from the book is tried every five minutes only."""
MAX_TARGETS: Final = 1024
"""Peers that may be dialled; of more, those go that neither the book nor a link knows and that failed most."""
MAX_HEARD: Final = 8
"""Addresses remembered for a peer that discovery or a dial brought."""
MEASURED_S: Final = 9.0
"""A link is pinged that often though its peer is heard all the time: how long a message takes is to be known, and who answers closes
the stream of pings after ten silent seconds."""

Dial = Callable[[str, float], Awaitable[str]]
Ping = Callable[[str], Awaitable[float | None]]


@dataclass(slots=True)
class Target:
    """Somebody to dial: a bootstrap address, or a peer."""

    bootstrap: str | None = None
    peer_id: str | None = None
    heard: list[str] = field(default_factory=list)
    failures: int = 0
    due: float = 0.0
    first: int = 0
    """Which of its addresses is tried first."""
    busy: bool = False
    problem: str | None = None


class Keeper:
    """Dials and watches.

    ``links``: the live table of the mesh. ``dial`` connects; ``ping`` gives seconds, or None when nothing came; ``heard_at`` when a
    peer was last heard, by trio's clock; ``drop`` cuts a link.
    """

    def __init__(
        self,
        config: MeshConfig,
        own_id: str,
        book: AddressBook,
        links: dict[str, Link],
        entropy: Entropy,
        *,
        dial: Dial,
        ping: Ping,
        heard_at: Callable[[str], float],
        drop: Callable[[str], Awaitable[None]],
    ) -> None:
        self._config = config
        self._own_id = own_id
        self._book = book
        self._links = links
        self._entropy = entropy
        self._dial = dial
        self._ping = ping
        self._heard_at = heard_at
        self._drop = drop
        self._bootstrap = [_bootstrap_target(address) for address in dict.fromkeys(config.bootstrap)]
        self._peers: dict[str, Target] = {}
        self._forgotten: set[str] = set()
        self._wake = trio.Event()

    def problems(self) -> list[str]:
        """Bootstrap peers that cannot be reached, in words."""
        return [target.problem for target in self._bootstrap if target.problem]

    def set_bootstrap(self, addresses: list[str]) -> None:
        """Other bootstrap peers from now on; those that stay keep how they fared, links that stand stay up."""
        known = {target.bootstrap: target for target in self._bootstrap}
        self._bootstrap = [known.get(address) or _bootstrap_target(address) for address in dict.fromkeys(addresses)]
        self._wake.set()

    def heard_of(self, peer_id: str, addresses: list[str]) -> None:
        """Discovery or a person named addresses of a peer."""
        if peer_id == self._own_id:
            return
        target = self._target(peer_id)
        target.heard = list(dict.fromkeys([*addresses, *target.heard]))[:MAX_HEARD]
        if target.failures:
            target.failures, target.due = 0, min(target.due, trio.current_time() + self._entropy.uniform(0.0, 1.0))
        self._wake.set()

    def changed(self) -> None:
        """The address book or the links changed: look again soon."""
        self._wake.set()

    def lost(self, peer_id: str) -> None:
        """A link went down: dial again after the jitter."""
        due = trio.current_time() + self._entropy.uniform(*self._config.redial)
        for target in (self._target(peer_id), *(t for t in self._bootstrap if t.peer_id == peer_id)):
            target.failures, target.due = 0, due
        self._wake.set()

    def forget(self, peer_id: str) -> None:
        """Stop dialling that peer."""
        self._forgotten.add(peer_id)

    def remember(self, peer_id: str) -> None:
        """Dial it again from now on."""
        self._forgotten.discard(peer_id)

    def places(self, peer_id: str) -> list[str]:
        """Where a peer may be reached; its own statement, and what was heard."""
        return self._places(self._target(peer_id))

    async def run(self) -> None:
        """Dial whoever is due, until cancelled."""
        await trio.sleep(self._config.first_dial_s)
        async with trio.open_nursery() as nursery:
            while True:
                self._wake = trio.Event()
                for target in self._due():
                    target.busy = True
                    nursery.start_soon(self._attempt, target)
                with trio.move_on_at(together(0.5)):
                    await self._wake.wait()

    async def watch(self, peer_id: str) -> None:
        """Ping one link when nothing is heard from it, until it is gone; cut it when it stays silent."""
        link = self._links.get(peer_id)
        misses = 0
        while link is not None and self._links.get(peer_id) is link:
            if misses == 0:
                await self._until_due(link)
                if self._links.get(peer_id) is not link:
                    return
            seconds = await self._ping(peer_id)
            if self._links.get(peer_id) is not link:
                return
            misses = 0 if seconds is not None else misses + 1
            link.suspect = misses > 0
            if seconds is not None:
                link.latency_ms = seconds * 1000
            elif misses >= 2:
                log.info("peer does not answer, cutting the link", peer=peer_id)
                await self._drop(peer_id)

    async def _until_due(self, link: Link) -> None:
        silence = self._config.ping_interval * self._entropy.uniform(0.8, 1.2)
        began = now = trio.current_time()
        latest = began + (silence if link.latency_ms is None else max(silence, MEASURED_S))
        while now < (due := min(max(began, self._heard_at(link.peer_id)) + silence, latest)):
            await trio.sleep_until(due)
            now = trio.current_time()

    def _due(self) -> list[Target]:
        now = trio.current_time()
        for peer_id in self._book.peers():
            self._target(peer_id)
        wanted = [t for t in self._bootstrap if not self._is_linked(t.peer_id)]
        if len(self._links) < ENOUGH_LINKS:
            others = ((p, t) for p, t in self._peers.items() if p not in self._links and p not in self._forgotten)
            wanted += sorted((t for _, t in others if t.due <= now and self._places(t)), key=lambda t: t.due)
        busy = sum(t.busy for t in (*self._bootstrap, *self._peers.values()))
        return [t for t in wanted if not t.busy and t.due <= now][: max(0, MAX_DIALS - busy)]

    def _is_linked(self, peer_id: str | None) -> bool:
        return peer_id is not None and (peer_id in self._links or peer_id == self._own_id)

    def _target(self, peer_id: str) -> Target:
        if peer_id not in self._peers:
            self._forget_some()
            patience = 0.7 if self._own_id > peer_id else 0.0
            due = trio.current_time() + patience + self._entropy.uniform(0.0, 0.3)
            self._peers[peer_id] = Target(peer_id=peer_id, due=due)
        return self._peers[peer_id]

    def _forget_some(self) -> None:
        if len(self._peers) < MAX_TARGETS:
            return
        kept = {*self._book.peers(), *self._links}
        others = [p for p, t in self._peers.items() if p not in kept and not t.busy]
        # The last that came of those that failed most. A quarter at once: a flood of new ones does not have all looked at for each.
        for peer_id in sorted(others, key=lambda p: self._peers[p].failures)[-MAX_TARGETS // 4 :]:
            del self._peers[peer_id]

    def _places(self, target: Target) -> list[str]:
        if target.bootstrap is not None:
            return [target.bootstrap]
        assert target.peer_id is not None
        places = [*target.heard, *self._book.addresses(target.peer_id)]
        return list(dict.fromkeys(f"{p.partition('/p2p/')[0]}/p2p/{target.peer_id}" for p in places))

    async def _attempt(self, target: Target) -> None:
        try:
            await self._try_places(target)
        finally:
            target.busy = False

    async def _try_places(self, target: Target) -> None:
        reason = ""
        places = self._places(target)
        first = target.first % max(1, len(places))
        latest = trio.current_time() + ATTEMPT_S
        for place in (*places[first:], *places[:first]):
            if trio.current_time() >= latest:
                break
            try:
                target.peer_id = await self._dial(place, DIAL_S)
            except Unreachable as error:
                reason = str(error)
                target.first += 1
                continue
            except Exception:
                # What others say of where they are never ends the mesh.
                log.exception("dialling failed", address=place)
                reason = "the dial failed; the log has the details"
                target.first += 1
                continue
            if target.problem:
                log.info("bootstrap peer reached", address=place)
            target.failures, target.problem = 0, None
            # A link that broke while it was made is not dialled in a circle.
            target.due = trio.current_time() + self._config.redial[0]
            return
        self._failed(target, reason)

    def _failed(self, target: Target, reason: str) -> None:
        target.failures += 1
        pause = self._entropy.uniform(*self._config.redial) * 1.5 ** min(target.failures - 1, 10)
        limit = self._config.redial_limit
        if target.bootstrap is None and target.failures > STALE_FAILURES:
            limit *= 15
        target.due = trio.current_time() + min(pause, limit)
        if target.bootstrap is None:
            log.debug("peer not reached", peer=target.peer_id, reason=reason)
            return
        if target.problem is None:
            log.warning("bootstrap peer not reached, trying on", address=target.bootstrap, reason=reason)
        target.problem = f"bootstrap peer not reached: {reason}"


def _bootstrap_target(address: str) -> Target:
    _, _, peer_id = address.partition("/p2p/")
    return Target(bootstrap=address, peer_id=peer_id or None)
