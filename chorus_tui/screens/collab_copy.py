"""The portal's own copy of a shared text. What is typed is in it at once and leaves it only when the engine has taken it.

So nothing is lost while the engine is away: it goes on growing, and the engine gets all of it when it is back.
"""

from __future__ import annotations

from typing import Any

from pycrdt import Doc, Text, TextEvent, TransactionEvent, merge_updates

from chorus_tui.contract import state_vector
from chorus_tui.contract.text_edit import Edit

ROOT = "text"
MOST_SENT = 384 * 1024
"""Bytes of updates that go together."""
STEP = 32 * 1024
"""Characters of one insertion: a large one is made of several, so that each fits its way."""


class SharedCopy:
    """One text. Places are characters; the library counts bytes."""

    def __init__(self, client_id: int, update: bytes) -> None:
        self._client = client_id
        self._doc: Doc[Text] = Doc(client_id=client_id)
        self._doc[ROOT] = self._text = Text()
        if update:
            self._doc.apply_update(update)
        self._made: list[bytes] = []
        self._typed: list[tuple[bytes, int]] = []
        """All that was typed here, and how far each brought this copy's id."""
        self._clock = 0
        self._deltas: list[TextEvent] = []
        self._own = False
        self._listening = (self._doc.observe(self._changed), self._text.observe(self._deltas.append))
        self.text = str(self._text)

    def _changed(self, event: TransactionEvent) -> None:
        if self._own:
            self._made.append(event.update)
            self._typed.append((event.update, self._clock))

    @property
    def state(self) -> bytes:
        """How far each client is known."""
        return self._doc.get_state()

    @property
    def unsent(self) -> bool:
        """Whether the engine lacks something that was typed here."""
        return bool(self._made)

    def type(self, edit: Edit) -> None:
        """An edit of this portal's person."""
        self._own = True
        start = len(self.text[: edit.at].encode())
        stop = start + len(self.text[edit.at : edit.at + edit.removed].encode())
        if stop > start:
            del self._text[start:stop]
        for at in range(0, len(edit.inserted), STEP):
            part = edit.inserted[at : at + STEP]
            self._clock += len(part.encode("utf-16-le")) // 2
            self._text.insert(start, part)
            start += len(part.encode())
        self._own = False
        self._deltas.clear()
        self.text = str(self._text)

    def take(self, update: bytes) -> list[Edit]:
        """An update from the engine; what it does to the text, edit by edit."""
        before = self.text.encode()
        self._doc.apply_update(update)
        self.text = str(self._text)
        found = [edit for event in self._deltas for edit in _edits(before, event)]
        self._deltas.clear()
        return found

    def batch(self) -> tuple[list[bytes], bytes]:
        """Own updates that go together now, and the same as one."""
        size, parts = 0, list[bytes]()
        for raw in self._made:
            size += len(raw)
            if parts and size > MOST_SENT:
                break
            parts.append(raw)
        return parts, merge_updates(*parts) if len(parts) > 1 else b"".join(parts)

    def sent(self, parts: list[bytes]) -> None:
        """The engine has taken these; others that stand in their place by now are still to be sent."""
        if self._made[: len(parts)] == parts:
            del self._made[: len(parts)]

    def send_again(self, known: bytes) -> None:
        """The engine knows only this much: it has started anew, perhaps without the last of what it took. What was typed from there
        on is to be sent again, as it was typed: deletions, too, and in parts that it takes. Of others' words it gets only what it
        gets from them."""
        theirs = state_vector.read(known).get(self._client, 0)
        self._made = [raw for raw, reached in self._typed if reached >= theirs]


def _edits(before: bytes, event: TextEvent) -> list[Edit]:
    """The library's list of steps (bytes) as edits (characters), each on the text as the one before left it."""
    found: list[Edit] = []
    at, read = 0, 0
    steps: list[dict[str, Any]] = event.delta  # type: ignore[attr-defined] # missing in the library's types
    for step in steps:
        if "retain" in step:
            kept = before[read : read + step["retain"]].decode()
            at, read = at + len(kept), read + step["retain"]
        elif "delete" in step:
            gone = before[read : read + step["delete"]].decode()
            found.append(Edit(at, len(gone), ""))
            read += step["delete"]
        else:
            found.append(Edit(at, 0, step["insert"]))
            at += len(step["insert"])
    return found
