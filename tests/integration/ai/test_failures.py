"""The table "failure → retry, fallback or typed error" of ``docs/models.md``, line by line, over both wires."""

from __future__ import annotations

import json
from functools import partial

import pytest
import trio

from chorus_tui.engine.ai import policy
from chorus_tui.engine.ai.chain import ModelChain, Timeouts
from chorus_tui.engine.ai.choice import Choice
from chorus_tui.engine.ai.interface import AiError, Ask, Message, Usage
from chorus_tui.engine.ai.ollama import OllamaProvider
from chorus_tui.engine.ai.openai_compatible import OpenAiCompatibleProvider
from chorus_tui.engine.clock import SeededEntropy, SystemClock
from tests.integration.ai.failures import CASES, table
from tests.support.held_port import held_port
from tests.support.misbehaving_server import serving
from tests.support.patience import PATIENCE
from tests.support.wires import PATHS, stream

NOWHERE = "nothing listens there"
KEY = "key-of-the-provider-0123456789"
PATIENT = Timeouts(first=10.0, between=10.0, whole=30.0)
"""For what fails for another reason than time: how long a busy machine takes for it is not what is tested."""
OF_TIME = {
    "no first word in time": Timeouts(first=2.0, between=10.0, whole=30.0),
    "it stops in the middle of the answer": Timeouts(first=10.0, between=1.5, whole=30.0),
    "it goes on, but is not done in time": Timeouts(first=10.0, between=10.0, whole=2.0),
    "slow, but in time": Timeouts(first=2.5, between=2.5, whole=30.0),
}
BOTH = pytest.mark.parametrize("wire", ["ollama", "openai"])
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


def provider(wire, url, name="first"):
    """One over ``wire``; both are named freely here, which the chain does not mind."""
    made = OllamaProvider(url) if wire == "ollama" else OpenAiCompatibleProvider(name, f"{url}/v1", KEY, "RESETDATA")
    made.name = name
    return made


def chain(*providers, redact=str, limits=PATIENT):
    """A chain of them, in this order."""
    choice = Choice({made.name: "m" for made in providers})
    return ModelChain(providers, choice, redact, SystemClock(), SeededEntropy(1), limits)


def question(failure="", text="Say it"):
    """One, with a schema where the failure is about one."""
    return Ask((Message("user", text),), SCHEMA if failure.endswith("with a schema") else None, 16)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(policy, "FIRST_PAUSE_S", 0.02)


@pytest.fixture
def dead_port():
    """A port at which nothing listens."""
    with held_port() as port:
        yield port


def test_every_line_of_the_table_has_a_test_and_every_test_a_line():
    """The document says what the tests show, neither more nor less."""
    assert set(table()) == {NOWHERE, *CASES}


@BOTH
@pytest.mark.parametrize("failure", list(CASES))
async def test_a_line_of_the_table(wire, failure):
    """As many tries as the line says, then the error, the next provider, or an answer; nothing that was spent is lost."""
    tries, then, reason = table()[failure]
    limits = OF_TIME.get(failure, PATIENT)
    async with serving(*CASES[failure](wire)) as first, serving([stream("openai", ["fine"])]) as second:
        alone = chain(provider(wire, first.url), limits=limits)
        if then == "answer":
            answer = await alone.ask(question(failure))
            assert answer.provider == "first"
        else:
            with pytest.raises(AiError) as caught:
                await alone.ask(question(failure))
            assert (caught.value.reason, caught.value.usage.total) == (reason, alone.health()[0].tokens)
        assert len(first.seen) == tries

        first.seen.clear()
        both = chain(provider(wire, first.url), provider("openai", second.url, "second"), limits=limits)
        if then == "error":
            with pytest.raises(AiError) as caught:
                await both.ask(question(failure))
            assert (caught.value.reason, len(second.seen)) == (reason, 0)
        else:
            answer = await both.ask(question(failure))
            assert answer.provider == ("first" if then == "answer" else "second")
            assert answer.usage.total == sum(health.tokens for health in both.health())
        assert len(first.seen) == tries


