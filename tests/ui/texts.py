"""A scripted engine with shared texts: the CRDT of the text is real, the rest is said."""

from __future__ import annotations

import base64
from typing import Any

from pycrdt import Doc, Text

from chorus_tui.client import EngineGone
from chorus_tui.contract.models import collab
from chorus_tui.contract.models.journal import Delivery
from tests.ui.fake_engine import IDS, NOW, FakeEngine

SESSION = "01ARZ3NDEKTSV4RRFFQ69G5FD0"
NAMES = ("ada", "grace", "linus", "you")
BEGUN = "# The plan\n\nWe ship on Monday.\nGrüße, 😀\n\nWho tests it?"


def row(n: int = 0, **fields: Any) -> collab.CollabRow:
    base: dict[str, Any] = {
        "session": f"{SESSION[:-1]}{n}", "title": "The plan", "state": "open", "owner": IDS[3], "owner_name": "you",
        "since": NOW - 600, "last_at": NOW - 5 - n * 60, "updates": 7, "people": 2, "may_write": True,
    }  # fmt: skip
    return collab.CollabRow.model_validate({**base, **fields})


def participant(n: int, **fields: Any) -> collab.Participant:
    base = {
        "peer_id": IDS[n], "name": NAMES[n], "kind": "human" if n == 3 else "agent", "here": True, "color": n,
        "is_self": n == 3,
    }  # fmt: skip
    return collab.Participant.model_validate({**base, **fields})


class TextEngine(FakeEngine):
    """One text is open to all calls of ``collab.*``; :meth:`other` is somebody else who writes in it."""

    def __init__(self, text: str = BEGUN, **options: Any) -> None:
        super().__init__(**options)
        self.doc: Doc[Text] = Doc(client_id=1)
        self.doc["text"] = self.text = Text(text)
        self.rows = [] if options.get("empty") else [
            row(), row(1, title="Release notes", owner=IDS[0], owner_name="ada", people=0, invited=True),
            row(2, title="Old minutes", state="ended", outcome="ucxl", reference="ucxl://ada:writer@shop:old/*^/minutes.md", people=0),
        ]  # fmt: skip
        self.people = [
            participant(1, cursor=14, anchor=14),
            participant(3, cursor=0),
            participant(0, here=False, answered="declined"),
        ]
        self.chat = [
            collab.ChatLine(author=IDS[3], author_name="you", kind="human", text="@grace is Monday right?", at=NOW - 60,
                            delivery=Delivery(stored=True, sent=True, held_by=2)),
            collab.ChatLine(author=IDS[1], author_name="grace", kind="agent", text="It is.\n(1 of 1 edits made)", at=NOW - 50),
        ]  # fmt: skip
        self._clients = 100
        self.closed = self.ended = False

    def view(self, session: str = SESSION) -> collab.CollabView:
        found = next(one for one in self.rows if one.session == session)
        return collab.CollabView(
            row=found, purpose="To agree", participants=self.people, chat=self.chat, text=str(self.text), held_by=2, open=True,
        )  # fmt: skip

    async def call(self, operation: str, request: Any = None) -> Any:
        if not operation.startswith("collab."):
            return await super().call(operation, request)
        self.calls.append((operation, request))
        if self.gone:
            raise EngineGone("No engine answers")
        if operation in self.problems:
            raise self.problems[operation]
        return getattr(self, f"_{operation.partition('.')[2]}")(request)

    def _list(self, _asked: Any) -> Any:
        return collab.CollabList(collabs=self.rows)

    def _show(self, asked: Any) -> Any:
        return self.view(asked.session)

    def _new(self, _asked: Any) -> Any:
        return self.view()

    def _end(self, _asked: Any) -> Any:
        self.rows[0] = row(state="ended", outcome="nothing")
        return self.view()

    def _chat(self, asked: Any) -> Any:
        self.chat.append(
            collab.ChatLine(
                author=IDS[3], author_name="you", kind="human", text=asked.text, at=NOW, delivery=Delivery(stored=True)
            )
        )
        return self.view()

    def _join(self, asked: Any) -> Any:
        self._clients += 1
        update = base64.b64encode(self.doc.get_update()).decode()
        return collab.Joined(client_id=self._clients, update=update, view=self.view(asked.session))

    async def close(self) -> None:
        """The portal lets go of it."""
        self.closed = True
        await super().close()

    def _sync(self, asked: Any) -> Any:
        if self.ended:
            self.rows[0] = row(state="ended", outcome="nothing")
        elif asked.update:
            self.doc.apply_update(base64.b64decode(asked.update))
        missing = self.doc.get_update(base64.b64decode(asked.state_vector))
        return collab.Synced(
            update=base64.b64encode(missing).decode(),
            state_vector=base64.b64encode(self.doc.get_state()).decode(),
            held_by=2, took=not (self.ended and asked.update), state="ended" if self.ended else "open",
        )  # fmt: skip

    def _nothing(self, _asked: Any) -> Any:
        from chorus_tui.contract.models.common import Empty

        return Empty()

    _leave = _presence = _invite = _nothing

    def other(self, at: int, text: str, removed: int = 0) -> None:
        """Somebody else edits; places are bytes."""
        made: list[bytes] = []
        listening = self.doc.observe(lambda event: made.append(event.update))
        with self.doc.transaction():
            if removed:
                del self.text[at : at + removed]
            if text:
                self.text.insert(at, text)
        self.doc.unobserve(listening)
        event = collab.CollabEvent(kind="update", update=base64.b64encode(made[-1]).decode())
        self.say(f"collab:{SESSION}", None, event.model_dump(mode="json"))
