"""What a client makes of an engine's answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chorus_tui.client.socket_client import SocketClient
from chorus_tui.contract.problem import Problem


class Answering(SocketClient):
    """Over a connection that answers every question with the same text."""

    async def _ask(self, *_asked: Any) -> tuple[int, bytes]:
        return 200, b'{"peers": [{"peer_id": "12D3", "kind": "robot"}]}'


def test_an_answer_that_this_side_does_not_know_is_a_problem_with_a_way_out():
    """Not a fault of the program: whoever asked can tell it, with the operation and the first wrong field."""
    with pytest.raises(
        Problem, match=r"not understood here\n.*peers\.list: \d+ faults, the first at peers\.0.*same version"
    ):
        asyncio.run(Answering("http://127.0.0.1:1", "token").call("peers.list"))
