"""How Ollama and OpenAI-compatible services write their answers: bytes for servers made for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

Wire = Literal["ollama", "openai"]
PATHS = {"ollama": "/api/chat", "openai": "/v1/chat/completions"}
LISTS = {"ollama": "/api/tags", "openai": "/v1/models"}
TYPES = {"ollama": "application/x-ndjson", "openai": "text/event-stream"}
REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


def head(status: int, type_: str, **headers: str) -> bytes:
    """Of a chunked answer."""
    given = {"Content-Type": type_, "Transfer-Encoding": "chunked", "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Said')}", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def plain(status: int, value: Any, **headers: str) -> bytes:
    """A whole answer that does not stream."""
    return head(status, "application/json", **headers) + chunk(json.dumps(value).encode()) + END


def line(wire: Wire, value: Any) -> bytes:
    """One JSON value of a stream."""
    text = json.dumps(value).encode()
    return text + b"\n" if wire == "ollama" else b"data: " + text + b"\n\n"


def piece(wire: Wire, text: str, model: str = "m") -> bytes:
    """A piece of an answer."""
    if wire == "ollama":
        return line(wire, {"model": model, "message": {"role": "assistant", "content": text}, "done": False})
    return line(
        wire,
        {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        },
    )


def done(wire: Wire, prompt: int = 7, completion: int = 2, finish: str = "stop", model: str = "m") -> bytes:
    """The end of an answer, with the tokens used."""
    if wire == "ollama":
        last = {"model": model, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": finish}
        return line(wire, {**last, "prompt_eval_count": prompt, "eval_count": completion})
    ended = line(wire, {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return ended + line(wire, {"choices": [], "usage": usage}) + b"data: [DONE]\n\n"


def stream(wire: Wire, texts: Sequence[str], *, prompt: int = 7, finish: str = "stop", model: str = "m") -> bytes:
    """A whole good answer."""
    parts = [piece(wire, text, model) for text in texts] + [done(wire, prompt, len(texts), finish, model)]
    return head(200, TYPES[wire]) + b"".join(map(chunk, parts)) + END


def listed(wire: Wire, *models: str) -> bytes:
    """The list of models."""
    if wire == "ollama":
        return plain(200, {"models": [{"name": name, "model": name} for name in models]})
    return plain(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in models]})
