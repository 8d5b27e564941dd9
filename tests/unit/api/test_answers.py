"""Answers that are kept for their keys: within bounds, and nobody's are pushed out by somebody else's."""

from __future__ import annotations

import asyncio

import pytest

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.idempotency import Answers


def kept(answers, asked, size=1):
    """Which of ``asked`` (caller, key) are answered again without being carried out; in order, asked once each before."""

    async def run():
        return b"x" * size

    async def never():
        raise Problem(409, "x", "carried out again")

    async def again(caller, key):
        try:
            return (await answers.once((caller, "op", key), b"", never))[1]
        except Problem:
            return False

    async def go():
        for caller, key in asked:
            await answers.once((caller, "op", key), b"", run)
            await asyncio.sleep(0)  # it is settled by a callback
        return [(caller, key) for caller, key in asked if await again(caller, key)]

    return asyncio.run(go())


@pytest.mark.parametrize("bounds", [{"most": 4}, {"most_bytes": 40}])
def test_room_is_made_by_whoever_has_most(bounds):
    """A caller with many keys pushes out its own oldest answers, by number and by size, never those of one with few."""
    asked = [("few", "a"), *(("many", str(n)) for n in range(9)), ("few", "b")]

    assert kept(Answers(lambda: 0.0, **bounds), asked, size=10) == [
        ("few", "a"),
        ("many", "7"),
        ("many", "8"),
        ("few", "b"),
    ]


@pytest.mark.parametrize("status", [404, 409, 422, 429, 503])
def test_what_failed_is_not_kept(status):
    """A refusal has changed nothing: it takes no place, and the same key may be tried again."""
    runs = []

    async def run():
        runs.append(1)
        if len(runs) == 1:
            raise Problem(status, "x", "no")
        return b"done"

    async def go():
        answers = Answers(lambda: 0.0)
        with pytest.raises(Problem):
            await answers.once(("me", "op", "k"), b"", run)
        await asyncio.sleep(0)
        return await answers.once(("me", "op", "k"), b"", run)

    assert asyncio.run(go()) == (b"done", False)
