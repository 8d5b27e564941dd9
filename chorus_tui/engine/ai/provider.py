"""What the chain needs of a provider.

A provider always streams on the wire, so that a stalled one is noticed between pieces. It knows neither time-outs, nor
retries, nor other providers: those are the chain's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from chorus_tui.engine.ai.interface import AiError, Ask, Finish, Usage

OnPiece = Callable[[str], Awaitable[None]]
LONGEST_TEXT = 1 << 20
"""Characters of one answer; a provider that says more is cut off."""
MOST_TOKENS = 100_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one try."""

    text: str
    usage: Usage
    finish: Finish


class Provider(Protocol):
    """One provider."""

    @property
    def name(self) -> str:
        """As ``CHORUS_AI_PROVIDER`` spells it."""
        ...

    @property
    def endpoint(self) -> str:
        """Its address, without secrets."""
        ...

    async def ask(self, ask: Ask, model: str, on_piece: OnPiece) -> Reply:
        """One try. ``on_piece`` hears of every sign of life, with an empty text too. Raises :class:`AiError`."""
        ...

    async def probe(self, model: str) -> None:
        """Raises :class:`AiError` unless the provider answers and has ``model``, as far as it tells. Costs no tokens."""
        ...


def told_usage(prompt: object, completion: object) -> Usage:
    """Tokens as a provider tells them. Raises ValueError for what no count can be: a budget is charged by it."""
    counts = [0 if count is None else count for count in (prompt, completion)]
    if not all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts):
        raise ValueError("these are no counts of tokens")
    return Usage(*counts)  # type: ignore[arg-type]  # looked at above, where mypy does not follow


class Gathered:
    """The pieces of one answer so far, bounded. ``usage`` is what the provider told of it, None until it did."""

    def __init__(self, on_piece: OnPiece) -> None:
        self._on_piece = on_piece
        self._pieces: list[str] = []
        self._length = 0
        self.usage: Usage | None = None

    async def add(self, piece: str) -> None:
        """One more. Raises ``bad_answer`` when it is too much."""
        if piece:
            self._pieces.append(piece)
            self._length += len(piece)
        if self._length > LONGEST_TEXT:
            raise AiError(
                "bad_answer", f"The answer grew over {LONGEST_TEXT} characters and was cut off", usage=self.usage
            )
        await self._on_piece(piece)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self._pieces)
