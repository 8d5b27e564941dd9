"""The lines of a server-sent event stream, as far as model services use them: one JSON object in each ``data:`` line.

Lines end at LF, CR LF or CR alone, as the format has it, and nowhere else: a model may well say U+2028, at which Python's
own line splitting would cut a JSON text in two.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

END = "[DONE]"


async def data_lines(parts: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The value of every ``data`` field, in order. Comments and other fields are passed over."""
    held = b""
    async for part in parts:
        held += part
        # A CR at the end may be half of a CR LF.
        keep = held[-1:] if held.endswith(b"\r") else b""
        *lines, rest = (
            (held.removesuffix(b"\r") if keep else held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        )
        held = rest + keep
        for line in lines:
            if (value := _data(line)) is not None:
                yield value
    if (value := _data(held.rstrip(b"\r\n"))) is not None:
        yield value


def _data(line: bytes) -> str | None:
    name, _, value = line.partition(b":")
    return value.decode("utf-8", "replace").removeprefix(" ") if name == b"data" else None
