"""Leading: founding a mesh, opening a term, appending acts.

The order is the safety: term and vote on disk before the first act of a term; an act on disk before it is
acknowledged, and acknowledged before anybody hears of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from chorus_tui.engine.control import entries, membership
from chorus_tui.engine.control.entries import Commit, Election, acknowledge, entry_bytes, parse_entry, vote_for_self
from chorus_tui.engine.control.interface import ControlEntry, NotAdmin
from chorus_tui.engine.control.log import Log
from chorus_tui.engine.control.raft import HardState, Position, Raft, Role
from chorus_tui.engine.control.store import ControlStore, Stored
from chorus_tui.engine.protocol import identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity


@dataclass(slots=True)
class _Wish:
    """An act on its way."""

    type_: str
    data: dict[str, Any]
    request: dict[str, Any] | None
    entry: ControlEntry | None = None
    error: Exception | None = None


class Leader:
    """One term of this peer as admin of one mesh."""

    def __init__(
        self, me: Identity, log: Log, raft: Raft, store: ControlStore, hlc: Callable[[], str], election: Election
    ) -> None:
        self._me = me
        self._log = log
        self._raft = raft
        self._store = store
        self._hlc = hlc
        self.election = election
        self._lock = trio.Lock()
        self._wishes: deque[_Wish] = deque()
        self.on_commit: Callable[[list[ControlEntry], Commit], None] = lambda _entries, _commit: None

    @property
    def leads(self) -> bool:
        """Whether acts can still be appended."""
        return self._raft.role is Role.LEADER

    @classmethod
    async def found(
        cls, me: Identity, store: ControlStore, hlc: Callable[[], str], founder: dict[str, Any],
        parameters: dict[str, Any], nonce: str, bind_to: str,
    ) -> tuple[Leader, Log, ControlEntry]:  # fmt: skip
        """A new mesh of one; its founding entry opens term 1."""
        data = {"founder": founder, "voters": [me.peer_id], "parameters": parameters, "nonce": nonce}
        raw = entry_bytes(
            mesh_id=None, term=1, index=1, prev=None, hlc=hlc(), type_=entries.FOUNDED, data=data, request=None
        )
        entry = parse_entry(raw, me.sign(identity.CONTROL, raw), me.peer_id)
        raft = Raft(me.peer_id, (me.peer_id,), HardState(0, None), Position(0, 0), 0)
        hard = raft.campaign()
        election = vote_for_self(me, entry.mesh_id, 1, 0, 0)
        commit = acknowledge(me, entry.mesh_id, 1, 1, entry.hash)
        await store.keep(Stored(entry.mesh_id, [entry], [election], commit, hard, current=True, bind_to=bind_to))
        raft.hard_persisted(hard)
        raft.append(1)
        raft.entries_persisted(raft.last)
        log = Log(entry.mesh_id, elections={1: election})
        log.extend(entry)
        return cls(me, log, raft, store, hlc, election), log, entry

    @classmethod
    async def stand(
        cls, me: Identity, log: Log, store: ControlStore, hlc: Callable[[], str]
    ) -> tuple[Leader, list[ControlEntry]]:
        """Win the next term as the sole voter, and open it with an entry. Raises :class:`MoreVoters`."""
        last = Position(log.index, log.term)
        raft = Raft(me.peer_id, log.roster.voters, store.hard_state(), last, log.index)
        hard = raft.campaign()
        election = vote_for_self(me, log.mesh_id, hard.term, last.index, last.term)
        await store.keep(Stored(log.mesh_id, [], [election], None, hard))
        raft.hard_persisted(hard)
        log.elections[hard.term] = election
        leader = cls(me, log, raft, store, hlc, election)
        return leader, [await leader.propose(entries.TERM_OPENED, {"admin": me.peer_id}, None)]

    async def propose(self, type_: str, data: dict[str, Any], request: dict[str, Any] | None) -> ControlEntry:
        """Append one act; concurrent ones share an fsync.

        :raises NotAdmin: when this peer does not lead any more.
        :raises WireError: when the act cannot be written, or its data are not those of its type.
        """
        wish = _Wish(type_, data, request)
        self._wishes.append(wish)
        async with self._lock:
            if wish.entry is None and wish.error is None:
                await self._append()
        if wish.error is not None:
            raise wish.error
        assert wish.entry is not None
        return wish.entry

    async def _append(self) -> None:
        batch = [self._wishes.popleft() for _ in range(len(self._wishes))]
        if not self.leads:
            for wish in batch:
                wish.error = NotAdmin("This peer does not lead any more")
            return
        before = self._raft.last
        made, batch = self._make(batch)
        if not made:
            return
        self._raft.append(len(made))
        newest = made[-1]
        commit = acknowledge(self._me, self._log.mesh_id, newest.term, newest.index, newest.hash)
        try:
            await self._store.keep(Stored(self._log.mesh_id, made, [], commit))
        except BaseException as error:
            self._raft.abandon(before)
            for wish in batch:
                wish.error = error if isinstance(error, Exception) else NotAdmin("Stopped before it was stored")
            raise
        self._raft.entries_persisted(Position(newest.index, newest.term))
        for wish, entry in zip(batch, made, strict=True):
            wish.entry = entry
            self._log.extend(entry)
        self.on_commit(made, commit)

    def _make(self, batch: list[_Wish]) -> tuple[list[ControlEntry], list[_Wish]]:
        """The next entries, and the wishes they come from. One that cannot be written gets its error and no place: a
        hole in the numbers would stop every follower for good."""
        made: list[ControlEntry] = []
        good: list[_Wish] = []
        prev = self._log.head
        for wish in batch:
            try:
                entry = self._write(wish, self._raft.last.index + len(made) + 1, prev)
            except WireError as error:
                wish.error = error
                continue
            made.append(entry)
            good.append(wish)
            prev = entry.hash
        return made, good

    def _write(self, wish: _Wish, index: int, prev: str | None) -> ControlEntry:
        raw = entry_bytes(
            mesh_id=self._log.mesh_id, term=self._raft.term, index=index, prev=prev, hlc=self._hlc(),
            type_=wish.type_, data=wish.data, request=wish.request,
        )  # fmt: skip
        entry = parse_entry(raw, self._me.sign(identity.CONTROL, raw), self._me.peer_id)
        membership.check(entry.type, entry.data)
        return entry

    async def settle(self) -> None:
        """Wait until the acts under way are committed. The caller lets no new ones in."""
        async with self._lock:
            if self._wishes:
                await self._append()

    def stop(self) -> None:
        """Lead no more."""
        self._raft.step_down()
