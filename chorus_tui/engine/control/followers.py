"""Following: the admin's heartbeat and entries by gossip, gaps by ``/chorus/control/1.0.0``.

Whoever gives the entries, they are verified the same way; so they may come from any member.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
import trio

from chorus_tui.engine.bell import Bell, pause
from chorus_tui.engine.control.entries import Commit, Election, term_of
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.store import Stored
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.mesh.interface import MAX_FRAME, MeshError, Stream
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages import ControlEntries, Message

if TYPE_CHECKING:
    from chorus_tui.engine.control.service import ControlService

log = structlog.get_logger("chorus.control.following")

PROTOCOL = "/chorus/control/1.0.0"
PAGE = 128
PAGE_BYTES = 512 * 1024
GOSSIP_BYTES = 48 * 1024
PATIENCE_S = 15.0
"""For a page of the log, however it comes."""

SLOWEST = 32 * 1024
"""Bytes a second that a log comes with at least, after its first minute: one that has no end does not take all the time there is."""
BEGIN_S = 60.0
MOST_BYTES = 256 << 20
"""Of one log fetched in one go."""
AGAIN_S = 5.0
"""After so long what a disk refused is tried again."""
MOST_UNCHECKED = 8 << 20
"""Bytes of a log whose elections come at its end, as earlier versions send it: until then nothing of it can be checked."""

Admit = Callable[[list[Any], list[Any], Any], Awaitable[object]]
"""(items, elections, certificate) of a log that was fetched."""


class Following:
    """Keeps this peer's control log equal to the admin's."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._heard_at: float | None = None
        self.had_admin_at = -math.inf
        """When an admin was last in reach, by whichever way, or this peer was one."""
        self._announce: list[tuple[list[ControlEntry], Commit]] = []
        self._wake = Bell()
        self._fetch_from: set[str] = set()
        self.shown = trio.Event()
        """Some member has shown all it holds since the start."""
        self._fetch_wake = Bell()
        control.mesh.serve(PROTOCOL, self._serve)
        control.mesh.on_link(self._on_link)
        control.journal.on_fleeting("admin_heartbeat", self._hear)
        control.journal.on_fleeting("control_entries", self._hear)

    def heard_s(self) -> float | None:
        """Seconds since the admin was last heard."""
        return None if self._heard_at is None else self._control.clock.monotonic() - self._heard_at

    def forget_admin(self) -> None:
        """Another mesh, another admin."""
        self._heard_at = None

    def hear_admin(self) -> None:
        """The admin itself has just answered."""
        control = self._control
        self._heard_at = control.clock.monotonic()
        if control.consensus is not None:
            control.consensus.core.reassured(control.term)

    def announce(self, entries: list[ControlEntry], commit: Commit) -> None:
        """Gossip committed entries soon."""
        self._announce.append((entries, commit))
        self._wake.ring()

    def _on_link(self, peer_id: str, connected: bool) -> None:
        if connected and self._control.is_member(peer_id):
            self.fetch_soon(peer_id)

    def fetch_soon(self, peer_id: str) -> None:
        """Ask this member for what is missing here."""
        self._fetch_from.add(peer_id)
        self._fetch_wake.ring()

    async def run(self) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heartbeats)
            nursery.start_soon(self._fetches)
            nursery.start_soon(self._watch_admin)

    # ── as the admin ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _heartbeats(self) -> None:
        while True:
            await self._wake.rung(self._control.parameters["heartbeat_s"])
            waiting, self._announce = self._announce, []
            for entries, commit in waiting:
                await self._whisper("control_entries", entries, commit)
            if not waiting and self._control.is_admin:
                await self._whisper("admin_heartbeat", [], None)

    async def _whisper(self, type_: str, entries: list[ControlEntry], commit: Commit | None) -> None:
        control, current = self._control, self._control.log
        if current is None or current.head is None or control.consensus is None or not control.consensus.leads:
            return
        items = [_item(entry.raw, entry.sig) for entry in entries]
        # Measured as it travels: escaping can double a text.
        if sum(len(canonical.encode(item)) for item in items) > GOSSIP_BYTES or len(items) > 64:
            items = []  # followers see the higher commit index and fetch
        data: dict[str, Any] = {
            "mesh_id": current.mesh_id, "term": current.term, "commit": commit.index if commit and items else current.index,
            "head": commit.hash if commit and items else current.head, "entries": items,
            "certificate": commit.as_json() if commit and items else None, "election": current.elections[current.term].as_json(),
            "standing": control.governing.standing,
        }  # fmt: skip
        await self._control.journal.whisper(type_, data)

    # ── as a follower ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _hear(self, author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, ControlEntries)
        control = self._control
        if control.log is None or message.mesh_id != control.log.mesh_id:
            return
        if author == control.admin and message.standing:
            control.governing.standing = message.standing
        if author == control.admin or (message.entries and message.term >= control.term):
            self._note_heartbeat(author)
        if message.entries:
            await self._take(message, author)
        elif message.commit > control.commit:
            self.fetch_soon(author)

    def _note_heartbeat(self, author: str) -> None:
        was_reachable = self._control.admin_reachable()
        if author == self._control.admin:
            self.hear_admin()
            if not was_reachable:
                self._control.say(
                    "info",
                    f"👑 {self._control.name(author)} is heard as the admin of term {self._control.term}",
                    term=self._control.term,
                )
                self._control.changed()

    async def _take(self, message: ControlEntries, author: str) -> None:
        try:
            await self.admit(message.entries, [message.election] if message.election else [], message.certificate)
        except Gap:
            self.fetch_soon(author)
        except WireError as error:
            self._control.journal.intake.refuse(error.reason)
            log.warning("Control entries were refused", reason=str(error), peer=author)

    async def admit(self, items: list[Any], elections: list[Any], certificate: Any) -> int:
        """Verify, store and apply; how many were new. Raises :class:`Gap` or :class:`WireError`."""
        control = self._control
        async with control.lock:
            if control.consensus is None or control.consensus.leads:
                return 0
            return await control.consensus.admit(items, elections, certificate)

    async def _fetches(self) -> None:
        """From each member that was named, apart: nobody waits for one that is slow."""
        fetching: set[str] = set()

        async def one(peer_id: str, current: Log) -> None:
            try:
                await self.fetch(peer_id, current.copy(), self.admit)
            except (MeshError, WireError, Gap, trio.TooSlowError) as error:
                log.debug("Fetching the control log failed; it is tried again", peer=peer_id, error=str(error))
            except StoreError as error:
                log.warning("What was fetched of the control log is not kept yet; it is tried again", reason=str(error))
                await trio.sleep(AGAIN_S)
                self._fetch_from.add(peer_id)
            finally:
                fetching.discard(peer_id)
                if peer_id in self._fetch_from:
                    self._fetch_wake.ring()

        async with trio.open_nursery() as nursery:
            while True:
                await self._fetch_wake.rung()
                current = self._control.log
                for peer_id in sorted(self._fetch_from - fetching):
                    self._fetch_from.discard(peer_id)
                    if current is not None and not self._control.is_admin:
                        fetching.add(peer_id)
                        nursery.start_soon(one, peer_id, current)

    async def fetch(
        self, peer_id: str, trial: Log, admit: Admit, look: Callable[[Log], None] = lambda _trial: None
    ) -> None:
        """Fetch what follows ``trial`` from a peer, page by page, and give it all to ``admit``.

        Each page is checked as it comes, on ``trial``: what is no part of the log is not kept until the end. ``look`` is shown the trial
        after each, and raises when no more is wanted. Raises as :meth:`Log.take`, ``MeshError``, and ``trio.TooSlowError`` when a page
        does not come, or they come too slowly.
        """
        control, mesh_id = self._control, trial.mesh_id
        with trio.fail_after(PATIENCE_S):
            stream = await control.mesh.open(peer_id, PROTOCOL)
        try:
            items: list[Any] = []
            size = unchecked = 0
            began = trio.current_time()
            question = {"kind": "log", "mesh_id": mesh_id, "after": trial.index}
            with trio.fail_after(PATIENCE_S) as scope:
                await stream.send(canonical.encode_frame(question))
                while True:
                    raw = await stream.receive(MAX_FRAME) or b"null"
                    frame = canonical.decode_frame(raw)
                    if not isinstance(frame, dict):
                        raise WireError("cut", "The log ended early")
                    if frame.get("kind") == "end":
                        break
                    items += _taken(frame, trial)
                    look(trial)
                    size += len(raw)
                    unchecked += 0 if "elections" in frame else len(raw)
                    if unchecked > MOST_UNCHECKED or size > MOST_BYTES:
                        raise WireError("bad_frame", "The log is too long")
                    scope.deadline = min(trio.current_time() + PATIENCE_S, began + BEGIN_S + size / SLOWEST)
                    await trio.lowlevel.checkpoint()
            self.shown.set()
            if frame.get("certificate") is not None:
                known = [election.as_json() for election in trial.elections.values()]
                await admit(items, [*_list(frame, "elections"), *known], frame["certificate"])
            if frame.get("leads") is True and mesh_id == control.mesh_id:
                self._note_heartbeat(peer_id)
        finally:
            await stream.close()

    async def _serve(self, stream: Stream) -> None:
        with trio.fail_after(PATIENCE_S):
            frame = canonical.decode_frame(await stream.receive(4096) or b"null")
        if not isinstance(frame, dict) or frame.get("kind") != "log" or type(frame.get("after")) is not int:
            raise WireError("bad_frame", "A question for a log names mesh and index")
        mesh_id, after = str(frame.get("mesh_id")), frame["after"]
        # Who missed that its mesh went into ours is no member here, and learns it from the closed log.
        shown = self._control.is_member(stream.peer_id) or mesh_id in self._control.closed
        commit = self._control.store.commit(mesh_id) if shown else None
        if commit is not None:
            await self._send_pages(stream, mesh_id, after)
        # Who founded a mesh in place of that one still has its log, but leads it no more.
        leads = self._control.is_admin and mesh_id == self._control.mesh_id
        certificate = commit.as_json() if commit else None
        with trio.fail_after(PATIENCE_S):
            # Earlier versions look for the elections here.
            elections = [election.as_json() for election in self._control.store.elections(mesh_id)] if commit else []
            end = {"kind": "end", "elections": elections, "certificate": certificate, "leads": leads}
            await stream.send(canonical.encode_frame(end))
            await stream.finish()

    async def _send_pages(self, stream: Stream, mesh_id: str, after: int) -> None:
        while True:
            page: list[dict[str, str]] = []
            terms: set[int] = set()
            size = 0
            for raw, sig in self._control.store.raw_after(mesh_id, after, PAGE):
                if size + len(raw) > PAGE_BYTES and page:
                    break
                page.append(_item(raw, sig))
                terms.add(term_of(raw))
                size += len(raw)
            if not page:
                return
            elections = [
                election.as_json() for election in self._control.store.elections(mesh_id, min(terms), max(terms))
            ]
            frame = {"kind": "entries", "entries": page, "elections": elections}
            with trio.fail_after(PATIENCE_S):
                await stream.send(canonical.encode_frame(frame))
            after += len(page)

    async def _watch_admin(self) -> None:
        """Say once when the admin falls silent; look for it through any member."""
        silent = False
        while True:
            await pause(1.0)
            control = self._control
            reachable = control.admin_reachable()
            if reachable:
                self.had_admin_at = control.clock.monotonic()
            if control.log is None or control.is_admin:
                silent = False
                continue
            if not reachable and not silent:
                control.changed()
                if self._heard_at is not None:
                    control.say("warning", f"⚠️ {control.detail}")
            silent = not reachable


