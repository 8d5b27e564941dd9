"""The chain in virtual time, over providers in memory: time-outs, pauses, breakers, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
import trio

from chorus_tui.engine.ai import breaker
from chorus_tui.engine.ai.chain import PROBE_AGAIN_S, PROBE_EVERY_S, ModelChain, Timeouts
from chorus_tui.engine.ai.choice import Choice
from chorus_tui.engine.ai.interface import AiError, Ask, Message, Usage
from chorus_tui.engine.ai.link import PROBE_S
from chorus_tui.engine.ai.provider import OnPiece, Reply
from chorus_tui.engine.clock import SeededEntropy, SystemClock

ASK = Ask((Message("user", "?"),), None, 16)
LIMITS = Timeouts(first=100, between=10, whole=200)
DOWN = AiError("provider_error", "it is down", retryable=True)


@dataclass
class InMemory:
    """Seconds to wait, texts to say, errors to raise; in order for each question, the last script stays."""

    scripts: list[list[float | str | AiError]]
    name: str = "first"
    endpoint: str = "http://here"
    asked: list[float] = field(default_factory=list)
    looks: list[float | AiError | None] = field(default_factory=lambda: [None])
    looked: int = 0

    async def ask(self, _ask: Ask, _model: str, on_piece: OnPiece) -> Reply:
        script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
        self.asked.append(trio.current_time())
        for step in script:
            if isinstance(step, AiError):
                raise step
            if isinstance(step, str):
                await on_piece(step)
            else:
                await trio.sleep(step)
        texts = [step for step in script if isinstance(step, str)]
        return Reply("".join(texts), Usage(5, len(texts)), "stop")

    async def probe(self, _model: str) -> None:
        found = self.looks[min(self.looked, len(self.looks) - 1)]
        self.looked += 1
        if isinstance(found, AiError):
            raise found
        await trio.sleep(found or 0)


def chain(*providers: InMemory, redact: Callable[[str], str] = str) -> ModelChain:
    choice = Choice({provider.name: "m" for provider in providers})
    return ModelChain(providers, choice, redact, SystemClock(), SeededEntropy(1), LIMITS)


@pytest.mark.parametrize(
    ("script", "seconds", "said", "spent"),
    [
        ([1000.0], 100, "said nothing for 100 s", 0),
        ([99.0, "", 99.0], 109, "said nothing for 10 s", 0),
        ([50.0, "a", 9.0, "b", 11.0], 69, "said nothing for 10 s", 2),
        (["a", 9.0] * 30, 200, "CHORUS_MODEL_TIMEOUT_S", 23),
    ],
)
async def test_each_bound_ends_a_try_at_its_time(autojump_clock, script, seconds, said, spent):
    """The first word, the pause between two, the whole; an empty piece is a sign of life; what came is charged."""
    with pytest.raises(AiError, match=said) as caught:
        await chain(InMemory([script])).ask(ASK)

    assert (caught.value.reason, caught.value.usage.total) == ("provider_timeout", spent)
    assert round(trio.current_time(), 3) == seconds


async def test_a_schema_without_bounds_is_not_asked():
    """Nobody is asked, and nobody is blamed."""
    provider = InMemory([["x"]])
    with pytest.raises(AiError, match="schema needs maxLength"):
        await chain(provider).ask(replace(ASK, schema={"type": "string"}))

    assert provider.asked == []


async def test_a_slow_listener_is_not_the_providers_fault(autojump_clock):
    """The pause between two pieces is counted from when the listener had taken the first."""

    async def slow(_piece):
        await trio.sleep(30)

    answer = await chain(InMemory([["a", 5.0, "b"]])).ask(ASK, slow)

    assert (answer.text, round(answer.seconds)) == ("ab", 65)


async def test_tries_keep_a_pause_that_grows_or_was_asked_for(autojump_clock):
    """About half a second to one, then one to two; a ``Retry-After`` of seven seconds is waited for."""
    wait = AiError("rate_limited", "wait", retryable=True, retry_after=7.0)
    failing = InMemory([[DOWN], [wait], ["fine"]])
    answer = await chain(failing).ask(ASK)
    first, second = (after - before for before, after in zip(failing.asked, failing.asked[1:], strict=False))

    assert 0.25 <= first <= 0.5
    assert (answer.text, second) == ("fine", 7.0)


async def test_after_its_pause_one_question_tries_and_the_others_go_elsewhere(autojump_clock):
    """While the trial runs nobody else waits for it; its success lets everybody in again."""
    first = InMemory([[DOWN], [DOWN], [DOWN], [5.0, "back"]])
    models = chain(first, InMemory([["other"]], name="second"))
    assert (await models.ask(ASK)).provider == "second"
    await trio.sleep(breaker.FIRST_PAUSE_S)
    came = []

    async def question():
        came.append((await models.ask(ASK)).provider)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(question)
        await trio.sleep(1)
        await question()
    await question()

    assert came == ["second", "first", "first"]


async def test_a_trial_that_was_cancelled_is_tried_again(autojump_clock):
    """It said nothing of the provider: the next question is the trial."""
    first = InMemory([[DOWN], [DOWN], [DOWN], ["a", 50.0], ["back"]])
    models = chain(first)
    with pytest.raises(AiError):
        await models.ask(ASK)
    await trio.sleep(breaker.FIRST_PAUSE_S)
    with trio.move_on_after(1):
        await models.ask(ASK)
    assert models.health()[0].tokens == 1, "what came before it was cancelled is counted"

    assert (await models.ask(ASK)).text == "back"


async def test_looks_go_on_and_tell_when_something_changed(autojump_clock):
    """Every 30 s, every 5 s while one is missing; a provider that hangs is given up after 10; only a change is told, and the words pass the redactor."""
    gone = AiError("provider_unreachable", "nothing at hunter2")
    provider = InMemory([["x"]], looks=[None, gone, gone, 1000.0, None])
    models = chain(provider, redact=lambda text: text.replace("hunter2", "[gone]"))
    told = []
    models.on_change = lambda: told.append((round(trio.current_time()), models.available, models.health()[0].detail))
    with trio.move_on_after(6 * PROBE_EVERY_S):
        await models.run()

    late = "first at http://here did not answer a look within 10 s"
    hung = PROBE_EVERY_S + 2 * PROBE_AGAIN_S + PROBE_S
    at = [0, PROBE_EVERY_S, hung, hung + PROBE_AGAIN_S]
    assert told == [
        (at[0], True, ""), (at[1], False, "nothing at [gone]"), (at[2], False, late), (at[3], True, ""),
    ]  # fmt: skip


async def test_a_provider_that_fails_now_and_then_is_degraded_until_it_answers(autojump_clock):
    """Between failure and success the state says so; counts are of tries."""
    models = chain(InMemory([[DOWN], ["fine"]]))
    seen = []

    async def watch():
        await trio.sleep(0.1)
        seen.append(models.health()[0].state)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await models.ask(ASK)

    health = models.health()[0]
    assert (seen, health.state, health.asked, health.failed, health.tokens) == (["degraded"], "ok", 2, 1, 6)
