"""Role keys between members: a secret key sealed to one of them, what each holds, a word list in a peer's care.

That a keyring has a key, and what recipient it has, is decided in the control log (``role_key_set``); these messages only
bring the secret, which the receiver checks against that recipient.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.base import HASH, Message, MessageType

KEYRING = r"^(master|decision|coordination|suggestion|read_only|role:[a-z0-9._-]{1,64})$"
RECIPIENT = r"^age1[02-9ac-hj-np-z]{58}$"
MOST_KEYRINGS = 256
MOST_VERSIONS = 1_000_000
MOST_TOLD = 256
"""Of each keyring only so many versions, the newest, are told as held and brought to newcomers."""
SEALED_KEY = 4 * 1024
"""Characters of an armoured age file with one key or one word list in it."""

KeyringName = Annotated[str, Field(pattern=KEYRING, max_length=80)]
Version = Annotated[int, Field(ge=1, le=MOST_VERSIONS)]
PeerId = Annotated[str, Field(min_length=1, max_length=64)]


class RoleKeyShared(Message):
    """The secret of a keyring's version, sealed to the member ``to``, whose recipient is ``recipient``.

    ``sealed`` is an armoured age file of canonical ``{author, keyring, mesh_id, secret, version}``.
    """

    mesh_id: str = Field(pattern=HASH)
    keyring: KeyringName
    version: Version
    to: PeerId
    recipient: str = Field(pattern=RECIPIENT)
    sealed: str = Field(min_length=1, max_length=SEALED_KEY)


class RoleKeysHeld(Message):
    """The role keys of a mesh that this peer's ``age.key`` holds now, versions by keyring; the newest such entry counts.

    ``recipient`` is the peer's own: with another one it has a new ``age.key``.
    """

    mesh_id: str = Field(pattern=HASH)
    recipient: str = Field(pattern=RECIPIENT)
    keyrings: dict[KeyringName, Annotated[list[Version], Field(max_length=MOST_TOLD)]] = Field(max_length=MOST_KEYRINGS)


class KeyShare(Message):
    """One of the word lists that a keyring's secret was split into, sealed to the peer that keeps it.

    ``split`` names the set it belongs to (SLIP-39's identifier), ``number`` counts in it from 1. ``sealed`` is an armoured age
    file of canonical ``{author, keyring, mesh_id, version, words}``.
    """

    mesh_id: str = Field(pattern=HASH)
    keyring: KeyringName
    version: Version
    split: int = Field(ge=0, le=0x7FFF)
    number: int = Field(ge=1, le=16)
    to: PeerId
    sealed: str = Field(min_length=1, max_length=SEALED_KEY)


ROWS: dict[str, MessageType] = {
    "role_key_shared": MessageType(
        RoleKeyShared, True, topics.COORDINATION, "network_event",
        "a holder of a keyring", "a member that is entitled to it has not got it",
        "that member checks it against the control log and keeps it in its age.key",
    ),
    "role_keys_held": MessageType(
        RoleKeysHeld, True, topics.COORDINATION, "network_event",
        "every member", "the role keys in its age.key change", "who holds a keyring; the others are given it",
    ),
    "key_share": MessageType(
        KeyShare, True, topics.COORDINATION, "network_event",
        "a master", "it splits the master key and gives a word list into a peer's care", "that peer can show it (`vault shares`)",
    ),
}  # fmt: skip
