"""One shared text: a CRDT document to which updates are applied in any order, as often as they come, and all copies end equal.

Every update is read first (:mod:`chorus_tui.engine.collab.update`). What builds on something that is not here waits, so much and
no more for each author; the library itself never holds anything back. A refused update changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pycrdt import Doc, Text

from chorus_tui.contract import state_vector
from chorus_tui.contract.text_edit import Edit, applied
from chorus_tui.engine.collab import update as updates
from chorus_tui.engine.collab.redaction import taken_out
from chorus_tui.engine.collab.update import BadUpdate, Shape

MOST_TEXT = 1 << 20
"""Characters that a shared text may have; what would make it longer is refused where it is typed."""
STEP = 64 * 1024
"""Characters of one insertion."""
SPARE = 64 * 1024
"""Units that are left free for what has to stand in the place of a secret."""
MOST_OF_AUTHOR = 4 << 20
"""Units that one peer may insert in a session, deleted ones included: the same limit everywhere, whatever the order."""
MOST_CLIENTS = 512
"""Client ids of one peer in a session: one for each portal and each start of its engine."""
MOST_WAITING = 4 << 20
"""Bytes of one author's updates that wait for what they build on."""

TOO_LONG = f"a shared text has at most {MOST_TEXT} characters"

Taken = Literal["applied", "waits"]


class TooLong(Exception):
    """The text would be longer than it may be, or its author would have written more than one may. The text names the limit."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an own change came to: the updates for the others, and whether something was taken out of it."""

    updates: list[bytes]
    redacted: bool = False


