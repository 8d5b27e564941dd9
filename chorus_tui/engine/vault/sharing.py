"""Who brings which role key to whom: every holder looks for members that lack one, and few do it twice.

Nobody asks and nobody is asked. A holder goes by the control log (who may hold a keyring), by the members' own words (who has
it) and by what is on its way already.
"""

from __future__ import annotations

from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.messages.keys import MOST_TOLD
from chorus_tui.engine.vault import rules
from chorus_tui.engine.vault.interface import Keyring
from chorus_tui.engine.vault.keyrings import Keyrings, MeshKeys
from chorus_tui.engine.vault.parts import Parts
from chorus_tui.engine.vault.sealing import encrypt
from chorus_tui.engine.vault.told import Told

STEP_S = 10.0
"""Each further holder waits so much longer for the ones before it to bring a key."""
AGAIN_S = 30.0
"""After so long a key that was brought and is not told as held is brought a second time."""
MOST_DOUBLINGS = 12
MOST_EPHEMERAL = 4
"""Newest versions that a member is brought whose identity is lost with its container: such members come and go, each of them
leaves the keyrings with a new version, and all old ones for all new ones would be most of what the feeds hold."""


class Sharing:
    """One peer's part in it."""

    def __init__(self, parts: Parts, keyrings: Keyrings, told: Told) -> None:
        self._parts = parts
        self._keyrings = keyrings
        self._told = told
        self._since: dict[tuple[str, Keyring, int], float] = {}

    def missing(self, mesh_id: str) -> list[tuple[str, Keyring, int]]:
        """(member, keyring, version) of each key that a member may hold and, by its own word, has not got."""
        found = []
        keys = self._keyrings.of(mesh_id)
        for peer_id, member in sorted(keys.roster.members.items()):
            held = self._told.held(peer_id, self._parts.recipient_of(peer_id), mesh_id)
            for keyring, versions in keys.roster.keyrings.items():
                if rules.may_hold(member, keyring):
                    missing = set(_brought(member, len(versions))).difference(held.get(keyring, ()))
                    found += [(peer_id, keyring, version) for version in sorted(missing)]
        return found

    async def bring(self, mesh_id: str, keys: MeshKeys, now: float) -> None:
        """What is for this peer to bring now. Raises as :meth:`Journal.say`."""
        without = self.missing(mesh_id)
        due = [wanted for wanted in without if self._is_ours(mesh_id, keys, *wanted, now)]
        self._since = {wanted: self._since[wanted] for wanted in without if wanted in self._since}
        for peer_id, keyring, version in due:
            await self._seal_to(mesh_id, peer_id, keyring, version)

    def _is_ours(self, mesh_id: str, keys: MeshKeys, peer_id: str, keyring: Keyring, version: int, now: float) -> bool:
        """Whether to bring this key now: held here, nobody brought it just before, and those before us had their time."""
        recipient = self._parts.recipient_of(peer_id)
        held = self._parts.file.keys.get(keys.versions(keyring)[version - 1])
        if peer_id == self._parts.me or not recipient or held is None:
            return False
        if not self._keyrings.may_pass(held, mesh_id, peer_id):
            return False
        if not self._may_bring_again(mesh_id, keys, peer_id, keyring, version, now):
            return False
        holders = [
            who
            for who in keys.roster.members
            if version in self._told.held(who, self._parts.recipient_of(who), mesh_id).get(keyring, ())
        ]
        since = self._since.setdefault((peer_id, keyring, version), now)
        return now - since >= STEP_S * rules.rank(self._parts.me, holders, self._parts.present())

    def _may_bring_again(
        self, mesh_id: str, keys: MeshKeys, peer_id: str, keyring: Keyring, version: int, now: float
    ) -> bool:
        """A feed waits for who is away, so once is enough for it; one that is here and does not say that it has the key is brought
        it again, each time after twice as long. What others bring counts when they could hold it, each one's first time for a
        moment: whether it is any good only the receiver can tell, and nobody is to keep a key from it by bringing rubbish."""
        wanted = (self._parts.recipient_of(peer_id), mesh_id, keyring, version)
        done = {
            author: bringing
            for author, bringing in self._told.brought_by.get(wanted, {}).items()
            if rules.may_hold(keys.roster.members.get(author), keyring)
        }
        if not done:
            return True
        if peer_id not in self._parts.mesh.links():
            return False
        own = done.pop(self._parts.me, None)
        if any(one.times == 1 and now - one.at < AGAIN_S for one in done.values()):
            return False
        return own is None or now - own.at >= AGAIN_S * 2 ** min(own.times - 1, MOST_DOUBLINGS)

    async def _seal_to(self, mesh_id: str, peer_id: str, keyring: Keyring, version: int) -> None:
        recipient = self._parts.recipient_of(peer_id)
        key = self._parts.file.keys[self._keyrings.of(mesh_id).versions(keyring)[version - 1]]
        bound = {"author": self._parts.me, "mesh_id": mesh_id, "keyring": keyring, "version": version}
        sealed = encrypt(canonical.encode({**bound, "secret": key.secret}), [recipient])
        await self._parts.journal.say(
            "role_key_shared",
            {
                "mesh_id": mesh_id, "keyring": keyring, "version": version, "to": peer_id, "recipient": recipient,
                "sealed": sealed,
            },
        )  # fmt: skip


def _brought(member: Member, versions: int) -> range:
    """The versions of a keyring with so many that a member is to have."""
    most = MOST_EPHEMERAL if member.ephemeral else MOST_TOLD
    return range(max(versions - most, 0) + 1, versions + 1)
