"""One provider as the chain sees it: its breaker, its counts, and what was last heard of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
import trio

from chorus_tui.engine.ai import breaker as breakers
from chorus_tui.engine.ai import policy
from chorus_tui.engine.ai.breaker import Breaker
from chorus_tui.engine.ai.interface import AiError, ProviderHealth, State, Usage
from chorus_tui.engine.ai.provider import Provider
from chorus_tui.engine.telemetry.histogram import WORK_S, Histogram

log = structlog.get_logger("chorus.ai")

PROBE_S = 10.0
LONGEST_ERROR = 400


@dataclass(slots=True)
class Link:
    """``model`` is the provider's default. Times are of a monotonic clock, in seconds."""

    provider: Provider
    model: str
    redact: Callable[[str], str]
    breaker: Breaker = field(default_factory=Breaker)
    asked: int = 0
    failed: int = 0
    tokens: int = 0
    took: Histogram = field(default_factory=lambda: Histogram(WORK_S))
    """Seconds of each try, however it ended."""
    probed: bool = False
    missing: AiError | None = None
    """Why the last probe failed; None when it did not."""
    last: AiError | None = None
    """Why the last question failed; None when it did not."""

    @property
    def where(self) -> str:
        """Name and address, for people."""
        return f"{self.provider.name} at {self.provider.endpoint}"

    def admits(self, now: float) -> bool:
        """Whether a question may be asked here."""
        return breakers.admits(self.breaker, now)

    def usable(self, now: float) -> bool:
        """Whether nothing is known that would keep it from answering."""
        return self.missing is None and breakers.phase(self.breaker, now) != "open"

    @contextmanager
    def judged(self, now: Callable[[], float]) -> Iterator[None]:
        """Round one try: what the breaker and the counts make of it, however it ends."""
        began = now()
        self.breaker = breakers.begun(self.breaker, began)
        self.asked += 1
        try:
            yield
        except AiError as error:
            self.failed += 1
            self.last = error
            self.breaker = self._after(error, now())
            raise
        except BaseException:
            self.breaker = breakers.abandoned(self.breaker)
            raise
        finally:
            self.took.observe(now() - began)
        self.last = None
        self.breaker = breakers.succeeded()

    def _after(self, error: AiError, now: float) -> Breaker:
        wait = error.retry_after or 0.0
        if wait > policy.LONGEST_WAIT_S:
            return breakers.told_to_wait(self.breaker, now, wait)
        return breakers.failed(self.breaker, now) if policy.counts(error) else breakers.abandoned(self.breaker)

    def left_alone(self, now: float) -> AiError:
        """Not asked, because the breaker does not let it."""
        pause = max(0.0, (self.breaker.until or 0.0) - now)
        reason = self.last.reason if self.last else "provider_unreachable"
        until = f"for {math.ceil(pause)} s" if pause else "while another question tries it"
        words = f"{self.provider.name} is left alone {until}, because: {self.last or 'it failed'}"
        return AiError(reason, words, retryable=True, retry_after=pause)

    def clean(self, error: AiError, usage: Usage) -> AiError:
        """The error without secrets, which a provider may have repeated in its own words, and then not too long."""
        words = self.redact(str(error))
        words = words if len(words) <= LONGEST_ERROR else f"{words[:LONGEST_ERROR]}…"
        return AiError(
            error.reason, words, retryable=error.retryable, usage=usage, retry_after=error.retry_after
        )  # fmt: skip

    async def look(self) -> bool:
        """Probe the provider; True when what is known of it changed."""
        found: AiError | None = AiError("provider_timeout", f"{self.where} did not answer a look within {PROBE_S:g} s")
        with trio.move_on_after(PROBE_S):
            try:
                await self.provider.probe(self.model)
                found = None
            except AiError as error:
                found = self.clean(error, error.usage)
        changed = not self.probed or str(found) != str(self.missing)
        self.probed, self.missing = True, found
        if changed and found is None:
            log.info("A provider of models is there", provider=self.provider.name, model=self.model)
        elif changed:
            log.warning("⚠️ A provider of models is missing", provider=self.provider.name, reason=str(found))
        return changed

    def health(self, now: float) -> ProviderHealth:
        """At this moment."""
        state, detail = self._state(now)
        return ProviderHealth(
            self.provider.name, self.provider.endpoint, state, self.model, detail, self.asked, self.failed, self.tokens
        )  # fmt: skip

    def _state(self, now: float) -> tuple[State, str]:
        if breakers.phase(self.breaker, now) == "open":
            return "open", str(self.left_alone(now))
        if self.missing is not None or self.breaker.failures:
            return "degraded", str(self.missing or self.last)
        return ("ok", "") if self.probed or self.asked else ("unknown", "not looked at yet")
