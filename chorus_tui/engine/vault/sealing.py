"""Parts of messages that only some roles can read: redacted, bound to their author, encrypted with age to those members.

The rest of such a message stays public: who said it, where, to which roles. Whoever joins a role later cannot read what was
sealed before. A sealed part that somebody else copies into a message of its own does not open there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyrage
from pyrage import x25519

from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.messages.base import SEALED
from chorus_tui.engine.vault.age_identity import AgeIdentity

MOST_RECIPIENTS = 128
_BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----\n"
_ARMORED = re.compile(_BEGIN + r"(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{1,64}\n-----END AGE ENCRYPTED FILE-----\n?")


class CannotSeal(Exception):
    """Nobody could read it, or it does not fit. The text says which."""


class Sealing(Protocol):
    """Seals and opens for the features."""

    def seal(self, value: dict[str, Any], roles: Sequence[str], also: Sequence[str] = ()) -> str:
        """An armoured age file that members of ``roles``, the members ``also`` (peer ids: whom it answers) and this peer can
        open. Raises :class:`CannotSeal`."""
        ...

    def open(self, sealed: str, author: str) -> dict[str, Any] | None:
        """What ``author`` sealed, or None when it is not for this peer, or not theirs."""
        ...


class AgeSealing:
    """:class:`Sealing` with this peer's age identity. ``recipients(roles)`` gives the age recipients of members by peer id,
    ``recipient_of(peer_id)`` that of one, empty where it is not known."""

    def __init__(
        self, me: str, identity: AgeIdentity, redact: Callable[[Any], Any],
        recipients: Callable[[Sequence[str]], Mapping[str, str]], recipient_of: Callable[[str], str] = lambda _peer_id: "",
    ) -> None:  # fmt: skip
        self._me = me
        self._identity = identity
        self._redact = redact
        self._recipients = recipients
        self._recipient_of = recipient_of

    def seal(self, value: dict[str, Any], roles: Sequence[str], also: Sequence[str] = ()) -> str:
        """See :meth:`Sealing.seal`."""
        known = {**self._recipients(roles), **{peer_id: self._recipient_of(peer_id) for peer_id in also}}
        others = {peer_id: key for peer_id, key in known.items() if key and peer_id != self._me}
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
        if len(sealed) > SEALED or _ARMORED.fullmatch(sealed) is None:
            return None
        clear = self._identity.decrypt(sealed.encode())
        if clear is None:
            return None
        try:
            value = canonical.decode(clear)
        except WireError:
            return None
        if not isinstance(value, dict) or value.get("author") != author or not isinstance(value.get("value"), dict):
            return None
        inner: dict[str, Any] = value["value"]
        return inner


def encrypt(clear: bytes, recipients: Iterable[str]) -> str:
    """An armoured age file for these recipients."""
    sealed: bytes = pyrage.encrypt(clear, [x25519.Recipient.from_str(one) for one in recipients], armored=True)
    return sealed.decode()
