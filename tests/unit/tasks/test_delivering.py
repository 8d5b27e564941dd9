"""What was accepted is brought where it was asked for, when it can be."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from chorus_tui.engine.journal.interface import BlobHeld, BlobMissing
from chorus_tui.engine.tasks.delivering import Delivering

TASK = SimpleNamespace(
    key=("mesh", "t1"),
    accepted=SimpleNamespace(result=SimpleNamespace(change="a change"), attempt=1),
    announced=SimpleNamespace(),
)


class Delivered(Delivering):
    """With a bringing that fails as told, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.said: list[dict] = []
        self.errors = list(errors)
        super().__init__(SimpleNamespace(parts=SimpleNamespace(journal=SimpleNamespace(say=self.say))))

    async def say(self, _type: str, data: dict) -> None:
        self.said.append(data)

    async def _bring(self, *_about):
        if self.errors:
            raise self.errors.pop(0)
        return SimpleNamespace(where="here", ref="chorus/t1", commit="abc")


@pytest.fixture
def held() -> BlobHeld:
    return BlobHeld("sha256:0 is held back: it may hold a secret")


async def test_a_held_patch_is_delivered_once_it_is_released(held):
    """While a person has not released it nothing is told, so that it stays due, and the log has one line of it."""
    delivering = Delivered(held, held, held)
    with capture_logs() as lines:
        for _ in range(3):
            await delivering._deliver(TASK)
    assert (delivering.said, len(lines)) == ([], 1)
    await delivering._deliver(TASK)

    assert [one["where"] for one in delivering.said] == ["here"]


async def test_a_missing_patch_is_told():
    """What nobody has is told as a problem: that ends the delivery."""
    delivering = Delivered(BlobMissing("nobody has it"))
    await delivering._deliver(TASK)

    assert [one["problem"] for one in delivering.said] == ["nobody has it"]
