"""UCXI between a program and a real engine: real HTTP, the codes and bodies of every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chorus_tui.contract.ucxl import FORM
from tests.integration.system.peers import Peer, mesh

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
OTHER = "ucxl://bob:developer@shop:api/*^/notes/plan.md"


class Ucxi:
    """A program that speaks UCXI over TCP with a token of some scope."""

    def __init__(self, peer: Peer, scope: str = "operate", **headers: str) -> None:
        lines = (peer.data_dir / "api.tokens").read_text().splitlines()
        token = dict(line.split() for line in lines if line and not line.startswith("#"))[scope]
        port = re.findall(r"api_port\W+(\d+)", peer.log.read_text())[-1]
        headers = headers or {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}/ucxi/v1", headers=headers, timeout=120)

    def __call__(
        self, verb: str, path: str, body: bytes | str | None = None, type_: str = "", **query: Any
    ) -> tuple[int, dict]:
        """Status and the inside of the answer; both must tell the same."""
        headers = {"Content-Type": type_} if type_ else {}
        answer = self.http.request(verb, path, params=query, content=body, headers=headers)
        got = answer.json()
        (kind,) = got
        assert kind == ("response" if answer.status_code < 300 else "error")
        inside = got[kind]
        assert re.fullmatch(rf"UCXL-{answer.status_code}-[A-Z_]+", inside["code"])
        assert re.fullmatch(r"[0-9a-f]{16}", inside["request_id"])
        assert inside["message"] and inside["timestamp"].endswith("Z")
        if kind == "error":
            assert (inside["source"], inside["path"]) == ("ucxi/v1", f"/ucxi/v1/{path}")
        return answer.status_code, inside


@pytest.fixture(scope="module")
def peer(tmp_path_factory) -> Iterator[Peer]:
    with mesh(tmp_path_factory.mktemp("ucxi")) as made:
        (alpha,) = made.grow("alpha", CHORUS_UCXI_ENABLED="true")
        yield alpha


def test_content_is_created_updated_read_and_removed(peer):
    """201 for the first, 200 for more, 409 where there is something already, 410 once it was removed."""
    ask = Ucxi(peer)
    created, first = ask("PUT", "content", "one\n", "text/markdown", address=PLACE, description="first", tags="plan")
    again, second = ask("POST", "content", "mine\n", address=PLACE)
    updated, _ = ask("PUT", "content", "two\n", "text/markdown", address=PLACE)
    status, latest = ask("GET", "content", address=PLACE)

    assert (created, first["code"], first["data"]["version"]["tags"]) == (201, "UCXL-201-CREATED", ["plan"])
    assert (again, second["code"]) == (409, "UCXL-409-CONFLICT")
    assert updated == 200
    assert (status, latest["data"]["content"], latest["data"]["encoding"]) == (200, "two\n", "utf-8")
    assert (latest["data"]["version"]["n"], latest["data"]["version"]["media_type"]) == (2, "text/markdown")
    assert ask("POST", "content", b"\x00\xff", address=OTHER)[1]["code"] == "UCXL-201-CREATED"
    assert ask("GET", "content", address=OTHER)[1]["data"]["encoding"] == "base64"

    several, which = ask("GET", "content", address="ucxl://any:developer@shop:api/*^/notes/plan.md")
    assert (several, which["code"]) == (300, "UCXL-300-MULTIPLE_CHOICES")
    assert which["details"]["candidates"] == [PLACE, OTHER]
    assert ask("DELETE", "content", address=OTHER)[0] == 200
    gone, why = ask("GET", "content", address=OTHER)
    assert (gone, why["code"]) == (410, "UCXL-410-GONE")
    assert ask("GET", "content", address=OTHER.replace("*^", "*~1"))[0] == 200


def test_travel_search_and_who_has_it(peer):
    """Each with its code; what is out of bounds says so with the step in its details."""
    ask, here = Ucxi(peer), "ucxl://cyd:developer@web:site/*^/a.txt"
    for text in ("one", "two", "needle three"):
        ask("PUT", "content", text, address=here)
    status, back = ask("GET", "navigate", address=here, operation="back", steps=2)
    out, beyond = ask("GET", "navigate", address=here, operation="back", steps=3)
    announced, kept = ask("POST", "announce", address=here)

    assert (status, back["data"]["to_version"]) == (200, 1)
    assert (out, beyond["code"], beyond["details"]["maximum"]) == (404, "UCXL-404-OUT_OF_BOUNDS", 3)
    assert (announced, kept["code"], kept["data"]["here"]) == (202, "UCXL-202-ACCEPTED", True)
    assert ask("GET", "discover", address=here)[1]["data"]["sources"] == []
    hits = ask("GET", "query", text="NEEDLE", pattern="ucxl://any:any@web:any/*^/")[1]["data"]["hits"]
    assert [hit["row"]["place"] for hit in hits] == [here]


@pytest.mark.parametrize(("verb", "path", "query", "code"), [
    ("GET", "content", {"address": "ucxl://ana@shop:api/*^/x"}, "UCXL-400-INVALID_ADDRESS"), ("GET", "content", {}, "UCXL-400-MISSING_FIELD"),
    ("GET", "content", {"address": PLACE.replace("plan", "none")}, "UCXL-404-NOT_FOUND"),
    ("GET", "content", {"address": PLACE.replace("*^", "*~99")}, "UCXL-404-OUT_OF_BOUNDS"),
    ("PUT", "content", {"address": "ucxl://any:b@c:d/*^/x"}, "UCXL-422-UNPROCESSABLE"),
    ("PUT", "content", {"address": PLACE.replace("*^", "*~1")}, "UCXL-422-UNPROCESSABLE"),
    ("GET", "navigate", {"address": PLACE, "operation": "sideways"}, "UCXL-422-UNPROCESSABLE"),
    ("GET", "nothing", {}, "UCXL-404-NOT_FOUND"), ("DELETE", "discover", {}, "UCXL-405-METHOD_NOT_ALLOWED"),
    ("GET", "subscribe", {"address": "x"}, "UCXL-400-INVALID_ADDRESS"),
])  # fmt: skip
def test_every_refusal_has_its_code(peer, verb, path, query, code):
    """Whatever is wrong; nothing is answered without one."""
    assert Ucxi(peer)(verb, path, **query)[1]["code"] == code


def test_an_invalid_address_is_told_as_the_standard_wants(peer):
    """Field, what was given, what is expected, the cause."""
    raw = "ucxl://ana@shop:api/*^/x"
    _, error = Ucxi(peer)("GET", "content", address=raw)

    assert (error["cause"], error["details"]["field"], error["details"]["provided"]) == ("parse_error", "address", raw)
    assert error["details"]["expected_format"] == FORM
    assert error["details"]["part"] == {"role": f"agent:role has no colon; like {FORM}"}


def test_more_than_fits_is_refused_before_it_is_read_to_its_end(peer):
    """413, and nothing is stored."""
    status, error = Ucxi(peer)("PUT", "content", b"x" * (16 * 2**20 + 1), address=PLACE.replace("plan", "big"))

    assert (status, error["code"]) == (413, "UCXL-413-PAYLOAD_TOO_LARGE")


def test_tokens_and_scopes_hold_here_too(peer):
    """None and a wrong one are 401; a reader does not write."""
    for header in ({"X-Nothing": "1"}, {"Authorization": "Bearer wrong"}):
        assert Ucxi(peer, **header)("GET", "query")[1]["code"] == "UCXL-401-UNAUTHORIZED"
    reader = Ucxi(peer, "read")
    assert reader("PUT", "content", "x", address=PLACE)[1]["code"] == "UCXL-403-FORBIDDEN"
    assert reader("GET", "query")[0] == 200


def test_a_change_below_an_address_is_told(peer):
    """Server-sent events: what it covers, and nothing else."""
    ask = Ucxi(peer)
    with ask.http.stream("GET", "subscribe", params={"address": "ucxl://any:any@news:any/*^/"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": subscribed"
        ask("PUT", "content", "x", address=PLACE.replace("plan", "elsewhere"))
        ask("PUT", "content", "x", address="ucxl://ana:developer@news:today/*^/a.txt")
        data = next(line for line in lines if line.startswith("data: "))
    told = json.loads(data[6:])["response"]

    assert told["code"] == "UCXL-200-OK"
    assert (told["data"]["place"], told["data"]["latest"]["versions"]) == (
        "ucxl://ana:developer@news:today/*^/a.txt",
        1,
    )


def test_it_is_off_unless_it_is_switched_on(tmp_path):
    """Without the setting there is no such path."""
    with mesh(tmp_path) as made:
        (alpha,) = made.grow("alpha")
        assert alpha.probe("/ucxi/v1/query") == 404
