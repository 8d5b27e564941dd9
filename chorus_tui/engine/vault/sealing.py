"""Parts of messages that only some roles can read: redacted, bound to their author, encrypted with age to those members.

The rest of such a message stays public: who said it, where, to which roles. Whoever joins a role later cannot read what was
sealed before. A sealed part that somebody else copies into a message of its own does not open there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyrage
from pyrage import x25519

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages.base import SEALED
from chorus_tui.engine.vault import armor, header
from chorus_tui.engine.vault.age_identity import AgeIdentity
from chorus_tui.engine.vault.interface import CannotSeal

MOST_RECIPIENTS = 128


class Sealing(Protocol):
    """Seals and opens for the features."""

    def seal(self, value: dict[str, Any], roles: Sequence[str], peers: Sequence[str] = ()) -> str:
        """An armoured age file that members of ``roles``, these ``peers`` and this peer can open. Raises :class:`CannotSeal`."""
        ...

    def open(self, sealed: str, author: str) -> dict[str, Any] | None:
        """What ``author`` sealed, or None when it is not for this peer, or not theirs."""
        ...


class AgeSealing:
    """:class:`Sealing` with this peer's age identity. ``recipients(roles, peers)`` gives the age recipients of members by peer id."""

    def __init__(
        self, me: str, identity: AgeIdentity, redact: Callable[[Any], Any],
        recipients: Callable[[Sequence[str], Sequence[str]], Mapping[str, str]],
    ) -> None:  # fmt: skip
        self._me = me
        self._identity = identity
        self._redact = redact
        self._recipients = recipients

    def seal(self, value: dict[str, Any], roles: Sequence[str], peers: Sequence[str] = ()) -> str:
        """See :meth:`Sealing.seal`."""
        others = {peer_id: key for peer_id, key in self._recipients(roles, peers).items() if peer_id != self._me}
        if not others:
            raise CannotSeal(f"no other member has the role {' or '.join(roles)}, so nobody could read it")
        if len(others) > MOST_RECIPIENTS:
            raise CannotSeal(f"more than {MOST_RECIPIENTS} members would have to be able to read it")
        clear = canonical.encode({"author": self._me, "value": self._redact(value)})
        sealed = encrypt(clear, [self._identity.recipient, *sorted(set(others.values()))])
        if len(sealed) > SEALED:
            raise CannotSeal(f"sealed it is larger than {SEALED} bytes; say less, or send the large part as a file")
        return sealed

    def open(self, sealed: str, author: str) -> dict[str, Any] | None:
        """See :meth:`Sealing.open`."""
        value = open_armored(self._identity, sealed) if len(sealed) <= SEALED else None
        if value is None or value.get("author") != author or not isinstance(value.get("value"), dict):
            return None
        inner: dict[str, Any] = value["value"]
        return inner


def encrypt(clear: bytes, recipients: Iterable[str]) -> str:
    """An armoured age file for these recipients."""
    sealed: bytes = pyrage.encrypt(clear, [x25519.Recipient.from_str(one) for one in recipients], armored=True)
    return sealed.decode()


def open_armored(identity: AgeIdentity, sealed: str) -> dict[str, Any] | None:
    """The object that an armoured age file for ``identity`` holds, or None. Its form is checked before age sees it."""
    try:
        binary = armor.to_binary(sealed.encode())
        header.check(binary)
        clear = identity.decrypt(binary)
        value = None if clear is None else canonical.decode(clear)
    except (armor.BadArmor, header.BadHeader, WireError):
        return None
    return value if isinstance(value, dict) else None
