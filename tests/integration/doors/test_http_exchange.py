"""Questions to services outside the mesh, against a real server that misbehaves: one bounded wait, one kind of error, no secret in it."""

from __future__ import annotations

import time

import pytest

from chorus_tui.engine.http_exchange import NoAnswer, ask
from tests.support.misbehaving_server import CUT, HANG, Behaviour, serving
from tests.support.patience import PATIENCE

PATIENT_S = 20.0
"""For what fails for another reason than time, which it is not to be taken for on a busy machine."""
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("behaviour", "why", "within_s"),
    [
        ([HANG], "did not answer within 0.4 s", 0.4),
        ([HEAD + b"Content-Length: 40\r\n\r\n", *[b"{", 0.15] * 20], "did not answer within 0.4 s", 0.4),
        ([HEAD + b"Content-Length: 999999\r\n\r\n" + b"x" * 5000, HANG], "over 1000 bytes", PATIENT_S),
        ([HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"], "compressed", PATIENT_S),
        ([HEAD + b"Content-Length: 9\r\n\r\n{", CUT], "the exchange failed", PATIENT_S),
        ([b"nonsense\r\n\r\n"], "the exchange failed", PATIENT_S),
        ([HEAD + b"Content-Length: 2\r\n\r\n[]"], "no JSON object", PATIENT_S),
        ([HEAD + b"Content-Length: 6000\r\n\r\n" + b"[" * 900, CUT], "the exchange failed", PATIENT_S),
    ],
    ids=["silent", "a drop at a time", "too much", "compressed", "cut", "no HTTP", "no object", "cut in the middle"],
)  # fmt: skip
async def test_whatever_a_service_does_costs_one_bounded_wait(behaviour: Behaviour, why: str, within_s: float):
    """Silence, a trickle, too much, what was not offered, broken ends: told in words, without address or body."""
    async with serving(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match=why) as caught:
            (await ask("GET", f"{server.url}/secret-path", within_s=within_s, bound=1000)).json()
        assert time.monotonic() - began < 2 * PATIENCE
        assert "secret" not in str(caught.value)
        assert str(server.port) not in str(caught.value)


async def test_a_redirect_is_an_answer_and_is_not_followed():
    """Nobody else gets what was meant for the service."""
    elsewhere: Behaviour = [b"HTTP/1.1 307 Go\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"]
    async with serving(elsewhere) as server:
        answer = await ask("POST", server.url, within_s=PATIENT_S, body={"license_id": "prod-123"})
        assert answer.status == 307
        assert [seen.path for seen in server.seen] == ["/"]
