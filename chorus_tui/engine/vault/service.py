"""Role keys at work: makes those that are missing, brings them to who may hold them, keeps what is brought here.

Three rules carry it. A secret is in ``age.key``, on the disk, before the control log is asked to name its recipient, so a crash
between the two loses nothing. A key counts when the control log names it, so two masters that make one at once end with one. A
receiver believes nobody: it keeps a secret only when that recipient is its own and the log entitles it.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio
from pyrage import x25519

from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.interface import NoMesh, NotAdmin, Refused
from chorus_tui.engine.journal.interface import Refused as NotSaid
from chorus_tui.engine.protocol.messages.keys import MOST_TOLD, RoleKeyShared
from chorus_tui.engine.vault import rules
from chorus_tui.engine.vault.interface import Keyring
from chorus_tui.engine.vault.key_file import RoleKey, recipient_of_secret
from chorus_tui.engine.vault.keyrings import Keyrings, MeshKeys
from chorus_tui.engine.vault.parts import Parts
from chorus_tui.engine.vault.sealing import open_armored
from chorus_tui.engine.vault.sharing import Sharing
from chorus_tui.engine.vault.told import Told

log = structlog.get_logger("chorus.vault")

LOOK_S = 1.0
SETTLE_S = 1.0
"""What is held is told when it has not changed for so long: several keys, one entry."""
ALONE_S = 10.0
"""A mesh of one waits so long for others before it makes keys: it may dissolve into another mesh."""
REST_S = 5.0
"""After the admin refused or was not there."""
CONFIRM_S = 5.0
"""How long a decided entry may take to come back."""


class KeyService:
    """One peer's role keys."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.keyrings = Keyrings()
        self.told = Told(parts.me, parts.clock)
        self._wake = Bell()
        self._seen: tuple[dict[str, list[int]], float] = ({}, 0.0)
        self._sharing = Sharing(parts, self.keyrings, self.told)
        self._joined = ("", 0.0)
        self._rest_until = 0.0
        self._short: float | None = None
        parts.control.fold(self.keyrings)
        parts.journal.fold(self.told)
        self.told.on_change = self.keyrings.on_change = self.nudge

    def nudge(self) -> None:
        """Something changed: look again soon."""
        self._wake.ring()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        while True:
            await self._wake.rung(LOOK_S, PAUSE_S)
            mesh_id = self.parts.control.mesh_id
            if mesh_id is not None:
                await self._round(mesh_id, self.keyrings.of(mesh_id))

    async def _round(self, mesh_id: str, keys: MeshKeys) -> None:
        now = self.parts.clock.monotonic()
        if self._joined[0] != mesh_id:
            self._joined = (mesh_id, now)
        self._take()
        self._drop_orphans()
        if not self.lacking():
            self._short = None
        elif self._short is None:
            self._short = now
        try:
            await self._tell(mesh_id, now)
            if now >= self._rest_until and self._is_custodian(now):
                await self._make(mesh_id, keys)
            await self._sharing.bring(mesh_id, keys, now)
        except (NoMesh, NotAdmin, Refused, NotSaid) as error:
            self._rest_until = now + REST_S
            log.info("Role keys wait", reason=str(error))

    # ── keeping ────────────────────────────────────────────────────────────────────────────────────────────────────

    def holding(self, mesh_id: str | None) -> dict[Keyring, list[int]]:
        """Versions of a mesh's keyrings that are in ``age.key``."""
        found: dict[Keyring, list[int]] = {}
        for keyring, versions in self.keyrings.of(mesh_id).roster.keyrings.items():
            held = [number for number, recipient in enumerate(versions, 1) if recipient in self.parts.file.keys]
            if held:
                found[keyring] = held
        return found

    def lacking(self) -> list[Keyring]:
        """Keyrings that this peer may hold, and whose newest key it has not got."""
        keys = self.keyrings.of(self.parts.control.mesh_id)
        me = keys.roster.members.get(self.parts.me)
        return [
            k for k in keys.roster.keyrings if rules.may_hold(me, k) and keys.present(k) not in self.parts.file.keys
        ]

    def lacking_s(self) -> float:
        """For how long this peer has lacked some key."""
        return 0.0 if self._short is None else self.parts.clock.monotonic() - self._short

    def has(self, peer_id: str, keyring: Keyring, version: int) -> bool:
        """Whether a member holds a key: this peer by its file, others by their word."""
        mesh_id = self.parts.control.mesh_id or ""
        if peer_id == self.parts.me:
            return version in self.holding(mesh_id).get(keyring, ())
        return version in self.told.held(peer_id, self.parts.recipient_of(peer_id), mesh_id).get(keyring, ())

    def has_newest(self, peer_id: str, keyring: Keyring) -> bool:
        """Whether a member holds what is sealed to now."""
        version = len(self.keyrings.of(self.parts.control.mesh_id).versions(keyring))
        return version > 0 and self.has(peer_id, keyring, version)

    def _take(self) -> None:
        """What was brought here and fits is kept; what may come to fit later waits; the rest is let go."""
        self.told.brought = [(author, key) for author, key in self.told.brought if not self._settled(author, key)]

    def _settled(self, author: str, key: RoleKeyShared) -> bool:
        keys = self.keyrings.of(key.mesh_id)
        versions = keys.versions(key.keyring)
        if key.version > len(versions):
            return False
        recipient = versions[key.version - 1]
        if recipient in self.parts.file.keys:
            return True
        if not rules.may_hold(keys.roster.members.get(self.parts.me), key.keyring):
            return False
        secret = self._secret_of(author, key)
        if secret is not None and recipient_of_secret(secret) == recipient:
            self.parts.file.add(RoleKey(key.mesh_id, key.keyring, key.version, secret))
            log.info("🔑 A role key has come", keyring=key.keyring, version=key.version, by=author)
        return True

    def _secret_of(self, author: str, key: RoleKeyShared) -> str | None:
        """What a message brings, if its author sealed it for just this."""
        value = open_armored(self.parts.file.own, key.sealed)
        named = {"author": author, "mesh_id": key.mesh_id, "keyring": key.keyring, "version": key.version}
        if value is None or {name: value.get(name) for name in named} != named:
            return None
        return str(value.get("secret"))

    def _drop_orphans(self) -> None:
        """Keys made here for which the mesh took another master's: nothing was ever sealed to them."""
        decided = self.keyrings.recipients()
        for recipient, key in list(self.parts.file.keys.items()):
            taken = len(self.keyrings.of(key.mesh_id).versions(key.keyring)) >= key.version
            if taken and recipient not in decided:
                self.parts.file.forget(recipient)

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, mesh_id: str, now: float) -> None:
        held = self.holding(mesh_id)
        if held != self._seen[0]:
            self._seen = (held, now)
        newest = {keyring: versions[-MOST_TOLD:] for keyring, versions in held.items()}
        statement = {"mesh_id": mesh_id, "recipient": self.parts.file.own.recipient, "keyrings": newest}
        said = self.told.statements.get(self.parts.me)
        known = not held if said is None else said.held.model_dump(include=set(statement)) == statement
        if not known and now - self._seen[1] >= SETTLE_S:
            await self.parts.journal.say("role_keys_held", statement)

    # ── making ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _is_custodian(self, now: float) -> bool:
        control = self.parts.control
        if control.state == "provisional" and now - self._joined[1] < ALONE_S:
            return False
        return rules.custodian(control.members, control.admin, self.parts.present()) == self.parts.me

    async def _make(self, mesh_id: str, keys: MeshKeys) -> None:
        old = self.keyrings.of(keys.roster.refounds).roster.keyrings
        for keyring in dict.fromkeys((*old, *keys.missing())):
            # All that is held of the old mesh's, so that what is sealed to the last one stays closed to who had only those before.
            while self.parts.control.mesh_id == mesh_id and self._inherited(mesh_id, keyring) is not None:
                await self.set_next(mesh_id, keyring)
            behind = keys.present(keyring) in old.get(keyring, ()) and keys.present(keyring) != old[keyring][-1]
            if behind or keyring in keys.missing():
                await self.set_next(mesh_id, keyring)

    async def set_next(self, mesh_id: str, keyring: Keyring) -> int:
        """Give a keyring its next key; its version. Raises as :meth:`Control.request`."""
        version = len(self.keyrings.of(mesh_id).versions(keyring)) + 1
        recipient = self._inherited(mesh_id, keyring) or self._made(mesh_id, keyring, version)
        data = {"keyring": keyring, "version": version, "recipient": recipient}
        index = await self.parts.control.request(entries.ROLE_KEY_SET, data)
        await self.confirmed(mesh_id, index)
        return version

    async def confirmed(self, mesh_id: str, index: int) -> None:
        """Until a decided entry has come back to this peer, or a moment is over."""
        with trio.move_on_after(CONFIRM_S):
            while self.parts.control.mesh_id == mesh_id and self.parts.control.commit < index:  # noqa: ASYNC110 - a moment only
                await trio.sleep(0.05)

    def _made(self, mesh_id: str, keyring: Keyring, version: int) -> str:
        """A fresh key, on the disk; the one made before, when it is not known whether the log took it."""
        wanted = (mesh_id, keyring, version)
        for recipient, key in self.parts.file.keys.items():
            if (key.mesh_id, key.keyring, key.version) == wanted:
                return recipient
        return self.parts.file.add(RoleKey(*wanted, str(x25519.Identity.generate())))

    def _inherited(self, mesh_id: str, keyring: Keyring) -> str | None:
        """In a mesh founded anew: the next of the old one's keys (of very many the newest), as long as only its keys were taken over."""
        keys = self.keyrings.of(mesh_id)
        old = self.keyrings.of(keys.roster.refounds).versions(keyring)
        if not set(keys.versions(keyring)) <= set(old):
            return None
        return next(
            (one for one in old[-MOST_TOLD:] if one in self.parts.file.keys and one not in keys.versions(keyring)), None
        )
