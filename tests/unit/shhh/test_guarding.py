"""What every operation passes: requests of denied severities are refused, answers and errors carry no secret."""

from __future__ import annotations

import base64
import threading

import pytest

from chorus_tui.contract.models.blobs import BlobChunk
from chorus_tui.contract.models.hmmm import Say
from chorus_tui.contract.models.shhh import FoundPlace, Scanned
from chorus_tui.contract.models.ucxl import AddressRef, Content, VersionRow
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.journal.interface import BlobHeld, Refused
from chorus_tui.engine.runtime.secrecy.guarding import guarded, redacted
from chorus_tui.engine.shhh.redactor import Redactor

SECRET = "ghp_" + "a1B2" * 9


def door():
    return Redactor().at("answer")


async def call(handler, request=None, name="hmmm.send", denied=()):
    return await guarded({name: handler}, door(), denied)[name](request, None)


async def test_an_answer_is_redacted_at_every_depth():
    """Models in lists in models; what holds nothing is the very same object."""
    answer = Scanned(name=f"x {SECRET}", found=[FoundPlace(rule="a", severity="b", where=SECRET, hash="c")])

    async def handler(_request, _caller):
        return answer

    clean = await call(handler)
    assert "a1B2" not in clean.model_dump_json()
    assert clean.found[0].rule == "a"
    plain = Scanned(name="x", found=[])
    assert redacted(plain, door()) is plain


@pytest.mark.parametrize(
    "error", [Problem(409, "x", SECRET, SECRET, {"f": SECRET}), Refused(SECRET), ValueError(SECRET), BlobHeld(SECRET)]
)
async def test_an_error_is_redacted(error):
    """Whatever was raised, and of whichever kind."""

    async def handler(_request, _caller):
        raise error

    with pytest.raises(Exception) as raised:
        await call(handler)

    assert "a1B2" not in str(raised.value)
    assert "REDACTED" in str(raised.value)


async def test_a_denied_severity_is_refused_by_its_field_and_others_pass():
    """With CHORUS_SHHH_DENY=high a token is not taken; without it is."""
    told = []

    async def handler(request, _caller):
        told.append(request)

    request = Say.model_construct(message=f"use {SECRET}", issue_id="1")
    with pytest.raises(Problem) as raised:
        await call(handler, request, denied=("high",))
    assert (raised.value.status, list(raised.value.fields)) == (422, ["message"])
    assert "a1B2" not in str(raised.value)
    await call(handler, request, denied=("critical",))
    await call(handler, request)

    assert len(told) == 2


async def test_text_in_base64_stays_text_in_base64():
    """Content of others is redacted inside, so that it can still be read."""
    content = BlobChunk(digest="x", size=1, offset=0, data=base64.b64encode(f"a {SECRET} b".encode()).decode())

    async def handler(_request, _caller):
        return content

    answer = await call(handler, AddressRef.model_construct(address="x"), name="ucxl.get")
    text = base64.b64decode(answer.data).decode()
    assert text.startswith("a [REDACTED:github-token:")
    assert text.endswith("] b")


async def content_of(data, *, description="", redactor=None):
    """What ``ucxl.get`` gives of bytes, behind the door."""
    version = VersionRow(
        address="ucxl://a:b@c:d/*^/e", place="a:b@c:d/e", n=1, settled=True, entry="x", author="y", author_name="grace", at=1.0,
        description=description,
    )  # fmt: skip
    answer = Content(version=version, data=base64.b64encode(data).decode())

    async def handler(_request, _caller):
        return answer

    guards = guarded({"ucxl.get": handler}, (redactor or Redactor()).at("answer"), ())
    return await guards["ucxl.get"](AddressRef.model_construct(address="x"), None)


@pytest.mark.parametrize("text", [
    "a [REDACTED:google-api-key:eecf0b31] b, and more words", "password=hunter2hunter2, and more words", f"one {SECRET} two",
    base64.b64encode(b"the key: [REDACTED:google-api-key:eecf0b31] and more").decode(),
])  # fmt: skip
async def test_content_stays_readable_whatever_markers_and_findings_it_has(text):
    """What comes out is base64 of the redacted text; what was redacted already is not touched, however it is encoded."""
    redactor = Redactor()
    clean = redactor.text(text)
    once = await content_of(text.encode(), redactor=redactor)
    twice = await content_of(base64.b64decode(once.data, validate=True), redactor=redactor)

    assert base64.b64decode(once.data, validate=True).decode() == clean
    assert twice.data == once.data
    assert ("[REDACTED:google-api-key:eecf0b31]" in text) <= (clean == text)


async def test_the_other_fields_of_content_are_redacted():
    """Only the field that was judged by what it holds is left as it is."""
    answer = await content_of(b"plain words", description=f"with {SECRET}")

    assert answer.version.description.startswith("with [REDACTED:github-token:")


async def test_what_is_no_text_is_given_whole_or_refused():
    """No marker is put between bytes: a picture passes as it is, one with a token in it is told to be held."""
    picture = b"\x89PNG\xff\xfe" + bytes(range(256))

    assert base64.b64decode((await content_of(picture)).data) == picture
    with pytest.raises(Problem) as raised:
        await content_of(picture + SECRET.encode())
    assert (raised.value.status, raised.value.code) == (409, "held")
    assert "a1B2" not in str(raised.value)


@pytest.mark.parametrize(("words", "elsewhere"), [(100, False), (100_000, True)])
async def test_what_is_large_is_looked_through_in_a_thread(words, elsewhere):
    """Requests and answers: the engine goes on meanwhile."""
    door, threads = Redactor().at("answer"), set()
    plain, find = door.text, door.find
    door.text = lambda text: (threads.add(threading.current_thread()), plain(text))[1]
    door.find = lambda raw: (threads.add(threading.current_thread()), find(raw))[1]

    async def handler(_request, _caller):
        return Scanned(name="x" * words, found=[])

    request = Say.model_construct(message="y" * words, issue_id="1")
    await guarded({"hmmm.send": handler}, door, ("high",))["hmmm.send"](request, None)

    assert threads
    assert (threading.current_thread() not in threads) is elsewhere
