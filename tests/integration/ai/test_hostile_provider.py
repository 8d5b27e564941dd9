"""A provider that says anything at all: an answer, or one of our errors, and never a crash or a wrong count."""

from __future__ import annotations

import json

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chorus_tui.engine.ai.interface import AiError, Ask, Message
from chorus_tui.engine.ai.ollama import OllamaProvider
from chorus_tui.engine.ai.openai_compatible import OpenAiCompatibleProvider
from tests.support.misbehaving_server import serving
from tests.support.wires import END, TYPES, chunk, head

ASK = Ask((Message("user", "?"),), None, 16)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def near(**fields):
    """An object with these fields, as they should be; or one in which some are anything, or left out."""
    loose = {name: good | values for name, good in fields.items()}
    return st.fixed_dictionaries(fields) | st.fixed_dictionaries(loose) | st.fixed_dictionaries({}, optional=loose)


text = st.text(max_size=8)
numbers = st.integers() | st.sampled_from([float("inf"), float("nan"), -1, 10**30])
LINES = {
    "ollama": near(
        model=text, message=near(role=st.just("assistant"), content=text), done=st.booleans(), done_reason=text,
        prompt_eval_count=numbers, eval_count=numbers, error=st.just(""),
    ),
    "openai": near(
        choices=st.lists(near(delta=near(content=text), finish_reason=st.none() | text), max_size=2),
        usage=near(prompt_tokens=numbers, completion_tokens=numbers), error=st.none(),
    ),
}  # fmt: skip


@st.composite
def bodies(draw, wire):
    """Lines that are nearly right, and some that are not lines at all."""
    lines = []
    for value in draw(st.lists(LINES[wire] | values, max_size=5)):
        raw = json.dumps(value).encode()
        lines.append(raw + b"\n" if wire == "ollama" else b"data: " + raw + b"\n\n")
    junk = draw(st.just([]) | st.lists(st.binary(max_size=20), max_size=2))
    return b"".join(draw(st.permutations([*lines, *junk])))


@pytest.mark.parametrize("wire", ["ollama", "openai"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
async def test_whatever_it_says_is_an_answer_or_an_error_of_ours(wire, data):
    """Any status, any body, over a real socket; no count is negative."""
    status = data.draw(st.sampled_from([200, 200, 200, 200, 200, 200, 204, 400, 404, 429, 500]))
    body = data.draw(bodies(wire))
    sent = [head(status, TYPES[wire], Retry_After=data.draw(st.sampled_from(["1", "x", "inf", "-1"])))]
    sent += [chunk(body)] if body else []
    async with serving([*sent, END]) as server:
        provider = (
            OllamaProvider(server.url)
            if wire == "ollama"
            else OpenAiCompatibleProvider("p", f"{server.url}/v1", "", "P")
        )
        try:
            reply = await provider.ask(ASK, "m", _take)
        except AiError as error:
            told = error.usage
        else:
            told = reply.usage
            assert reply.finish in {"stop", "length"}
        assert told.prompt >= 0 <= told.completion
        with trio.move_on_after(5):
            await _look(provider)


async def _take(piece):
    assert isinstance(piece, str)


async def _look(provider):
    """Its list of models is as little believed."""
    try:
        await provider.probe("m")
    except AiError:
        return
