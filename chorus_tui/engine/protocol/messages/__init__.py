"""The message types that travel between peers: their fields, whether they last, where they go, how they are logged.

Unknown types are stored and skipped; unknown fields are kept; a known type whose data does not fit its model is not
forwarded, counted, and, when durable, stored as unreadable.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages import (
    beats,
    collab,
    context,
    decisions,
    feeds,
    keys,
    membership,
    patches,
    roles,
    rooms,
    talk,
    tasks,
    ucxl,
)
from chorus_tui.engine.protocol.messages.base import Message, MessageType
from chorus_tui.engine.protocol.messages.feeds import ControlEntries, ForkEvidence, SignedHeader, Watermarks
from chorus_tui.engine.protocol.messages.membership import (
    AvailabilityBroadcast,
    CapabilityBroadcast,
    EpochOpened,
    Goodbye,
    RoleAnnouncement,
)
from chorus_tui.engine.protocol.messages.talk import MetaDiscussion, TaskHelpRequest
from chorus_tui.engine.protocol.messages.tasks import (
    DeliverableReady,
    TaskAnnouncement,
    TaskCall,
    TaskCancelRequest,
    TaskChecked,
    TaskClaim,
    TaskComplete,
    TaskProgress,
    TaskSteering,
)

__all__ = [
    "TYPES", "AvailabilityBroadcast", "CapabilityBroadcast", "ControlEntries", "DeliverableReady", "EpochOpened", "ForkEvidence",
    "Goodbye", "Message", "MessageType", "MetaDiscussion", "RoleAnnouncement", "SignedHeader", "TaskAnnouncement", "TaskCall",
    "TaskCancelRequest", "TaskChecked", "TaskClaim", "TaskComplete", "TaskHelpRequest", "TaskProgress", "TaskSteering",
    "Watermarks", "check", "log_type",
]  # fmt: skip

TYPES: dict[str, MessageType] = {
    **membership.ROWS,
    **tasks.ROWS,
    **talk.ROWS,
    **rooms.ROWS,
    **decisions.ROWS,
    **patches.ROWS,
    **keys.ROWS,
    **roles.ROWS,
    **context.ROWS,
    **collab.ROWS,
    **feeds.ROWS,
    **ucxl.ROWS,
    **beats.ROWS,
}


def check(type_: str, data: dict[str, Any]) -> Message | None:
    """Validate ``data`` of a known type; None for an unknown one. Raises :class:`WireError` (``bad_data``)."""
    row = TYPES.get(type_)
    if row is None:
        return None
    try:
        return row.model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WireError("bad_data", f"{type_}: {where}: {first['msg']}") from None


def log_type(type_: str) -> str:
    """The original's name in its log; unknown types are network events."""
    row = TYPES.get(type_)
    return row.log_type if row else "network_event"
