"""Asks the engine that runs on a data folder, over its own socket, for what works beside it: doctor, support bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from chorus_tui.locations import check_own, socket_path

ANSWER_S = 10.0


async def fetch(folder: Path, path: str) -> httpx.Response | None:
    """The answer to a GET; None when no engine of ours runs there, or it does not answer in time."""
    socket = socket_path(folder)
    try:
        check_own(socket)
    except PermissionError:
        return None
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=ANSWER_S) as client:
        try:
            return await client.get(path)
        except httpx.TransportError:
            return None


async def ask(folder: Path, path: str) -> Any:
    """The JSON of a GET that was answered well; None otherwise."""
    answer = await fetch(folder, path)
    return answer.json() if answer is not None and answer.is_success else None
