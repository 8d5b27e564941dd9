"""Waiting for an engine's next batch, and no longer than one wants to: who follows can ask again by itself meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chorus_tui.contract.feed import Batch


async def or_after(batches: AsyncIterator[Batch], patience: Callable[[], float | None]) -> AsyncGenerator[Batch | None]:
    """Each batch, and None whenever none has come for so many seconds; ``patience`` is asked anew each time, None: for ever."""
    coming = asyncio.ensure_future(anext(batches, None))
    try:
        while True:
            done, _ = await asyncio.wait([coming], timeout=patience())
            if not done:
                yield None
                continue
            batch = coming.result()
            if batch is None:
                return
            coming = asyncio.ensure_future(anext(batches, None))
            yield batch
    finally:
        coming.cancel()
