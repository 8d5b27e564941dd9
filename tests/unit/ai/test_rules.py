"""The pure rules of models: breaker, policy, choice, schemas, event lines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.ai import breaker as b
from chorus_tui.engine.ai import policy
from chorus_tui.engine.ai.choice import Choice, table
from chorus_tui.engine.ai.failures import brief, from_status, retry_after, said_in
from chorus_tui.engine.ai.interface import AiError, Ask, Message, Reason, Usage
from chorus_tui.engine.ai.json_lines import Escaped
from chorus_tui.engine.ai.schema import check_schema, checked
from chorus_tui.engine.ai.server_events import data_lines

ASK = Ask((Message("user", "?"),), None, 16)

# ── breaker ────────────────────────────────────────────────────────────────────────────────────────────────────────

steps = st.lists(st.tuples(st.sampled_from(["ask", "ok", "fail", "cancel", "wait"]), st.floats(0, 120)), max_size=60)


@given(steps)
def test_a_breaker_opens_after_failures_in_a_row_and_tries_one_question_after(history):
    """Against a plain account of what happened: closed below the limit, never two trials, never open beyond its bound."""
    breaker, now, in_a_row, running = b.Breaker(), 0.0, 0, 0
    for what, seconds in history:
        now += seconds
        if what == "ask" and b.admits(breaker, now):
            trial = b.phase(breaker, now) == "half-open"
            assert not (trial and breaker.trial)
            breaker, running = b.begun(breaker, now), running + 1
        elif running and what in {"ok", "fail", "cancel"}:
            running -= 1
            if what == "fail":
                breaker, in_a_row = b.failed(breaker, now), in_a_row + 1
            else:
                breaker, in_a_row = (b.succeeded(), 0) if what == "ok" else (b.abandoned(breaker), in_a_row)
        assert (breaker.until is None) == (in_a_row < b.FAILURES_TO_OPEN)
        assert breaker.until is None or breaker.until - now <= b.LONGEST_PAUSE_S


def test_a_failed_trial_doubles_the_pause_up_to_its_bound():
    """10 s, 20, 40 … 300; one success and the next pause is the first again."""
    breaker, now, pauses = b.Breaker(failures=2), 0.0, []
    for _ in range(8):
        breaker = b.failed(breaker, now)
        pauses.append(breaker.until - now)
        now = breaker.until
        breaker = b.begun(breaker, now)

    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]
    assert not b.admits(breaker, now + 1000), "the trial still runs"
    assert b.admits(b.abandoned(breaker), now)
    assert b.succeeded() == b.Breaker()


@given(st.floats(0, 1e6), st.floats(-10, 1e9))
def test_a_pause_that_was_asked_for_is_kept_within_bounds(now, seconds):
    """Whatever a provider asks, it is at most five minutes, and never shortens a pause that runs."""
    open_until = b.Breaker(until=now + 100)
    breaker = b.told_to_wait(open_until, now, seconds)

    assert now + 100 <= breaker.until <= now + b.LONGEST_PAUSE_S


# ── policy ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_reason_has_its_step():
    """Those that lie with a provider lead to the next one in the end, all others to who asked."""
    of_the_question = {"bad_request", "context_too_long", "no_provider", "all_failed"}
    for reason in get_args(Reason):
        step = policy.next_step(AiError(reason, "", retryable=True), 99)
        assert step == ("raise" if reason in of_the_question else "next")
        assert policy.counts(AiError(reason, "", retryable=True)) == (
            reason not in of_the_question | {"rate_limited", "model_missing"}
        )


@given(st.integers(1, 20), st.floats(0, 1), st.one_of(st.none(), st.floats(0, 1e6)))
def test_pauses_grow_with_jitter_and_keep_to_what_was_asked(tries, chance, asked):
    """Never under what the provider asked for (within 30 s), never over the longest pause but for that."""
    pause = policy.pause(AiError("rate_limited", "", retry_after=asked), tries, chance)

    assert pause >= min(asked or 0.0, policy.LONGEST_WAIT_S)
    assert 0.25 <= pause <= max(policy.LONGEST_PAUSE_S, min(asked or 0.0, policy.LONGEST_WAIT_S))


# ── choice ─────────────────────────────────────────────────────────────────────────────────────────────────────────

CHOICE = Choice(
    {"ollama": "small", "resetdata": "big"},
    table({"reviewer": "careful", "*/plan": {"resetdata": "planner"}, "Reviewer/Plan": {"ollama": "both"}}, "ollama"),
)


@pytest.mark.parametrize(
    ("ask", "provider", "model"),
    [
        (ASK, "ollama", "small"),
        (ASK, "resetdata", "big"),
        (replace(ASK, role="reviewer"), "ollama", "careful"),
        (replace(ASK, role="reviewer"), "resetdata", "big"),
        (replace(ASK, role="Reviewer", kind="plan"), "ollama", "both"),
        (replace(ASK, role="reviewer", kind="plan"), "resetdata", "planner"),
        (replace(ASK, role="developer", kind="plan"), "ollama", "small"),
        (replace(ASK, role="reviewer", model="this"), "resetdata", "this"),
    ],
)
def test_the_most_exact_choice_counts(ask, provider, model):
    """What is asked for, role and kind, kind, role, default; each for its provider only."""
    assert CHOICE.model(ask, provider) == model


def test_all_models_that_may_be_chosen_are_named_once():
    """The defaults first."""
    assert CHOICE.names() == ("small", "big", "careful", "planner", "both")


# ── schemas ────────────────────────────────────────────────────────────────────────────────────────────────────────

BOUND = {"type": "string", "maxLength": 9}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "schema needs maxLength"),
        ({"type": "object", "properties": {"a": {"type": "array", "items": BOUND}}}, "schema.a needs maxItems"),
        ({"type": "array", "maxItems": 2, "items": {"type": ["null", "string"]}}, "schema.items needs maxLength"),
        ({"anyOf": [BOUND, {"type": "string"}]}, r"schema.anyOf\[1\] needs maxLength"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array"}}}, "schema.A needs maxItems"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "schema.additionalProperties needs maxLength"),
    ],
)
def test_a_schema_without_bounds_is_refused_before_it_is_asked(schema, said):
    """The error names the place."""
    with pytest.raises(AiError, match=said) as caught:
        check_schema(replace(ASK, schema=schema))
    assert caught.value.reason == "bad_request"


def test_a_bounded_schema_passes_and_so_does_none():
    """Enumerations and constants bound themselves."""
    fixed = {"type": "string", "enum": ["a"]}
    whole = {
        "type": "object",
        "properties": {"a": fixed, "b": {"type": "array", "maxItems": 3, "items": BOUND}, "c": {"const": "x"}},
    }
    for schema in (None, whole, {"type": "integer"}):
        check_schema(replace(ASK, schema=schema))


@pytest.mark.parametrize("text", ["{}", '{"a": "b'])
def test_what_was_cut_is_no_answer_by_schema(text):
    """Whole by chance or not: the error names the limit, so that who asked knows what to change."""
    with pytest.raises(AiError, match="cut at 16 tokens"):
        checked(replace(ASK, schema={"type": "object"}), text, "length", Usage(1, 16))


def test_a_schema_nested_without_end_is_refused():
    """However deep, it ends in an error, not in the process's end."""
    schema = {"type": "integer"}
    for _ in range(5000):
        schema = {"anyOf": [schema]}
    with pytest.raises(AiError, match="nested too deep"):
        check_schema(replace(ASK, schema=schema))