class Document:
    """Of one session, with a client id of its own for edits that are made here."""

    def __init__(self, client_id: int) -> None:
        self._made: list[bytes] = []
        self._begin(client_id)
        self._known: dict[int, int] = {}
        self._halves: dict[int, set[int]] = {}
        self._clients: dict[str, set[int]] = {}
        self._waiting: dict[str, list[tuple[bytes, Shape]]] = {}
        self._waiting_bytes: dict[str, int] = {}
        self.text = ""
        self.refused = 0

    def _begin(self, client_id: int) -> None:
        """An empty document that writes under this id."""
        self._client = client_id
        self._doc: Doc[Text] = Doc(client_id=client_id)
        self._doc[updates.ROOT] = self._text = Text()
        self._listening = self._doc.observe(lambda event: self._made.append(event.update))

    @property
    def state(self) -> bytes:
        """How far each client is known, as a state vector."""
        return self._doc.get_state()

    @property
    def waiting(self) -> int:
        """Updates that wait for others."""
        return sum(map(len, self._waiting.values()))

    def missing(self, state: bytes) -> bytes:
        """What somebody with this state vector lacks. Raises ``ValueError``."""
        state_vector.read(state)
        return self._doc.get_update(state)

    def whole(self) -> bytes:
        """All of it as one update."""
        return self._doc.get_update()

    # ── what others wrote ──────────────────────────────────────────────────────────────────────────────────────────

    def take(self, author: str, update: bytes) -> Taken:
        """An update by a peer. Raises :class:`BadUpdate`; then it is counted, and nothing has changed."""
        try:
            shape = self._checked(author, update)
            if shape.ready(self._known):
                self._apply(update, shape)
                self._look_again()
                return "applied"
            self._wait(author, update, shape)
        except BadUpdate:
            self.refused += 1
            raise
        return "waits"

    def take_state(self, update: bytes) -> None:
        """A whole state, of all authors. Raises :class:`BadUpdate`."""
        shape = updates.read(update, updates.MOST_STATE)
        if not shape.ready(self._known):
            raise BadUpdate("it is no whole state")
        self._apply(update, shape)
        self._look_again()

    def _checked(self, author: str, update: bytes) -> Shape:
        shape = updates.read(update)
        if shape.foreign(author):
            raise BadUpdate("it writes under another peer's id")
        mine = self._clients.setdefault(author, set())
        if len(mine | shape.inserted.keys()) > MOST_CLIENTS:
            raise BadUpdate(f"its author has used more than {MOST_CLIENTS} ids here")
        reached = {client: self._known.get(client, 0) for client in mine}
        reached |= {client: max(reached.get(client, 0), end) for client, (_, end) in shape.inserted.items()}
        if sum(reached.values()) > MOST_OF_AUTHOR:
            raise BadUpdate(f"its author has written more than {MOST_OF_AUTHOR} characters here")
        return shape

    def _wait(self, author: str, update: bytes, shape: Shape) -> None:
        """Once, and not without end."""
        line = self._waiting.setdefault(author, [])
        if any(update == other for other, _ in line):
            return
        held = self._waiting_bytes.get(author, 0) + len(update)
        if held > MOST_WAITING:
            raise BadUpdate("too many updates of its author wait for what they build on")
        self._waiting_bytes[author] = held
        line.append((update, shape))

    def _look_again(self) -> None:
        """Apply what waited for what has just come, until nothing more fits."""
        fits = True
        while fits and self._waiting:
            fits = False
            for author, line in list(self._waiting.items()):
                ready = [one for one in line if one[1].ready(self._known)]
                rest = [(update, shape) for update, shape in line if not shape.ready(self._known)]
                self._waiting[author] = rest
                self._waiting_bytes[author] = sum(len(update) for update, _ in rest)
                if not rest:
                    del self._waiting[author], self._waiting_bytes[author]
                for update, shape in ready:
                    fits = True
                    try:
                        self._apply(update, shape)
                    except BadUpdate:
                        self.refused += 1

    def _apply(self, update: bytes, shape: Shape) -> None:
        """Now that all it builds on is here."""
        self._whole_characters(shape)
        try:
            self._doc.apply_update(update)
        except Exception as error:
            raise BadUpdate(f"it cannot be applied: {error}") from error
        self._settle()

    def _whole_characters(self, shape: Shape) -> None:
        """The library would tear a character of two units apart, and say something else of it to others."""
        if shape.splits(self._halves):
            raise BadUpdate("it tears a character apart")
        for client, found in shape.halves.items():
            self._halves.setdefault(client, set()).update(found)

    def _settle(self) -> None:
        """After every transaction."""
        self._made.clear()
        self._known = state_vector.read(self._doc.get_state())
        self.text = str(self._text)
        for author, mine in self._clients.items():
            first = updates.prefix(author)
            mine |= {client for client in self._known if updates.prefix_of(client) == first}

    # ── what is written here ───────────────────────────────────────────────────────────────────────────────────────

    def write(self, edits: list[Edit], redact: Callable[[str], str]) -> Done:
        """Edits one after the other, as this peer's; what is long makes several updates, so that none is too large to be taken by
        others. All of it, or nothing: raises :class:`TooLong`."""
        if len(self.text) + sum(len(edit.inserted) - edit.removed for edit in edits) > MOST_TEXT:
            raise TooLong(TOO_LONG)
        steps = _planned(self.text, edits, redact)
        self._check_room(sum(map(_new, steps)))
        made = []
        for step in steps:
            self._check_id(_new(step))
            made += self._own(partial(self._all, step))
        self._look_again()
        return Done(made, any(len(step) > 1 for step in steps))

    def take_own(self, author: str, update: bytes, redact: Callable[[str], str]) -> Done | None:
        """An update by this peer's own portal; None: what it builds on is not here yet. Raises :class:`BadUpdate`, and
        :class:`TooLong`."""
        shape = self._checked(author, update)
        if not shape.ready(self._known):
            return None
        self._whole_characters(shape)
        new = sum(
            max(0, end - max(start, self._known.get(client, 0))) for client, (start, end) in shape.inserted.items()
        )
        if new and len(self.text) + new > MOST_TEXT:
            raise TooLong(TOO_LONG)
        if new:
            self._check_room(new + SPARE)
            self._check_id(SPARE)
        before, secrets = self.text, list[Edit]()

        def change() -> None:
            self._doc.apply_update(update)
            secret = taken_out(before, str(self._text), redact)
            secrets.extend([secret] if secret is not None else [])
            self._all(secrets)

        made = self._own(change)
        self._look_again()
        return Done(made, bool(secrets))

    def _check_room(self, new: int) -> None:
        """Others would refuse what is too much of one author: it is refused here, before it is in the text."""
        mine = {client: clock for client, clock in self._known.items() if self._is_mine(client)}
        if sum(mine.values()) + new > MOST_OF_AUTHOR:
            raise TooLong(
                f"one peer inserts at most {MOST_OF_AUTHOR} characters in a session, deleted ones included; end it and begin another"
            )
        fresh = self._known.get(self._client, 0) + new > updates.MOST_CLOCK
        if len(mine.keys() | {self._client}) + (new // updates.MOST_CLOCK + 1) * fresh > MOST_CLIENTS:
            raise TooLong(f"one peer writes with at most {MOST_CLIENTS} copies in a session; end it and begin another")

    def _is_mine(self, client: int) -> bool:
        return updates.prefix_of(client) == updates.prefix_of(self._client)

    def _check_id(self, new: int) -> None:
        """An id that has inserted as much as one may is left for a fresh one: the next that nobody has used."""
        if self._known.get(self._client, 0) + new <= updates.MOST_CLOCK:
            return
        fresh = self._client
        while fresh in self._known:
            fresh = updates.after(fresh)
        whole = self.whole()
        self._begin(fresh)
        self._doc.apply_update(whole)
        self._made.clear()

    def _own(self, change: Callable[[], None]) -> list[bytes]:
        """In one transaction; what it says to others."""
        with self._doc.transaction():
            change()
        made = self._made[-1:]
        for raw in made:
            self._whole_characters(updates.read(raw, updates.MOST_STATE))
        self._settle()
        return made

    def _all(self, edits: list[Edit]) -> None:
        for edit in edits:
            self._edit(edit)

    def _edit(self, edit: Edit) -> None:
        """The library counts bytes."""
        text = str(self._text)
        start = len(text[: edit.at].encode())
        stop = start + len(text[edit.at : edit.at + edit.removed].encode())
        if stop > start:
            del self._text[start:stop]
        if edit.inserted:
            self._text.insert(start, edit.inserted)


def _planned(text: str, edits: list[Edit], redact: Callable[[str], str]) -> list[list[Edit]]:
    """What is done in each transaction: a part of an edit, and what has to be taken out of it then."""
    planned = []
    for part in (part for edit in edits for part in _parts(edit)):
        after = applied(text, part)
        secret = taken_out(text, after, redact)
        planned.append([part] if secret is None else [part, secret])
        text = after if secret is None else applied(after, secret)
    return planned


def _new(edits: list[Edit]) -> int:
    """Units that they insert."""
    return sum(len(edit.inserted.encode("utf-16-le")) // 2 for edit in edits)


def _parts(edit: Edit) -> list[Edit]:
    """The same edit in insertions of bounded size."""
    starts = range(0, max(len(edit.inserted), 1), STEP)
    return [
        Edit(edit.at + start, edit.removed if not start else 0, edit.inserted[start : start + STEP]) for start in starts
    ]
