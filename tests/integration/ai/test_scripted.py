"""The scripted model that other tests stand on: it answers by its rules over both wires, and fails loudly."""

from __future__ import annotations

import re

import pytest
import trio

from chorus_tui.engine.ai.configuration import build_models
from chorus_tui.engine.ai.interface import AiError, Ask, Message
from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.settings import load
from tests.support.scripted_model import MODEL, Rule, scripted

BOTH = pytest.mark.parametrize("wire", ["ollama", "openai"])
SCHEMA = {"type": "object", "properties": {"action": {"type": "string", "maxLength": 20}}}


def models_of(model, wire):
    """An engine's models, by its settings."""
    settings = load(model.environment(wire), "agent")
    return build_models(settings, str, SystemClock(), SeededEntropy(1))


def ask(text):
    return Ask((Message("system", "You act."), Message("user", text)), SCHEMA, 99)


@BOTH
async def test_it_answers_by_the_last_observation(wire):
    """Rules in order, each as often as it may; what was asked can be read afterwards."""
    rules = [
        Rule({"action": "try"}, "begin", times=1),
        Rule(lambda asked: {"action": f"mend {asked.last[-1]}"}, re.compile(r"failed \d"), times=2),
        Rule('{"action": "finish"}', lambda asked: "passed" in asked.last),
    ]
    async with scripted(rules) as model:
        models = models_of(model, wire)
        said = [(await models.ask(ask(text))).text for text in ("begin", "failed 1", "failed 2", "passed")]

    assert said == ['{"action": "try"}', '{"action": "mend 1"}', '{"action": "mend 2"}', '{"action": "finish"}']
    asked = model.asked[0]
    assert (asked.model, asked.system, asked.schema, asked.max_tokens) == (MODEL, "You act.", SCHEMA, 99)


@BOTH
async def test_a_question_no_rule_expects_fails_the_test_that_asked(wire):
    """Over the wire as an error, and at the end of the block by what was asked."""

    async def go():
        async with scripted([Rule("{}", "begin", must=False)]) as model:
            with pytest.raises(AiError, match="the script does not expect question 1"):
                await models_of(model, wire).ask(ask("something else"))

    with pytest.raises(AssertionError, match="which ends: 'something else'"):
        await go()


async def test_a_rule_that_was_never_used_fails_too():
    """A script that was not played to its end is no success."""
    with pytest.raises(AssertionError, match="never asked"):
        async with scripted([Rule("{}")]):
            await trio.lowlevel.checkpoint()


@BOTH
async def test_an_answer_can_be_held_at_a_gate(wire):
    """A test looks at the world in the middle of an answer, and lets it go on."""
    gate = trio.Event()
    async with scripted([Rule("{}", gate=gate)]) as model, trio.open_nursery() as nursery:
        nursery.start_soon(models_of(model, wire).ask, ask("begin"))
        while not model.asked:
            await trio.lowlevel.checkpoint()
        gate.set()


@BOTH
async def test_an_engine_finds_it_by_its_settings(wire):
    """A look at the list of models says that it is there, and asks nothing."""
    async with scripted([]) as model, trio.open_nursery() as nursery:
        models = models_of(model, wire)
        assert (models.health()[0].state, models.available) == ("unknown", True)
        changed = trio.Event()
        models.on_change = changed.set
        await nursery.start(models.run)
        await changed.wait()
        nursery.cancel_scope.cancel()

    assert (models.health()[0].state, models.health()[0].asked, model.asked) == ("ok", 0, [])