@BOTH
async def test_nothing_listens(wire, dead_port):
    """The line of the table that has no server."""
    tries, then, reason = table()[NOWHERE]
    alone = chain(provider(wire, f"http://127.0.0.1:{dead_port}"))
    with pytest.raises(AiError, match="cannot be reached") as caught:
        await alone.ask(question())

    assert (alone.health()[0].asked, then, caught.value.reason) == (tries, "next provider", reason)
    async with serving([stream("openai", ["fine"])]) as second:
        both = chain(provider(wire, f"http://127.0.0.1:{dead_port}"), provider("openai", second.url, "second"))
        assert (await both.ask(question())).text == "fine"


async def test_when_all_fail_each_reason_is_told(dead_port):
    """One error for the chain: retryable if one of them is, with a sentence of each."""
    async with serving(*CASES["401 or 403"]("openai")) as refusing:
        both = chain(provider("ollama", f"http://127.0.0.1:{dead_port}"), provider("openai", refusing.url, "second"))
        with pytest.raises(AiError) as caught:
            await both.ask(question())

    assert (caught.value.reason, caught.value.retryable) == ("all_failed", True)
    assert "cannot be reached" in str(caught.value)
    assert "refused us with 401; check RESETDATA_API_KEY. It says: so it is" in str(caught.value)


@BOTH
async def test_pieces_that_were_shown_are_not_said_twice(wire):
    """With a listener a cut stream is not repeated, here or elsewhere, and what came is charged."""
    shown = []
    async with serving(*CASES["the stream is cut"](wire)) as first, serving([stream("openai", ["fine"])]) as second:
        both = chain(provider(wire, first.url), provider("openai", second.url, "second"))

        async def show(piece):
            shown.append(piece)

        with pytest.raises(AiError) as caught:
            await both.ask(question(), show)

    assert (shown, caught.value.reason, caught.value.usage) == (["one"], "provider_broke_off", Usage(0, 1))
    assert (len(first.seen), len(second.seen)) == (1, 0)


@BOTH
async def test_tokens_of_failed_tries_are_charged(wire):
    """A cut answer counts a token a piece, and is added to what the answer at last cost."""
    async with serving(CASES["the stream is cut"](wire)[0], [stream(wire, ["a", "b"], prompt=10)]) as server:
        answer = await chain(provider(wire, server.url)).ask(question())

    assert (answer.text, answer.usage) == ("ab", Usage(10, 3))


@BOTH
async def test_letters_that_some_take_for_line_ends_are_text(wire, monkeypatch):
    """U+0085, U+2028 and U+2029, sent raw as JSON allows it, come through whole."""
    odd = "a\u0085b\u2028c\u2029d"
    monkeypatch.setattr(json, "dumps", partial(json.dumps, ensure_ascii=False))
    whole = stream(wire, [odd, "e"])
    assert odd.encode() in whole
    async with serving([whole]) as server:
        assert (await chain(provider(wire, server.url)).ask(question())).text == f"{odd}e"


@BOTH
async def test_a_provider_that_fails_is_left_alone(wire):
    """After three failures in a row nobody asks it, until its time is over; the error says why and for how long."""
    async with serving(*CASES["500 always"](wire)) as server:
        models = chain(provider(wire, server.url))
        with pytest.raises(AiError):
            await models.ask(question())
        seen = len(server.seen)
        with pytest.raises(
            AiError, match=r"is left alone for 10 s, because: .*failed with 500. It says: so it is"
        ) as caught:
            await models.ask(question())

        assert (len(server.seen), caught.value.reason) == (seen, "provider_error")
        assert (models.health()[0].state, models.available) == ("open", False)


@BOTH
async def test_a_pause_that_was_asked_for_is_kept(wire):
    """A provider that asks for more than we wait is left alone for that long, although it failed once only."""
    async with serving(*CASES["429 with a `Retry-After` over 30 s"](wire)) as server:
        models = chain(provider(wire, server.url))
        with pytest.raises(AiError):
            await models.ask(question())

        assert "left alone for 31 s" in models.health()[0].detail


