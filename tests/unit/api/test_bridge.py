"""The bridge carries answers, errors and cancellation both ways, and leaves nothing behind."""

import asyncio
import threading

import pytest
import trio
import trio.testing

from chorus_tui.engine.api.bridge import Bridge, EngineStopping, open_bridge


def trio_tasks() -> int:
    """Tasks alive in this trio run."""
    return trio.lowlevel.current_statistics().tasks_living


async def test_answer_crosses():
    """A call from asyncio runs in trio's thread and its answer comes back."""
    here = threading.get_ident()

    async def in_trio(word: str) -> tuple[str, int]:
        await trio.lowlevel.checkpoint()
        return word * 2, threading.get_ident()

    async with open_bridge() as bridge:
        answer = await bridge.run(lambda: bridge.call(in_trio, "ab"))

    assert answer == ("abab", here)


async def test_error_crosses_whole():
    """An error raised in trio reaches the asyncio caller, and through ``run`` the trio caller, as the same object."""
    error = ValueError("as it was")

    async def fails() -> None:
        raise error

    async with open_bridge() as bridge:
        with pytest.raises(ValueError, match="as it was") as caught:
            await bridge.run(lambda: bridge.call(fails))

    assert caught.value is error


async def test_cancelled_call_leaves_no_task():
    """When the asyncio caller is cancelled, the trio task is cancelled and gone."""
    started, gone = trio.Event(), trio.Event()

    async def endless() -> None:
        started.set()
        try:
            await trio.sleep_forever()
        finally:
            gone.set()

    async def ask(bridge: Bridge) -> None:
        task = asyncio.create_task(bridge.call(endless))

        async def until_started() -> None:
            await started.wait()

        await bridge.call(until_started)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with open_bridge() as bridge:
        before = trio_tasks()
        await bridge.run(lambda: ask(bridge))
        await gone.wait()
        await trio.testing.wait_all_tasks_blocked()

        assert trio_tasks() == before


async def test_cancelling_run_cancels_asyncio():
    """Cancelling ``run`` in trio cancels the coroutine in asyncio's thread."""
    ended = threading.Event()
    began = trio.Event()
    token = trio.lowlevel.current_trio_token()

    async def endless() -> None:
        token.run_sync_soon(began.set)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with open_bridge() as bridge, trio.open_nursery() as nursery:
        nursery.start_soon(bridge.run, endless)
        await began.wait()
        nursery.cancel_scope.cancel()

    assert ended.is_set()


async def test_leaving_ends_both_sides():
    """Leaving the block ends calls that still run: no thread, no trio task, and the caller hears that it stopped."""
    threads, heard = threading.active_count(), []
    inside = trio.Event()

    async def endless() -> None:
        inside.set()
        await trio.sleep_forever()

    async def ask(bridge: Bridge) -> None:
        try:
            await bridge.call(endless)
        except (EngineStopping, asyncio.CancelledError) as error:
            heard.append(type(error))
            raise

    before = trio_tasks()
    async with open_bridge() as bridge, trio.open_nursery() as nursery:
        nursery.start_soon(bridge.run, lambda: ask(bridge))
        await inside.wait()
        nursery.cancel_scope.cancel()

    assert len(heard) == 1
    assert trio_tasks() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "api"]
    assert threading.active_count() <= threads + 1
