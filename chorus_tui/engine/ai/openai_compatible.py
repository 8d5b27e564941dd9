"""Any service that speaks OpenAI's chat completions, such as ResetData or llama.cpp's server, over plain httpx.

Its key goes to its own address only. Answers stream as server-sent events; the tokens used come in the stream's last event.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from chorus_tui.engine.ai import failures
from chorus_tui.engine.ai.interface import AiError, Ask, Finish, Usage
from chorus_tui.engine.ai.provider import Gathered, OnPiece, Reply, told_usage
from chorus_tui.engine.ai.server_events import END, data_lines
from chorus_tui.engine.ai.transport import Way, timeouts


class OpenAiCompatibleProvider:
    """One service. ``base_url`` ends with its version, such as ``https://host/v1``; ``setting`` names the variables'
    common beginning, such as ``RESETDATA``, for errors. Holds no connection between questions."""

    def __init__(self, name: str, base_url: str, key: str, setting: str) -> None:
        self.name = name
        self.endpoint = base_url.rstrip("/")
        self._way = Way(self.endpoint, key)
        self._where = f"{name} at {self.endpoint}"
        self._url_setting, self._key_setting = f"{setting}_BASE_URL", f"{setting}_API_KEY"

    async def ask(self, ask: Ask, model: str, on_piece: OnPiece) -> Reply:
        gathered = Gathered(on_piece)
        finish: Finish | None = None
        async with self._call("POST", "/chat/completions", model, _body(ask, model)) as response:
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                raise failures.garbled(self._where, "it does not stream events", None)
            # A question that is cancelled in the loop must close the generator at once.
            async with aclosing(data_lines(response.aiter_bytes())) as lines:
                async for data in lines:
                    if data == END:
                        break
                    piece, ended = self._event(data, gathered)
                    finish = ended or finish
                    await gathered.add(piece)
        if finish is None:
            raise failures.broke_off(self._where, "the stream ended before the answer did", gathered.usage)
        return Reply(gathered.text, gathered.usage or Usage(), finish)

    async def probe(self, model: str) -> None:
        try:
            async with self._call("GET", "/models", model) as response:
                body = await response.aread()
        except AiError as error:
            if error.reason == "model_missing":
                return  # A service need not list its models; that it answers is what we can know.
            raise
        try:
            found = {str(entry["id"]) for entry in json.loads(body)["data"]}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise failures.garbled(self._where, "its list of models is none", None) from error
        if found and model not in found:
            raise AiError("model_missing", f"{self._where} does not list {model!r} among its {len(found)} models")

    @asynccontextmanager
    async def _call(
        self, method: str, path: str, model: str, body: dict[str, Any] | None = None
    ) -> AsyncIterator[httpx.Response]:
        """A good answer's response; every other one as an error."""
        with failures.told(self._where, self._url_setting):
            async with (
                httpx.AsyncClient(
                    transport=self._way.transport(), timeout=timeouts(), follow_redirects=False, trust_env=False
                ) as client,
                client.stream(method, self.endpoint + path, json=body) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    said = (await response.aread()).decode("utf-8", "replace")
                    raise failures.from_status(
                        response.status_code, said, self._where, model=model, key=self._key_setting,
                        retry_after=failures.retry_after(response.headers),
                    )  # fmt: skip
                yield response

    def _event(self, data: str, gathered: Gathered) -> tuple[str, Finish | None]:
        """The piece of one event, and how the answer ended if it did."""
        try:
            event = json.loads(data)
            if event.get("error"):
                words = failures.brief(failures.said_in(event))
                raise AiError("provider_error", f"{self._where} gave up in the middle: {words}", retryable=True)
            if usage := event.get("usage"):
                gathered.usage = told_usage(usage["prompt_tokens"], usage["completion_tokens"])
            choices = event.get("choices") or [{}]
            piece = (choices[0].get("delta") or {}).get("content") or ""
            if not isinstance(piece, str):
                raise TypeError("content is no text")
            return piece, self._finish(choices[0].get("finish_reason"), gathered)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise failures.garbled(self._where, f"{type(error).__name__} in an event", gathered.usage) from error

    def _finish(self, word: object, gathered: Gathered) -> Finish | None:
        if word is None:
            return None
        if word == "content_filter":
            raise AiError(
                "bad_answer", f"{self._where} withheld the answer by its content filter", usage=gathered.usage
            )
        return "length" if word == "length" else "stop"


def _body(ask: Ask, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if ask.seed is not None:
        body["seed"] = ask.seed
    if ask.schema is not None:
        form = {"name": "answer", "schema": dict(ask.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body
