"""The list of operations, at a running engine: each of them is there, and the one that ends it does."""

from __future__ import annotations

from chorus_tui.contract.operations import OPERATIONS
from tests.integration.system.peers import mesh


def test_every_operation_is_answered_and_stop_answers_and_then_stops(tmp_path):
    """A running engine has a path for each of the list: one without a handler would only be not there. The one operation that ends an
    engine does not do it for words that are wrong, then with an answer, in order."""
    with mesh(tmp_path) as made:
        (alone,) = made.grow("alone")
        paths = alone.get("/openapi.json")["paths"].values()
        answered = {described["operationId"] for path in paths for described in path.values()}
        assert {operation.name for operation in OPERATIONS} - answered == set()

        assert alone.post("/api/v1/engine/stop", {"drain_s": -1})[0] == 422
        assert alone.post("/api/v1/engine/stop", {"drain_s": 0}) == (200, {})
        assert alone.process is not None
        assert alone.process.wait(80) == 0
