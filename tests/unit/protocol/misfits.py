"""Data that does not fit a message type: one field of the wrong kind."""

from __future__ import annotations

from typing import Any

from chorus_tui.engine.protocol.messages.base import MessageType


def misfit(row: MessageType) -> dict[str, Any]:
    """The first field holds what no field of ours is: an object with a surprise in it; the others are missing."""
    shape = {"type", "version", "node_id", "timestamp"} if row.raw else set[str]()  # what its outer form already checks
    name = next(field for field in row.model.model_fields if field not in shape)
    return {name: {"surprise": [1, 2, 3]}}
