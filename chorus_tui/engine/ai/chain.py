"""One question, asked of one provider after another until an answer comes.

The chain knows no provider: it holds the time-outs, the retries, a breaker for each, and the counts. What goes to a model is
redacted here, the one place every question passes, and so is what a provider says of its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from chorus_tui.engine.ai import policy
from chorus_tui.engine.ai.choice import Choice
from chorus_tui.engine.ai.interface import AiError, Answer, Ask, Message, OnText, ProviderHealth, Usage
from chorus_tui.engine.ai.link import Link
from chorus_tui.engine.ai.provider import Provider, Reply
from chorus_tui.engine.ai.schema import check_schema, checked
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.telemetry.histogram import Histogram

PROBE_EVERY_S = 30.0
PROBE_AGAIN_S = 5.0
"""While one is missing: it may be starting."""
# A model that is not in memory yet is loaded before it says anything.
FIRST_S, BETWEEN_S, WHOLE_S = 120.0, 60.0, 300.0
NO_PROVIDER = "No model is configured; set CHORUS_AI_PROVIDER to ollama or resetdata"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds, of one try: until the first sign of life, between two, and the whole."""

    first: float = FIRST_S
    between: float = BETWEEN_S
    whole: float = WHOLE_S


@dataclass(slots=True)
class _Question:
    """What happened to one question so far."""

    ask: Ask
    on_text: OnText | None
    spent: Usage = field(default_factory=Usage)
    shown: bool = False
    failures: list[tuple[str, AiError]] = field(default_factory=list)

    def raised(self, error: AiError, message: str = "") -> AiError:
        """The error with all that was spent."""
        return AiError(
            error.reason, message or str(error), retryable=error.retryable, usage=self.spent, retry_after=error.retry_after
        )  # fmt: skip

    def all_failed(self) -> AiError:
        """One provider's error as it is; of several, all in one sentence."""
        if len({name for name, _ in self.failures}) == 1:
            return self.raised(self.failures[-1][1])
        last = dict(self.failures)
        words = "; ".join(str(error) for error in last.values())
        retryable = any(error.retryable for error in last.values())
        return AiError("all_failed", f"No model answered: {words}", retryable=retryable, usage=self.spent)


class ModelChain:
    """The :class:`~.interface.Models` of an engine. ``redact`` takes the secrets out of a text."""

    def __init__(
        self,
        providers: tuple[Provider, ...],
        choice: Choice,
        redact: Callable[[str], str],
        clock: Clock,
        entropy: Entropy,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._links = tuple(Link(provider, choice.defaults[provider.name], redact) for provider in providers)
        self._choice = choice
        self._redact = redact
        self._clock = clock
        self._entropy = entropy
        self._timeouts = timeouts or Timeouts()
        self.on_change: Callable[[], None] | None = None
        """Called when a probe finds a provider gone or back; set by whoever takes tasks that need a model."""

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, ask: Ask, on_text: OnText | None = None) -> Answer:
        if not self._links:
            raise AiError("no_provider", NO_PROVIDER)
        check_schema(ask)
        began = self._clock.monotonic()
        question = _Question(self._clean(ask), on_text)
        for link in self._links:
            model = self._choice.model(ask, link.provider.name)
            reply = await self._at(link, model, question)
            if reply is not None:
                seconds = self._clock.monotonic() - began
                return Answer(reply.text, model, link.provider.name, question.spent, reply.finish, seconds)
        raise question.all_failed()

    def _clean(self, ask: Ask) -> Ask:
        """The question as it may leave this process."""
        messages = tuple(Message(message.role, self._redact(message.content)) for message in ask.messages)
        return replace(ask, messages=messages, schema=None if ask.schema is None else self._without_secrets(ask.schema))

    def _without_secrets(self, value: Any) -> Any:
        """A JSON value whose texts are redacted; keys are names of fields, chosen by us."""
        if isinstance(value, str):
            return self._redact(value)
        if isinstance(value, Mapping):
            return {key: self._without_secrets(item) for key, item in value.items()}
        return [self._without_secrets(item) for item in value] if isinstance(value, list | tuple) else value

    async def _at(self, link: Link, model: str, question: _Question) -> Reply | None:
        """At one provider, with retries; None: ask the next one. Raises what no other provider would mend."""
        tries = 0
        while True:
            tries += 1
            if not link.admits(self._clock.monotonic()):
                question.failures.append((link.provider.name, link.left_alone(self._clock.monotonic())))
                return None
            try:
                return await self._once(link, model, question)
            except AiError as error:
                question.failures.append((link.provider.name, error))
                step = "raise" if question.shown else policy.next_step(error, tries)
                if step == "raise":
                    raise question.raised(error) from error
                if step == "next":
                    return None
                await trio.sleep(policy.pause(error, tries, self._entropy.uniform(0.0, 1.0)))

    async def _once(self, link: Link, model: str, question: _Question) -> Reply:
        """One try, counted, its outcome told to the breaker."""
        with link.judged(self._clock.monotonic):
            pieces = [0]
            try:
                reply = await self._timed(link, model, question, pieces)
            except AiError as error:
                # A piece is one token at least; that is what can be known of an answer that broke off.
                spent = error.usage if error.usage.total else Usage(0, pieces[0])
                self._spend(link, question, spent)
                raise link.clean(error, spent) from error
            except BaseException:
                self._spend(link, question, Usage(0, pieces[0]))
                raise
            self._spend(link, question, reply.usage)
            return replace(reply, text=checked(question.ask, reply.text, reply.finish, reply.usage))

    async def _timed(self, link: Link, model: str, question: _Question, pieces: list[int]) -> Reply:
        now, limit = self._clock.monotonic, self._timeouts
        end, patience = now() + limit.whole, limit.first
        with trio.CancelScope(deadline=min(now() + patience, end)) as scope:

            async def alive(piece: str) -> None:
                nonlocal patience
                # While somebody else takes the piece, the provider is not to blame.
                scope.deadline, patience = end, limit.between
                if piece:
                    pieces[0] += 1
                    if question.on_text is not None:
                        question.shown = True
                        await question.on_text(piece)
                scope.deadline = min(now() + patience, end)

            return await link.provider.ask(question.ask, model, alive)
        if now() >= end:
            what = f"was not done within {limit.whole:g} s; CHORUS_MODEL_TIMEOUT_S allows more"
        else:
            what = f"said nothing for {patience:g} s"
        raise AiError("provider_timeout", f"{link.where} {what}", retryable=True)

    def _spend(self, link: Link, question: _Question, usage: Usage) -> None:
        question.spent += usage
        link.tokens += usage.total

    # ── health ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Look regularly whether the providers are there, until cancelled. Asks no model."""
        task_status.started()
        while True:
            await self.look()
            missing = any(link.missing is not None for link in self._links)
            await trio.sleep(PROBE_AGAIN_S if missing else PROBE_EVERY_S)

    async def look(self) -> None:
        """Once, at all providers."""
        async with trio.open_nursery() as nursery:
            for link in self._links:
                nursery.start_soon(self._look, link)

    async def _look(self, link: Link) -> None:
        if await link.look() and self.on_change is not None:
            self.on_change()

    def health(self) -> tuple[ProviderHealth, ...]:
        return tuple(link.health(self._clock.monotonic()) for link in self._links)

    def took(self) -> dict[str, Histogram]:
        """Seconds of all tries, by provider."""
        return {link.provider.name: link.took for link in self._links}

    def names(self) -> tuple[str, ...]:
        return self._choice.names()

    @property
    def available(self) -> bool:
        return any(link.usable(self._clock.monotonic()) for link in self._links)
