"""``Idempotency-Key``: a request that is sent twice is carried out once, and both get the one answer.

Kept in memory, bounded in number, bytes and time: answers may carry secrets, which are not written down. A restart forgets them;
``tasks.announce`` alone also keeps its key with the task. What failed or was refused is not kept: the request can be tried again.
Room is made by the caller that fills the most of it, so that nobody pushes out somebody else's.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from chorus_tui.contract.problem import Problem, invalid

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEEP_S: Final = 24 * 3600.0
MOST: Final = 1_024
MOST_BYTES: Final = 16 << 20
LONGEST_KEY: Final = 128
_KEY: Final = re.compile(f"[!-~]{{1,{LONGEST_KEY}}}")

Key = tuple[str, str, str]
"""Caller, operation, and the key it gave."""


@dataclass(slots=True)
class _Kept:
    fingerprint: bytes
    at: float
    answer: asyncio.Future[bytes]
    size: int = 0


def checked(key: str) -> str:
    """``key`` if it is one. Raises 422."""
    if not _KEY.fullmatch(key):
        raise invalid({HEADER: f"1 to {LONGEST_KEY} printable ASCII characters without blanks"})
    return key


class Answers:
    """The answers of one engine, used from its API's loop only; ``now`` gives seconds."""

    def __init__(self, now: Callable[[], float], *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._now = now
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0

    async def once(self, key: Key, fingerprint: bytes, run: Callable[[], Awaitable[bytes]]) -> tuple[bytes, bool]:
        """The answer to the request with this ``fingerprint``, and whether it was given before.

        Raises what ``run`` raised, and 422 when ``key`` came with another request.
        """
        self._forget_old()
        known = self._kept.get(key)
        if known is None:
            return await asyncio.shield(self._begin(key, fingerprint, run)), False
        if known.fingerprint != fingerprint:
            detail = "Use a new key for a new request."
            raise Problem(422, "idempotency-key", f"This {HEADER} came with another request before", detail)
        return await asyncio.shield(known.answer), True

    def _begin(self, key: Key, fingerprint: bytes, run: Callable[[], Awaitable[bytes]]) -> asyncio.Future[bytes]:
        # A task of its own: whoever asked first may leave while others wait.
        answer = asyncio.ensure_future(run())
        kept = self._kept[key] = _Kept(fingerprint, self._now(), answer)
        answer.add_done_callback(lambda _: self._settle(key, kept))
        return answer

    def _settle(self, key: Key, kept: _Kept) -> None:
        answer = kept.answer
        if answer.cancelled() or answer.exception() is not None:
            if self._kept.get(key) is kept:
                del self._kept[key]
            return
        kept.size = len(answer.result())
        self._bytes += kept.size
        self._make_room()

    def _make_room(self) -> None:
        """Let the oldest go of whoever has the most, of those that are settled; one that still runs must stay known."""
        while (many := len(self._kept) > self._most) or self._bytes > self._most_bytes:
            settled = [key for key, kept in self._kept.items() if kept.answer.done()]
            if not settled:
                return
            fills: Counter[str] = Counter()
            for key in settled:
                fills[key[0]] += 1 if many else self._kept[key].size
            ((most, _),) = fills.most_common(1)
            self._drop(next(key for key in settled if key[0] == most))

    def _forget_old(self) -> None:
        before = self._now() - KEEP_S
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            if oldest.at >= before or not oldest.answer.done():
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        self._bytes -= self._kept.pop(key).size