@given(
    st.one_of(
        st.text(max_size=40),
        st.recursive(
            st.integers(), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=3), x, max_size=2)
        ).map(json.dumps),
    )
)
def test_an_answer_by_schema_is_an_object_or_an_error(text):
    """Whatever a model says, with an object asked for: JSON of that kind, or ``bad_answer`` with what it cost."""
    ask = replace(ASK, schema={"type": "object"})
    if _is_object(text):
        assert checked(ask, text, "stop", Usage(1, 2)) == text
        assert checked(ask, f"```json\n{text}\n```\n", "stop", Usage()) == text
        return
    with pytest.raises(AiError) as caught:
        checked(ask, text, "stop", Usage(1, 2))
    assert (caught.value.reason, caught.value.retryable, caught.value.usage) == ("bad_answer", False, Usage(1, 2))


def _is_object(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


# ── words and lines ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_provider_says_is_one_plain_line():
    """No terminal control, no line end, bounded."""
    assert brief("a\x1b[2J\nb\u202ec   d") == "a [2J b c d"
    assert len(brief("x" * 10_000)) == 4000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": {"message": "no"}}', "no"),
        ('{"error": "no"}', "no"),
        ('{"detail": "no"}', "no"),
        ("no", "no"),
        ("[" * 100_000, "[" * 100_000),
        ({"message": "no"}, "no"),
    ],
)  # fmt: skip
def test_the_words_of_an_error_are_found_where_services_put_them(body, said):
    """And a body that is none of these forms is shown as it is."""
    assert said_in(body) == said


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:20 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 20.0),
        ({"Retry-After": "Sat, 21 Nov 2026 10:00:20 GMT"}, None),
    ],
)  # fmt: skip
def test_a_pause_is_read_in_both_forms(headers, seconds):
    """A date counts from the answer's own, whatever our clock says."""
    assert retry_after(headers) == seconds


@given(st.integers(300, 599))
def test_every_status_has_a_reason_and_a_sentence(status):
    """No status of a failure is taken for an answer, and each names who it was."""
    error = from_status(status, "x", "here", model="m", key="KEY")
    assert error.reason in policy.RETRIED or error.reason in {"bad_request", "context_too_long"}
    assert "here" in str(error) or "'m'" in str(error)


odd = st.sampled_from(["a\u2028b", "\u0085", "\u2029\x0b\x1c"])
texts = st.lists(
    odd | st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20), max_size=8
)


@given(texts, st.sampled_from(["\n", "\r\n", "\r"]), st.data())
async def test_event_lines_are_the_same_however_they_are_cut(lines, end, data):
    """Only LF, CR LF and CR end a line; U+2028 and its like do not; comments and other fields are passed over."""
    raw = "".join(f": note{end}event: x{end}data: {line}{end}{end}" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    parts = [raw[a:c] for a, c in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    async def come():
        for part in parts:
            yield part

    assert [line async for line in data_lines(come())] == lines


class Parts(httpx.AsyncByteStream):
    """A body in these parts."""

    def __init__(self, parts):
        self.parts = parts

    async def __aiter__(self):
        for part in self.parts:
            yield part


@given(st.lists(odd | st.text(max_size=20), max_size=8), st.data())
async def test_json_lines_mean_the_same_after_escaping(values, data):
    """However a body is cut, httpx' own line decoder then finds each JSON value whole."""
    raw = "".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values).encode("utf-8", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    parts = [raw[a:c] for a, c in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    response = httpx.Response(200, stream=Escaped(Parts(parts)))

    assert [json.loads(line) async for line in response.aiter_lines()] == values
