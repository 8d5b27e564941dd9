"""How peers behave: what is refused is counted by reason, and who offends too much stays out for a while.

The rule it keeps: a peer is out by its own doing (:mod:`rules`), or because a person here said so; never on the word of
other peers. What a person said outlives a restart when it has no end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chorus_tui.engine.mesh import rules
from chorus_tui.engine.mesh.block_list import BlockList
from chorus_tui.engine.mesh.interface import Ban, MeshCounters, NotKept
from chorus_tui.engine.mesh.rules import Standing

REMEMBERED: Final = 4096
"""Peers whose conduct is remembered; the one longest without an offence goes first."""


@dataclass(frozen=True, slots=True)
class _Out:
    """Kept out ``since`` (Unix time) until ``until`` on the monotonic clock; None: until somebody lifts it."""

    why: str
    since: float
    until: float | None
    by_person: bool


class Conduct:
    """``now`` is monotonic, ``wall`` Unix time. ``ban`` is called when a peer must leave, with its id."""

    def __init__(
        self,
        counters: MeshCounters,
        now: Callable[[], float],
        wall: Callable[[], float],
        ban: Callable[[str], None],
        blocked: BlockList,
    ) -> None:
        self._counters = counters
        self._now = now
        self._wall = wall
        self._ban = ban
        self._blocked = blocked
        self._standings: OrderedDict[str, Standing] = OrderedDict()
        self._out: dict[str, _Out] = {}
        self._unkept: set[str] = set()
        """Of whom a person said something that is not on disk yet."""

    def load(self) -> None:
        """Take up what a person blocked before."""
        for peer_id, (why, since) in self._blocked.load().items():
            self._out[peer_id] = _Out(why, since, None, by_person=True)

    def sent(self, size: int) -> None:
        """One message of ours went out; ``size`` in bytes."""
        self._counters.sent += 1
        self._counters.sent_bytes += size

    def received(self, size: int) -> None:
        """One message was accepted; ``size`` in bytes."""
        self._counters.received += 1
        self._counters.received_sizes.observe(size)

    def throttled(self) -> None:
        """A connection has to wait, because its peer sends too fast."""
        self._counters.throttled += 1

    def refused(self, peer_id: str, reason: str) -> None:
        """Something of that peer was refused."""
        self._counters.refused[reason] = self._counters.refused.get(reason, 0) + 1
        if not rules.points_of(reason) or self.banned(peer_id):
            return
        now = self._now()
        before = self._standings.pop(peer_id, Standing())
        after = self._standings[peer_id] = rules.judged(before, reason, now)
        self._forget_some(now)
        if rules.is_banned(after, now):
            why = f"it misbehaved (last: {reason}), {_times(after.bans)}"
            self._keep_out(peer_id, _Out(why, self._wall(), after.until, by_person=False))

    def ban(self, peer_id: str, why: str, seconds: float | None) -> None:
        """A person's word: out for ``seconds``, or with None until it is lifted, also after a restart. Raises :class:`NotKept`."""
        until = None if seconds is None else self._now() + seconds
        self._keep_out(peer_id, _Out(why, self._wall(), until, by_person=True))
        self._save(peer_id)

    def lift(self, peer_id: str) -> bool:
        """The peer may come again, with nothing held against it; whether it was out. Raises :class:`NotKept`."""
        was_out = self.banned(peer_id) or peer_id in self._unkept
        self._out.pop(peer_id, None)
        self._standings.pop(peer_id, None)
        self._save(peer_id)
        return was_out

    def banned(self, peer_id: str) -> bool:
        """Whether the peer is kept out now."""
        out = self._out.get(peer_id)
        if out is not None and out.until is not None and out.until <= self._now():
            del self._out[peer_id]
            out = None
        return out is not None

    def bans(self) -> dict[str, Ban]:
        """Who is kept out now, by peer id."""
        to_wall = self._wall() - self._now()
        return {
            peer_id: Ban(out.why, out.since, None if out.until is None else out.until + to_wall, out.by_person)
            for peer_id, out in list(self._out.items())
            if self.banned(peer_id)
        }

    def points(self, peer_id: str) -> float:
        """What is held against a peer now; banned at :data:`rules.LIMIT`."""
        return rules.settled(self._standings.get(peer_id, Standing()), self._now()).points

    def _keep_out(self, peer_id: str, out: _Out) -> None:
        self._out[peer_id] = out
        self._counters.bans += 1
        self._ban(peer_id)

    def _save(self, peer_id: str) -> None:
        self._unkept.add(peer_id)
        try:
            self._blocked.save({p: (out.why, out.since) for p, out in self._out.items() if out.until is None})
        except OSError as error:
            raise NotKept(error.strerror or str(error)) from error
        self._unkept.clear()

    def _forget_some(self, now: float) -> None:
        if len(self._standings) <= REMEMBERED:
            return
        for peer_id in [p for p, standing in self._standings.items() if rules.is_clean(standing, now)]:
            del self._standings[peer_id]
        while len(self._standings) > REMEMBERED:
            gone, _ = self._standings.popitem(last=False)
            if gone in self._out and not self._out[gone].by_person:
                del self._out[gone]


def _times(bans: int) -> str:
    return "for the first time" if bans == 1 else f"{bans} times lately"
