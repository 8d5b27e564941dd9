"""What a provider does in each line of the table in ``docs/models.md``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.misbehaving_server import CUT, HANG, Behaviour
from tests.support.wires import END, TYPES, Wire, chunk, done, head, line, piece, plain, stream

TABLE = Path(__file__).parents[3] / "docs" / "models.md"
TEXTS = ("{}", " ")
Case = Callable[[Wire], list[Behaviour]]


def table() -> dict[str, tuple[int, str, str]]:
    """Failure → tries, what follows, reason; from the document."""
    _, _, text = TABLE.read_text(encoding="utf-8").partition("| failure | tries | then | error |\n")
    rows = {}
    for row in text.splitlines()[1:]:
        if not row.startswith("|"):
            break
        failure, tries, then, error = (cell.strip() for cell in row.strip("|").split("|"))
        assert failure not in rows
        rows[failure] = (int(tries), then, error.strip("`"))
    return rows


def _good(wire: Wire) -> Behaviour:
    return [stream(wire, TEXTS)]


def _begun(wire: Wire, *rest: bytes | float | str) -> Behaviour:
    return [head(200, TYPES[wire]), chunk(piece(wire, "one")), *rest]


def _status(status: int, said: str = "so it is", **headers: str) -> Case:
    return lambda _wire: [[plain(status, {"error": {"message": said}}, **headers)]]


def _once(case: Case) -> Case:
    return lambda wire: [case(wire)[0], _good(wire)]


def _always(make: Callable[[Wire], Behaviour]) -> Case:
    return lambda wire: [make(wire)]


def _error_midway(wire: Wire) -> Behaviour:
    return _begun(
        wire,
        chunk(line(wire, {"error": "the runner died" if wire == "ollama" else {"message": "the runner died"}})),
        END,
    )


def _raw_line(wire: Wire, data: bytes) -> Behaviour:
    return _begun(
        wire, chunk((b"" if wire == "ollama" else b"data: ") + data + b"\n\n"[: 1 if wire == "ollama" else 2]), END
    )


def _long_line(wire: Wire) -> bytes:
    """Nothing in a line of its own that is just short enough."""
    return (b'{"message":{"role":"a"}%s}\n' if wire == "ollama" else b": %s\n") % (b" " * 400_000)


def _no_stream(wire: Wire) -> Behaviour:
    return [head(200, "text/html"), chunk(b"<html>Welcome</html>\n"), END]


CASES: dict[str, Case] = {
    "no first word in time": lambda _wire: [[HANG]],
    "it stops in the middle of the answer": lambda wire: [_begun(wire, HANG)],
    "it goes on, but is not done in time": lambda wire: [_begun(wire, *[0.15, chunk(piece(wire, "on "))] * 40)],
    "slow, but in time": lambda wire: [_begun(wire, *[0.9, chunk(piece(wire, "on"))] * 3, 0.1, chunk(done(wire)), END)],
    "the connection dies before any byte, once": lambda wire: [[CUT], _good(wire)],
    "the connection dies before any byte, always": lambda _wire: [[CUT]],
    "the stream is cut": lambda wire: [_begun(wire, CUT)],
    "the stream ends without its end mark": lambda wire: [_begun(wire, END)],
    "401 or 403": _status(401),
    "a redirect": lambda wire: [[plain(302, {}, Location="/elsewhere")], _good(wire)],
    "404": _status(404, "model 'm' not found"),
    "429 with a short `Retry-After`, once": _once(_status(429, Retry_After="0.02")),
    "429 with a short `Retry-After`, always": _status(429, Retry_After="0.02"),
    "429 with a `Retry-After` over 30 s": _status(429, Retry_After="31"),
    "500 once": _once(_status(500)),
    "500 always": _status(500),
    "an error in the middle of the stream": _always(_error_midway),
    "400": _status(400),
    "400 because the question is too long": _status(400, "the request exceeds the available context size (n_ctx 4096)"),
    "a line that is no JSON": lambda wire: [_raw_line(wire, b"<oops>")],
    "JSON that is no answer": lambda wire: [_raw_line(wire, b'["message"]')],
    "an answer that is not a stream of its wire": _always(_no_stream),
    "a line over 1 MiB": lambda wire: [_begun(wire, *[chunk(b"x" * 65536)] * 32, END)],
    "a body over 16 MiB": lambda wire: [_begun(wire, *[chunk(_long_line(wire))] * 45, HANG)],
    "an answer that is compressed": lambda wire: [[head(200, TYPES[wire], Content_Encoding="gzip"), chunk(b"\x1f\x8b\x08"), END]],
    "an answer over 1 MiB of text": lambda wire: [_begun(wire, *[chunk(piece(wire, "y" * 50_000))] * 40, HANG)],
    "cut at its token limit, with a schema": lambda wire: [[stream(wire, ('{"a": "b',), finish="length")]],
    "cut at its token limit, without a schema": lambda wire: [[stream(wire, ("So it",), finish="length")]],
    "no JSON, with a schema": lambda wire: [[stream(wire, ("Certainly!",))]],
}  # fmt: skip
"""Besides these, ``nothing listens there`` needs no server."""
