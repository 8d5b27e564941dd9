"""What the feeds tell of role keys: keys brought to this peer, what each member holds, word lists in somebody's care."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chorus_tui.engine.clock import Clock
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.keys import KeyShare, RoleKeyShared, RoleKeysHeld

Wanted = tuple[str, str, str, int]
"""(recipient of the member, mesh, keyring, version): a key that a member is to be given."""


MOST_WAITING = 1_000
"""Keys brought here that do not fit yet; older ones are let go, and would be brought again."""


@dataclass(frozen=True, slots=True)
class Bringing:
    """How often, and when last, in monotonic seconds of this peer."""

    times: int
    at: float


@dataclass(frozen=True, slots=True)
class Statement:
    """What a member said it holds; ``order`` tells which of its words is the newest."""

    order: tuple[int, int, int]
    held: RoleKeysHeld


class Told:
    """A fold over feeds."""

    types = frozenset({"role_key_shared", "role_keys_held", "key_share"})

    def __init__(self, me: str, clock: Clock) -> None:
        self._me = me
        self._clock = clock
        self.on_change: Callable[[], None] = lambda: None
        self.reset()

    def reset(self) -> None:
        """As the journal's folds do."""
        self.brought: list[tuple[str, RoleKeyShared]] = []
        """Keys sealed to this peer, with who sealed them."""
        self.statements: dict[str, Statement] = {}
        self.brought_by: dict[Wanted, dict[str, Bringing]] = {}
        """By author, how often a key was seen on its way to a member."""
        self.word_lists: list[tuple[str, KeyShare]] = []
        """All word lists in somebody's care, with who gave them there."""

    def apply(self, entry: Entry, message: Message) -> None:
        """One entry of anybody's feed."""
        if isinstance(message, RoleKeyShared):
            wanted = (message.recipient, message.mesh_id, message.keyring, message.version)
            by = self.brought_by.setdefault(wanted, {})
            before = by.get(entry.author, Bringing(0, 0.0))
            by[entry.author] = Bringing(before.times + 1, self._clock.monotonic())
            if message.to == self._me:
                self.brought = [*self.brought[-MOST_WAITING:], (entry.author, message)]
        elif isinstance(message, RoleKeysHeld):
            at, count, _ = entry.header.hlc.split(":", 2)
            said = Statement((int(at), int(count), entry.header.seq), message)
            known = self.statements.get(entry.author)
            if known is None or known.order < said.order:
                self.statements[entry.author] = said
        elif isinstance(message, KeyShare):
            self.word_lists.append((entry.author, message))
        self.on_change()

    def held(self, peer_id: str, recipient: str, mesh_id: str) -> dict[str, list[int]]:
        """Versions by keyring that a member said its present ``age.key`` holds."""
        said = self.statements.get(peer_id)
        if said is None or (said.held.recipient, said.held.mesh_id) != (recipient, mesh_id):
            return {}
        return said.held.keyrings
