"""What a portal gives the engine: all of it, in turn, and again when the engine has lost it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

from pycrdt import Doc, Text

from chorus_tui.client import EngineGone
from chorus_tui.contract.models.collab import SyncCollab, Synced
from chorus_tui.contract.text_edit import Edit
from chorus_tui.engine.collab import update
from chorus_tui.screens.collab_copy import SharedCopy
from chorus_tui.screens.collab_exchange import Exchange
from chorus_tui.screens.collab_unsent import Unsent

ID, OTHER = "01ARZ3NDEKTSV4RRFFQ69G5FD0", "01ARZ3NDEKTSV4RRFFQ69G5FD1"


class Engine:
    """Takes updates; an answer comes when ``slow`` is set, or not at all while it is away."""

    def __init__(self) -> None:
        self.slow: asyncio.Event | None = None
        self.away = False
        self.asked = 0
        self.forget()

    def forget(self) -> None:
        """It starts anew, without all that it took."""
        self.doc: Doc[Text] = Doc()
        self.doc["text"] = self.text = Text()

    async def call(self, _operation: str, request: SyncCollab) -> Any:
        self.asked += 1
        if self.away:
            raise EngineGone("away")
        if request.update:
            update.read(base64.b64decode(request.update))
            self.doc.apply_update(base64.b64decode(request.update))
        state = base64.b64encode(self.doc.get_state()).decode()
        if self.slow is not None:
            await self.slow.wait()
        return Synced(update="", state_vector=state)


def played(steps: Callable[[Engine, Exchange, SharedCopy], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        engine, copy = Engine(), SharedCopy(7, b"")
        await steps(engine, Exchange(ID, copy, engine.call), copy)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_an_engine_that_lost_words_gets_them_again_whatever_was_on_its_way():
    """The doubt comes while an exchange with the old engine is under way: its answer settles nothing, the next one does."""

    async def steps(engine: Engine, exchange: Exchange, copy: SharedCopy) -> None:
        copy.type(Edit(0, 0, "words"))
        engine.slow = asyncio.Event()
        on_its_way = asyncio.create_task(exchange.once())
        await asyncio.sleep(0)
        assert await exchange.once() is None
        engine.forget()
        exchange.doubtful = True
        engine.slow.set()
        await on_its_way
        assert not copy.unsent
        assert exchange.doubtful
        await exchange.once()
        assert copy.unsent
        await exchange.once()
        assert str(engine.text) == "words"
        assert not copy.unsent

    played(steps)


def test_a_left_text_is_sent_in_batches_after_what_is_on_its_way_and_while_the_engine_comes_back():
    """Nothing is left over, and nothing is kept of it then."""

    async def steps(engine: Engine, exchange: Exchange, copy: SharedCopy) -> None:
        unsent = Unsent()
        for n in range(4):
            copy.type(Edit(0, 0, f"{n}" * 300_000))
        engine.slow = asyncio.Event()
        on_its_way = asyncio.create_task(exchange.once())
        await asyncio.sleep(0)
        unsent.keep(exchange)
        sending = asyncio.create_task(unsent.send(exchange))
        await asyncio.sleep(0)
        engine.away = True
        engine.slow.set()
        await on_its_way
        while engine.asked < 2:
            await asyncio.sleep(0)
        engine.away = False
        await sending
        assert str(engine.text) == copy.text
        assert unsent.back(ID) is None

    played(steps)


def test_leaving_the_portal_waits_so_long_and_no_longer():
    """What cannot be sent in that time is named, and still there; what the open text lacks counts, too."""

    async def steps(engine: Engine, exchange: Exchange, copy: SharedCopy) -> None:
        unsent, other = Unsent(), SharedCopy(8, b"")
        opened = Exchange(OTHER, other, engine.call)
        copy.type(Edit(0, 0, "left"))
        other.type(Edit(0, 0, "open"))
        unsent.keep(exchange)
        engine.away = True
        assert await unsent.send_all(opened, 0.05) == [exchange, opened]
        engine.away = False
        assert await unsent.send_all(opened, 5.0) == []
        assert sorted(str(engine.text)) == sorted("leftopen")

    played(steps)


def test_what_an_engine_lost_comes_again_in_parts_that_it_takes_with_what_was_deleted():
    """Much was typed, and something deleted last: an engine that starts without the end of it has all of it again."""

    async def steps(engine: Engine, exchange: Exchange, copy: SharedCopy) -> None:
        copy.type(Edit(0, 0, "first 😀"))
        await exchange.next()
        begun = engine.doc.get_update()
        for n in range(4):
            copy.type(Edit(0, 0, f"{n}" * 300_000))
        while copy.unsent:
            await exchange.next()
        before = engine.doc.get_update()
        copy.type(Edit(0, 10, ""))
        await exchange.next()
        assert str(engine.text) == copy.text
        for lost in (before, begun):
            engine.forget()
            engine.doc.apply_update(lost)
            assert str(engine.text) != copy.text
            exchange.doubtful = True
            await exchange.next()
            while copy.unsent:
                await exchange.next()
            assert str(engine.text) == copy.text

    played(steps)
