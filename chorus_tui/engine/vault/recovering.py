"""Splitting the master key, rehearsing it, and having it back.

Words are shown once, to who sits at this machine: over the engine's own Unix socket, in no log, on no disk in clear. They leave it
only sealed to a peer that is to take care of one or two of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from chorus_tui.contract.models import vault as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.asking import ask_admin, find_member
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.messages.keys import KeyShare
from chorus_tui.engine.vault import splitting
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.key_file import RoleKey, recipient_of_secret
from chorus_tui.engine.vault.sealing import encrypt, open_armored
from chorus_tui.engine.vault.service import KeyService
from chorus_tui.engine.vault.splitting import Joined, Split, WrongWords
from chorus_tui.engine.vault.wording import recovery_words

MASTER = "master"


class Caller(Protocol):
    """Who asks."""

    @property
    def owner(self) -> bool:
        """Whether it is the engine's own user, at this machine and for nobody else: no guest of a portal, who shows a token."""
        ...


class Recovering:
    """The operations with words in them."""

    def __init__(self, service: KeyService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "vault.split": self.split, "vault.rehearse": self.rehearse, "vault.recover": self.recover, "vault.shares": self.shares,
        }  # fmt: skip

    async def split(self, request: models.SplitMaster, caller: Caller) -> models.WordLists:
        """Five lists; those in a peer's care are not shown."""
        self._only_here(caller)
        parts = self._service.parts
        self._only_masters("split")
        keepers = [find_member(parts.control, name) for name in request.to]
        self._check_keepers(keepers)
        versions = self._service.keyrings.of(parts.control.mesh_id).versions(MASTER)
        key = parts.file.keys.get(versions[-1]) if versions else None
        if key is None:
            raise Problem(
                409,
                "no_key",
                "The master key is not here",
                "Another master brings it when it is in reach; see 'vault roles'.",
            )
        made = splitting.split(key.secret)
        for number, keeper in enumerate(keepers, 1):
            await self._hand_over(made, number, keeper, len(versions))
        shown = [
            models.WordList(number=number, in_care_of=parts.control.name(keepers[number - 1]))
            if number <= len(keepers)
            else models.WordList(number=number, words=words)
            for number, words in enumerate(made.lists, 1)
        ]
        return models.WordLists(version=len(versions), split=made.identifier, lists=shown)

    def _check_keepers(self, keepers: list[str]) -> None:
        """Two lists say nothing of the key, three are the key: nobody is given what would make it three with one more slip."""
        parts = self._service.parts
        for keeper, count in Counter(keepers).items():
            name = parts.control.name(keeper)
            if keeper == parts.me:
                raise invalid({"to": f"{name} is this peer; its lists are shown here"})
            if count > models.MOST_WITH_ONE:
                raise invalid(
                    {
                        "to": f"{name} would have {count} of {models.LISTS} lists; one peer may have {models.MOST_WITH_ONE}"
                    }
                )
            if not parts.recipient_of(keeper):
                raise invalid({"to": f"{name} has not said what to seal to; it is told once it is in reach"})

    async def _hand_over(self, made: Split, number: int, keeper: str, version: int) -> None:
        parts = self._service.parts
        bound = {"author": parts.me, "mesh_id": parts.control.mesh_id, "keyring": MASTER, "version": version}
        sealed = encrypt(canonical.encode({**bound, "words": made.lists[number - 1]}), [parts.recipient_of(keeper)])
        data = {
            "mesh_id": parts.control.mesh_id, "keyring": MASTER, "version": version, "split": made.identifier, "number": number,
            "to": keeper, "sealed": sealed,
        }  # fmt: skip
        try:
            entry = await parts.journal.say("key_share", data)
        except Refused as error:
            raise Problem(409, "refused", "The word list cannot be handed over", str(error)) from error
        await parts.journal.deliver(entry, keeper)

    async def rehearse(self, request: models.GiveWords, caller: Caller) -> models.RehearsedAnswer:
        """Only lists that really gave the key are written down as rehearsed."""
        self._only_here(caller)
        self._only_masters("rehearse")
        joined, recipient = self._join(request)
        control = self._service.parts.control
        keys = self._service.keyrings.of(control.mesh_id)
        if recipient not in keys.versions(MASTER):
            raise Problem(409, "another_key", "These lists give another key", "It is no master key of this mesh.")
        version = keys.versions(MASTER).index(recipient) + 1
        data = {"keyring": MASTER, "version": version, "split": joined.identifier}
        index = await ask_admin(control, entries.RECOVERY_REHEARSED, data)
        await self._service.confirmed(control.mesh_id or "", index)
        return models.RehearsedAnswer(version=version, recovery=recovery_words(keys))

    async def recover(self, request: models.GiveWords, caller: Caller) -> models.Recovered:
        """The key goes into ``age.key`` when some mesh known here names its recipient; that proves that it is the right one."""
        self._only_here(caller)
        self._only_masters("have back")
        joined, recipient = self._join(request)
        known = self._service.keyrings.recipients().get(recipient)
        if known is None or known[1] != MASTER:
            raise Problem(
                409,
                "another_key",
                "These lists give another key",
                "No mesh known here has a master key with that recipient.",
            )
        mesh_id, keyring, version = known
        was_here = recipient in self._service.parts.file.keys
        try:
            self._service.parts.file.add(RoleKey(mesh_id, keyring, version, joined.secret))
        except AgeKeyError as error:
            raise Problem(507, "disk", "The key cannot be kept", str(error)) from error
        self._service.nudge()
        return models.Recovered(keyring=keyring, version=version, mesh_id=mesh_id, was_here=was_here)

    async def shares(self, _request: Any, caller: Caller) -> models.CareList:
        """Those sealed to this peer, opened."""
        self._only_here(caller)
        mine = [(by, share) for by, share in self._service.told.word_lists if share.to == self._service.parts.me]
        return models.CareList(lists=[found for by, share in mine if (found := self._opened(by, share)) is not None])

    def _opened(self, by: str, share: KeyShare) -> models.WordListInCare | None:
        value = open_armored(self._service.parts.file.own, share.sealed)
        if value is None or value.get("author") != by:
            return None
        return models.WordListInCare(
            by=self._service.parts.control.name(by), split=share.split, version=share.version, number=share.number,
            words=str(value.get("words")),
        )  # fmt: skip

    # ── small things ───────────────────────────────────────────────────────────────────────────────────────────────

    def _join(self, request: models.GiveWords) -> tuple[Joined, str]:
        try:
            joined = splitting.join(request.lists)
        except WrongWords as error:
            raise invalid({"lists": str(error)}, "The word lists give no key") from None
        return joined, recipient_of_secret(joined.secret)

    def _only_here(self, caller: Caller) -> None:
        if not caller.owner:
            raise Problem(
                403, "only-here", "Word lists are for the engine's own user",
                "Run the command on the engine's own machine, without --attach and in no portal that is served.",
            )  # fmt: skip

    def _only_masters(self, act: str) -> None:
        parts = self._service.parts
        if not parts.control.may(parts.me, "grant_roles"):
            raise Problem(
                403, "refused", f"This peer may not {act} the master key", "Only a master may, by the control log."
            )
