"""Keeping a record: signed, sealed to who may read it, written under its address, put into the DHT, announced by address and
hash only."""

from __future__ import annotations

import structlog

from chorus_tui.contract import ucxl
from chorus_tui.contract.models.ucxl import RECORD_TYPE
from chorus_tui.engine.decisions.parts import NotKept
from chorus_tui.engine.journal.interface import Journal, Refused
from chorus_tui.engine.mesh.interface import Values
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.records import record
from chorus_tui.engine.ucxl.interface import ContentError, Contents
from chorus_tui.engine.vault.interface import CannotSeal, Vault

log = structlog.get_logger("chorus.records")


class Keeper:
    """Of one peer. Without ``values`` the DHT is off."""

    def __init__(self, me: Identity, contents: Contents, vault: Vault, values: Values | None, journal: Journal) -> None:
        self._me = me
        self._contents = contents
        self._vault = vault
        self._values = values
        self._journal = journal

    async def keep(self, address: str, content: bytes, creator: str) -> None:
        """Keep and announce the record of what ``creator`` made. ``content`` is what :func:`record.whole` made.

        :raises NotKept: no key to seal it with yet, or it cannot be stored or said now.
        """
        where = ucxl.parse(address)
        try:
            signed = record.sign(content, self._me)
            readers = self._vault.readers_of(creator)
            await self._contents.put(where, signed, media_type=RECORD_TYPE, readers=readers, tags=(record.TAG,))
            data = {"address": address, "content_hash": record.digest_of(content)}
            await self._journal.say("decision_announcement", data)
        except (CannotSeal, ContentError, Refused) as error:
            raise NotKept(str(error)) from error
        await self.spread(address)

    async def spread(self, address: str) -> int:
        """Put the sealed bytes of a record into the DHT; how many peers hold them there. 0 when it is off."""
        if self._values is None:
            return 0
        try:
            _, stored = await self._contents.stored(ucxl.parse(address))
        except ContentError as error:
            log.info("A record is not in the DHT", address=address, reason=str(error))
            return 0
        return await self._values.put(stored)

    def held(self, address: str) -> bool:
        """Whether some version of this record is known here."""
        return bool(self._contents.versions(ucxl.parse(address)))
