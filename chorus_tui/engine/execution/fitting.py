"""A result travels as one message: what of it is long and stands elsewhere too is made shorter until it fits. Pure."""

from __future__ import annotations

from typing import Final

from chorus_tui.contract.models.task_result import TaskResult
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.shhh.cutting import beginning

MOST_BYTES: Final = 60 * 1024
"""Of a result; what is left of a message is for its envelope, and for markers that are longer than the secrets they stand for."""


def fitted(result: TaskResult) -> TaskResult:
    """The same, with fewer names of changed files, which are counted, and less of the summary, which the transcript has."""
    while _too_large(result) and result.change is not None and result.change.names:
        names = result.change.names[: len(result.change.names) // 2]
        result = result.model_copy(update={"change": result.change.model_copy(update={"names": names})})
    while _too_large(result) and result.summary:
        result = result.model_copy(update={"summary": beginning(result.summary, len(result.summary) // 2)})
    return result


def _too_large(result: TaskResult) -> bool:
    return len(canonical.encode(result.model_dump())) > MOST_BYTES