def _item(raw: bytes, sig: str) -> dict[str, str]:
    return {"entry": raw.decode(), "sig": sig}


def _taken(frame: dict[str, Any], trial: Log) -> list[Any]:
    """The new ones of a page's entries, each checked on ``trial``. Raises :class:`WireError` also when there is none."""
    fresh = _list(frame, "entries")
    if "elections" in frame:  # else it is of an earlier version, and is checked when they come
        known = {election.term: election for election in map(Election.from_json, _list(frame, "elections"))}
        fresh = [item for item in fresh if trial.take(item, known) is not None]
    if not fresh:
        raise WireError("bad_frame", "A page of the log has nothing new")
    return fresh


def _list(frame: dict[str, Any], name: str) -> list[Any]:
    value = frame.get(name) or []
    if not isinstance(value, list):
        raise WireError("bad_frame", f"{name} is no list")
    return value


async def fetch_new(
    following: Following, peer_id: str, mesh_id: str, *, current: bool = True,
    look: Callable[[Log], None] = lambda _trial: None,
) -> tuple[Log, Stored]:  # fmt: skip
    """Fetch and verify the whole log of a mesh that is not ours yet, and what is to be kept of it. Nothing is stored. ``look`` as in
    :meth:`Following.fetch`.

    :raises WireError: when it is forged or incomplete.
    """
    fresh = Log(mesh_id)
    kept: list[Stored] = []

    async def admit(items: list[Any], elections: list[Any], certificate: Any) -> None:
        entries, commit = fresh.admit(items, elections, certificate)
        kept.append(Stored(mesh_id, entries, list(fresh.elections.values()), commit, current=current))

    await following.fetch(peer_id, Log(mesh_id), admit, look)
    if not kept:
        raise WireError("cut", "The peer has no log of that mesh")
    return fresh, kept[0]
