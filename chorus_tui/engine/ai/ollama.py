"""Ollama, by its own client.

What that client does by itself and is kept from here: it waits for ever (the chain's time-outs end it), takes its host and a
key from the environment (the host is given, the transport drops the key), follows redirects and environment proxies (both
off), and lets four families of errors through (all are told in our words). A stream that ends without ``done`` ends
silently there; here it broke off. A letter at which its line decoder cuts a line is escaped before it comes there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import httpx
import ollama

from chorus_tui.engine.ai import failures
from chorus_tui.engine.ai.interface import AiError, Ask, Finish
from chorus_tui.engine.ai.json_lines import Escaped
from chorus_tui.engine.ai.provider import Gathered, OnPiece, Reply, told_usage
from chorus_tui.engine.ai.transport import Way, timeouts

NAME, SETTING = "ollama", "OLLAMA_ENDPOINT"


class OllamaProvider:
    """One Ollama server at ``endpoint``, an address with its scheme. Holds no connection between questions."""

    name = NAME

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._way = Way(endpoint)
        self._where = f"{NAME} at {endpoint}"

    async def ask(self, ask: Ask, model: str, on_piece: OnPiece) -> Reply:
        gathered = Gathered(on_piece)
        async with self._client(model) as client:
            stream: Any = await client.chat(
                model,
                [{"role": message.role, "content": message.content} for message in ask.messages],
                stream=True,
                format=dict(ask.schema) if ask.schema is not None else None,
                options=_options(ask),
            )
            async with aclosing(stream):
                while (part := await self._next(stream)) is not None:
                    if part.done:
                        with self._readable():
                            gathered.usage = told_usage(part.prompt_eval_count, part.eval_count)
                        await gathered.add(part.message.content or "")
                        finish: Finish = "length" if part.done_reason == "length" else "stop"
                        return Reply(gathered.text, gathered.usage, finish)
                    await gathered.add(part.message.content or "")
        raise failures.broke_off(self._where, "the stream ended before the answer did", None)

    async def probe(self, model: str) -> None:
        async with self._client(model) as client:
            try:
                with self._readable():
                    found = {entry.model or "" for entry in (await client.list()).models}
            except ConnectionError as error:
                raise failures.unreachable(self._where, SETTING, "nothing listens there") from error
        if not {model, f"{model}:latest"} & found:
            raise AiError("model_missing", f"{self._where} does not have {model!r}; get it with: ollama pull {model}")

    async def _next(self, stream: AsyncIterator[ollama.ChatResponse]) -> ollama.ChatResponse | None:
        with self._readable():
            return await anext(stream, None)

    @asynccontextmanager
    async def _client(self, model: str) -> AsyncIterator[ollama.AsyncClient]:
        """A client for one question, and its errors in our words."""
        pause: list[float | None] = [None]

        async def prepare(response: httpx.Response) -> None:
            pause[0] = failures.retry_after(response.headers)
            assert isinstance(response.stream, httpx.AsyncByteStream)
            response.stream = Escaped(response.stream)

        client = ollama.AsyncClient(
            self.endpoint, timeout=timeouts(), follow_redirects=False, trust_env=False, transport=self._way.transport(),
            event_hooks={"response": [prepare]},
        )  # fmt: skip
        try:
            with failures.told(self._where, SETTING):
                yield client
        except ollama.ResponseError as error:
            raise self._refusal(error, model, pause[0]) from error
        finally:
            await client.close()  # type: ignore[no-untyped-call]  # the client has no annotation there

    def _refusal(self, error: ollama.ResponseError, model: str, pause: float | None) -> AiError:
        if error.status_code < 0:
            words = failures.brief(failures.said_in(error.error))
            return AiError("provider_error", f"{self._where} gave up in the middle: {words}", retryable=True)
        return failures.from_status(error.status_code, error.error, self._where, model=model, key="", retry_after=pause)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """What the client raises over JSON that is none, or none of Ollama's; it checks neither."""
        try:
            yield
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise failures.garbled(self._where, f"{type(error).__name__} in its JSON", None) from error


def _options(ask: Ask) -> dict[str, Any]:
    options: dict[str, Any] = {"num_predict": ask.max_tokens, "temperature": ask.temperature}
    return options if ask.seed is None else {**options, "seed": ask.seed}
