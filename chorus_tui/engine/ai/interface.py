"""What the rest of the engine sees of language models: a question, an answer, and errors that say what to do.

Nobody outside this room knows which provider answered, nor how it is spoken to. An answer is text; that it is what was
asked for is checked where a schema was given: an ``Ask`` with one is answered by a JSON object or by ``bad_answer``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length"]
State = Literal["ok", "degraded", "open", "unknown"]
OnText = Callable[[str], Awaitable[None]]

Reason = Literal[
    "provider_unreachable",
    "provider_timeout",
    "provider_broke_off",
    "provider_refused",
    "rate_limited",
    "provider_error",
    "model_missing",
    "context_too_long",
    "bad_request",
    "bad_answer",
    "no_provider",
    "all_failed",
]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model.

    ``schema`` is a JSON schema the answer must follow; bound its strings and arrays, because a generation that is cut at
    ``max_tokens`` is no JSON. ``model`` empty: chosen by ``role`` and ``kind`` of the task, else the provider's default.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    model: str = ""
    role: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, as the provider counted them."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion)

    @property
    def total(self) -> int:
        """Both together: what a budget is charged."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. ``usage`` counts the tries that failed before it too; ``seconds`` is the time of all of them.

    ``finish`` is ``length`` when the text was cut at ``max_tokens``; with a schema that is an error instead.
    """

    text: str
    model: str
    provider: str
    usage: Usage
    finish: Finish
    seconds: float


class AiError(Exception):
    """A question that got no answer. ``str()`` is a sentence for people, with the way out, and carries no secret.

    ``retryable`` says whether the same question may succeed later at the same provider. ``usage`` was spent meanwhile.
    ``retry_after`` is the pause in seconds the provider asked for, if it did.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retryable: bool = False,
        usage: Usage | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.retryable = retryable
        self.usage = usage or Usage()
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How one provider is: ``open`` while its breaker lets nothing through, ``unknown`` before it was ever looked at.

    ``asked`` counts tries, ``failed`` those without an answer, ``tokens`` what both cost.
    """

    name: str
    endpoint: str
    state: State
    model: str
    detail: str
    asked: int
    failed: int
    tokens: int


class Models(Protocol):
    """All configured models behind one question."""

    async def ask(self, ask: Ask, on_text: OnText | None = None) -> Answer:
        """The answer; pieces go to ``on_text`` as they come. Raises :class:`AiError`.

        A try that fails after pieces came is not repeated silently: what was shown would be shown twice. With ``on_text``
        such a failure is raised; without, the next try or provider is asked.
        """
        ...

    def health(self) -> tuple[ProviderHealth, ...]:
        """Every provider, in the order in which they are asked."""
        ...

    def names(self) -> tuple[str, ...]:
        """The models configured, without repetition."""
        ...

    @property
    def available(self) -> bool:
        """Whether a question could be answered now: a provider is configured and not known to be down."""
        ...
