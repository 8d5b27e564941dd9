"""From what went wrong on the wire to an error for people: one place, so that all providers fail in the same words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

import httpx

from chorus_tui.engine.ai.interface import AiError, Usage
from chorus_tui.engine.ai.transport import ElsewhereRefused, OverTheBound

LONGEST_WORDS = 4000


def brief(text: object) -> str:
    """What a provider said of its error, in one line without control characters.

    Bounded, but far beyond what is shown: a secret in it must reach the redactor whole, and is cut short only after.
    """
    plain = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in str(text)[:LONGEST_WORDS])
    return " ".join(plain.split())


_REFUSED = {401, 403}
_TOO_LONG = (
    "context length",
    "context size",
    "context window",
    "exceed_context",
    "context_length",
    "prompt is too long",
)


def from_status(
    status: int, said: object, where: str, *, model: str, key: str, retry_after: float | None = None
) -> AiError:
    """The error for an HTTP status. ``where`` names provider and address, ``key`` the setting that holds its key."""
    words = brief(said_in(said))
    detail = f". It says: {words}" if words else ""
    if status in _REFUSED:
        way_out = f"check {key}" if key else "it wants a key, and this provider is given none"
        return AiError("provider_refused", f"{where} refused us with {status}; {way_out}{detail}")
    if 300 <= status < 400:
        return AiError(
            "provider_refused", f"{where} answers with a redirect, which is never followed; set the final address{detail}"
        )  # fmt: skip
    if status == 429:
        asked = f" for {retry_after:g} s" if retry_after else ""
        return AiError(
            "rate_limited", f"{where} asks us to wait{asked}{detail}", retryable=True, retry_after=retry_after
        )  # fmt: skip
    if status == 404:
        return AiError("model_missing", f"{where} does not have {model!r}, or its address is wrong (404){detail}")
    if status == 413 or (status in (400, 422) and any(sign in words.lower() for sign in _TOO_LONG)):
        return AiError("context_too_long", f"The question is too long for {model!r}; ask with less{detail}")
    if status >= 500:
        return AiError(
            "provider_error", f"{where} failed with {status}{detail}", retryable=True, retry_after=retry_after
        )
    return AiError("bad_request", f"{where} does not take this question ({status}){detail}")


def said_in(body: object) -> object:
    """The words in an error's body: services put them under ``error``, ``error.message``, ``message`` or ``detail``."""
    value = body
    if isinstance(body, str):
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
    for name in ("error", "message", "detail"):
        if isinstance(value, dict) and value.get(name):
            value = value[name]
    return value


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. A date counts from the answer's own ``Date``, so that the machines' clocks need not agree."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
        except (ValueError, TypeError):
            return None
    return seconds if 0 <= seconds < 1e9 else None


def broke_off(where: str, why: str, usage: Usage | None) -> AiError:
    """The connection ended before the answer did."""
    return AiError("provider_broke_off", f"{where} broke off: {why}", retryable=True, usage=usage)


def garbled(where: str, why: str, usage: Usage | None) -> AiError:
    """What came is not what the wire format allows."""
    return AiError("bad_answer", f"{where} sent what no answer looks like: {why}", retryable=True, usage=usage)


@contextmanager
def told(where: str, setting: str) -> Iterator[None]:
    """What httpx raises, in our words. ``setting`` is the variable that holds the address."""
    try:
        yield
    except ElsewhereRefused as error:
        raise AiError("provider_refused", f"{where}: {error}; check {setting}") from error
    except OverTheBound as error:
        raise garbled(where, str(error), None) from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise unreachable(where, setting, error) from error
    except httpx.TimeoutException as error:
        raise AiError("provider_timeout", f"{where} did not answer in time", retryable=True) from error
    except (httpx.TransportError, httpx.StreamError) as error:
        raise broke_off(where, brief(error) or type(error).__name__, None) from error
    except httpx.DecodingError as error:
        raise garbled(where, brief(error), None) from error


def unreachable(where: str, setting: str, why: object) -> AiError:
    """Nothing listens there, or the name is unknown."""
    return AiError(
        "provider_unreachable", f"{where} cannot be reached; is it running? {setting} says where. {brief(why)}", retryable=True
    )  # fmt: skip