@BOTH
async def test_what_goes_to_a_model_is_redacted_and_so_is_what_it_says_of_errors(wire):
    """Every message and text of a schema passes the redactor; an error that repeats our key does not."""
    secret = "hunter2hunter2"
    async with serving([_plain_error(secret)]) as server:
        models = chain(provider(wire, server.url), redact=lambda text: text.replace(secret, "[gone]"))
        ask = Ask(
            (Message("system", f"You know {secret}"), Message("user", secret)), {"type": "string", "enum": [secret]}, 16
        )
        with pytest.raises(AiError) as caught:
            await models.ask(ask)

    assert secret.encode() not in server.seen[0].body
    assert server.seen[0].body.count(b"[gone]") == 3
    assert secret not in str(caught.value)
    assert secret not in models.health()[0].detail


@BOTH
async def test_a_secret_is_redacted_wherever_an_error_is_cut_short(wire):
    """The error is cut after it was redacted, so that no half of a secret is left at its end."""
    secret = "hunter2hunter2"
    for before in range(250, 420, 7):
        async with serving([_plain_error("x" * before + secret + "y" * 5000)]) as server:
            models = chain(provider(wire, server.url), redact=lambda text: text.replace(secret, "[gone]"))
            with pytest.raises(AiError) as caught:
                await models.ask(question())
        assert "hunter" not in str(caught.value)
        assert len(str(caught.value)) <= 401


def _plain_error(said):
    body = json.dumps({"error": f"what is {said}?"}).encode()
    return b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)


@BOTH
async def test_no_key_and_no_proxy_of_the_environment_is_used(wire, monkeypatch, dead_port):
    """What libraries take from the environment goes nowhere; our own key goes to its provider."""
    monkeypatch.setenv("OLLAMA_API_KEY", "key-of-somebody-else")
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1:1")
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{dead_port}")
    async with serving([stream(wire, ["fine"])]) as server:
        await chain(provider(wire, server.url)).ask(question())

    assert server.seen[0].headers.get("authorization") == (None if wire == "ollama" else f"Bearer {KEY}")
    assert server.seen[0].headers["accept-encoding"] == "identity"


@BOTH
async def test_a_redirect_takes_the_question_nowhere(wire):
    """Neither the question nor the key reaches the address a redirect names."""
    async with serving([b""]) as elsewhere:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}{PATHS[wire]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        async with serving([moved.encode()]) as server:
            with pytest.raises(AiError, match="redirect, which is never followed"):
                await chain(provider(wire, server.url)).ask(question())

    assert elsewhere.seen == []


@BOTH
async def test_a_question_can_be_cancelled_at_any_moment(wire):
    """Within half a second, with nothing left behind; a trial that was cancelled leaves the breaker as it was."""
    async with serving(*CASES["it stops in the middle of the answer"](wire)) as server:
        models = chain(provider(wire, server.url))
        with trio.fail_after(20):
            began = trio.current_time()
            with trio.move_on_after(0.1) as scope:
                await models.ask(question())
            assert scope.cancelled_caught
            assert trio.current_time() - began < 0.5 * PATIENCE
        assert models.available


@BOTH
async def test_an_error_of_the_listener_is_its_own(wire):
    """What ``on_text`` raises comes out as it is, and says nothing against the provider."""
    async with serving([stream(wire, ["fine"])]) as server:
        models = chain(provider(wire, server.url))

        async def break_(_piece):
            raise ConnectionResetError("my own")

        with pytest.raises(ConnectionResetError, match="my own"):
            await models.ask(question(), break_)
        assert (models.health()[0].failed, models.health()[0].state) == (0, "ok")


async def test_without_a_provider_nothing_is_asked():
    """The error says what to set."""
    none = chain()
    with pytest.raises(AiError, match="CHORUS_AI_PROVIDER") as caught:
        await none.ask(question())

    assert (caught.value.reason, none.available, none.health(), none.names()) == ("no_provider", False, (), ())
