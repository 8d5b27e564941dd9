"""A real small model over both wires: shape, streaming, tokens, cancelling, errors. Never what it knows.

With ``CHORUS_TEST_OLLAMA`` and ``CHORUS_TEST_OLLAMA_MODEL`` the same runs against an Ollama of yours, but for what is pinned to
the small model.
"""

from __future__ import annotations

import json
import os

import pytest
import trio

from chorus_tui.engine.ai.configuration import build_models
from chorus_tui.engine.ai.interface import AiError, Ask, Message
from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.settings import load
from tests.support.patience import PATIENCE
from tests.support.small_model import SmallModel

YOURS = os.environ.get("CHORUS_TEST_OLLAMA", "")
WIRES = ["ollama", "openai", *(["yours"] if YOURS else [])]
TEXT = {"type": "string", "maxLength": 80}
PLAN = {
    "type": "object",
    "properties": {"commands": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3}, "summary": TEXT},
    "required": ["commands", "summary"],
    "additionalProperties": False,
}
SHOTS = (
    Message("system", "You turn a task into shell commands. Answer with JSON."),
    Message("user", "Create notes.txt with remember"),
    Message("assistant", '{"commands": ["echo \'remember\' > notes.txt"], "summary": "Created notes.txt."}'),
    Message("user", "Create a.txt with one"),
    Message("assistant", '{"commands": ["echo \'one\' > a.txt"], "summary": "Created a.txt."}'),
    Message("user", "Create hello.txt with hello"),
)
PINNED = Ask(SHOTS, PLAN, 120, temperature=0.0, seed=7)
STORY = Ask((Message("user", "Tell a very long story"),), None, 2000, seed=7)


@pytest.fixture(params=WIRES)
def models(request, small_model: SmallModel):
    """An engine's models, by its settings."""
    if request.param == "yours":
        environment = {
            "CHORUS_AI_PROVIDER": "ollama",
            "OLLAMA_ENDPOINT": YOURS,
            "OLLAMA_MODEL": os.environ["CHORUS_TEST_OLLAMA_MODEL"],
        }
    else:
        environment = small_model.environment(request.param)
    return build_models(load(environment, "agent"), str, SystemClock(), SeededEntropy(1))


async def test_a_pinned_prompt_gives_a_plan_of_the_asked_shape(models):
    """By schema, at temperature 0 and with a seed, twice the same; the small model's plan is the one its examples teach."""
    first, second = await models.ask(PINNED), await models.ask(PINNED)
    plan = json.loads(first.text)

    assert first.text == second.text
    assert set(plan) == {"commands", "summary"}
    if "smollm2" in first.model:
        assert plan == {"commands": ["echo 'hello' > hello.txt"], "summary": "Created hello.txt."}


async def test_pieces_come_one_by_one_and_are_the_answer(models):
    """More than one piece, their text is the answer's, and the tokens are counted as the provider counts them."""
    pieces = []

    async def take(piece):
        pieces.append(piece)

    answer = await models.ask(PINNED, take)

    assert len(pieces) > 3
    assert "".join(pieces) == answer.text
    assert answer.usage.prompt > 50
    assert len(pieces) <= answer.usage.completion + 1 <= 121
    assert (answer.finish, models.health()[0].tokens) == ("stop", answer.usage.total)


async def test_a_text_may_be_cut_and_a_schema_may_not(models):
    """At its token limit a text ends with ``length``; JSON that is cut is an error that names the limit and its cost."""
    cut = await models.ask(Ask((Message("user", "Tell a very long story"),), None, 5))
    with pytest.raises(AiError, match="cut at 5 tokens") as caught:
        await models.ask(Ask(SHOTS, PLAN, 5))

    assert (cut.finish, cut.usage.completion) == ("length", 5)
    assert (caught.value.reason, caught.value.usage.completion) == ("bad_answer", 5)


async def test_an_answer_is_cancelled_within_half_a_second_and_the_next_one_comes(models):
    """In the middle of a long generation; the model does not go on with it for nobody."""
    began = trio.Event()

    async def take(_piece):
        began.set()

    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(models.ask, STORY, take)
            await began.wait()
            nursery.cancel_scope.cancel()
            at = trio.current_time()
        assert trio.current_time() - at < 0.5 * PATIENCE
        assert (await models.ask(PINNED)).text


async def test_a_question_that_is_too_long_says_so(models, small_model):
    """The context's size is the question's fault: told at once, and nobody is asked again."""
    if models.names() != (small_model.model,):
        pytest.skip("Ollama itself shortens a prompt and does not tell")
    with pytest.raises(AiError) as caught:
        await models.ask(Ask((Message("user", "word " * 6000),), None, 5))

    assert (caught.value.reason, models.health()[0].asked) == ("context_too_long", 1)


async def test_a_look_finds_it_and_asks_nothing(models):
    """Its list of models has the one we want; no token is spent."""
    looked = trio.Event()
    models.on_change = looked.set
    with trio.fail_after(240):
        async with trio.open_nursery() as nursery:
            await nursery.start(models.run)
            await looked.wait()
            nursery.cancel_scope.cancel()

    assert (models.health()[0].state, models.health()[0].tokens, models.available) == ("ok", 0, True)


async def test_a_model_that_is_not_there_is_missed_before_it_is_asked(small_model):
    """A look names the model and how to get it; then nothing is available."""
    environment = {**small_model.environment("ollama"), "OLLAMA_MODEL": "another"}
    models = build_models(load(environment, "agent"), str, SystemClock(), SeededEntropy(1))
    looked = trio.Event()
    models.on_change = looked.set
    async with trio.open_nursery() as nursery:
        await nursery.start(models.run)
        await looked.wait()
        nursery.cancel_scope.cancel()

    assert "ollama pull another" in models.health()[0].detail
    assert not models.available


async def test_many_questions_one_after_another_all_come_back(models):
    """A server that closes a connection after a streamed answer breaks none: each question has its own connection."""
    for _ in range(20):
        await models.ask(Ask((Message("user", "x"),), None, 1))
    assert (models.health()[0].asked, models.health()[0].failed) == (20, 0)
