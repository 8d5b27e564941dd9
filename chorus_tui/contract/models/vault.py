"""Role keys: who holds which keyring, the word lists that give the master key back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request
from chorus_tui.contract.models.election import Authority

NEEDED, LISTS, MOST_WITH_ONE = 3, 5, 2
"""So many word lists give the key back; so many there are; so many of them may be in one peer's care."""
KEYRING = r"^(master|decision|coordination|suggestion|read_only|role:[a-z0-9._-]{1,64})$"

Words = Annotated[str, Field(min_length=1, max_length=1_000)]


class KeyringView(Answer):
    """One keyring. ``version`` counts from 1, 0 while it has no key; ``recipient`` is that of the newest version."""

    keyring: str
    version: int
    recipient: str = ""
    mine: list[int] = Field(default_factory=list, description="Versions held here")
    entitled: bool = Field(description="Whether this peer may hold it")
    held_by: list[str] = Field(
        default_factory=list, description="Names of members that said they hold its newest version"
    )
    waiting: list[str] = Field(
        default_factory=list, description="Names of members that may hold it and have not got it"
    )
    renewed_soon: bool = Field(default=False, description="Somebody lost it; it is given a new key")


class Roles(Answer):
    """The answer of ``chorus-tui vault roles``."""

    mesh_id: str | None
    custodian: str = Field(description="Name of the member that makes keys now; empty: none is in reach")
    keyrings: list[KeyringView]
    keys: str = Field(description="In words: how many of the keys it may hold this peer holds")
    recovery: str = Field(description="In words: what gives the master key back when every master is gone")


class VaultStatus(Answer):
    """The two lines of it."""

    keys: str
    recovery: str


class GrantKeys(Request):
    """Grant a member an authority or a role, and wait until the keys that follow have arrived. ``member`` is a name or a peer
    id; ``timeout_s`` 0 does not wait."""

    member: str = Field(min_length=1, max_length=128)
    authority: Authority | None = None
    role: str | None = Field(default=None, max_length=64)
    timeout_s: float = Field(default=15.0, ge=0, le=600)


class Granted(Answer):
    """Entry ``index`` of the control log; of the keyrings the member may hold now, which it said it holds."""

    index: int
    member: str
    arrived: list[str]
    missing: list[str]


class RotateKeyring(Request):
    """Give a keyring a new key for new content."""

    keyring: str = Field(pattern=KEYRING, max_length=80)


class Rotated(Answer):
    """The version that new content is sealed to from now on."""

    keyring: str
    version: int


class SplitMaster(Request):
    """Split the master key into five word lists. Each name in ``to`` is given one of them into its care; a name may stand here
    twice, not more often."""

    to: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(default_factory=list, max_length=LISTS)


class WordList(Answer):
    """One word list. A secret: it is shown once, and kept by nobody but who reads it. In a peer's care ``words`` is empty."""

    number: int
    in_care_of: str = ""
    words: str = Field(default="", repr=False)


class WordLists(Answer):
    """What a split gave. ``split`` names the set: lists of two splits do not go together."""

    keyring: str = "master"
    version: int
    split: int
    needed: int = NEEDED
    lists: list[WordList] = Field(repr=False)


class GiveWords(Request):
    """Three of the word lists."""

    lists: list[Words] = Field(min_length=1, max_length=LISTS, repr=False)


class RehearsedAnswer(Answer):
    """The lists gave the key, and the mesh knows."""

    version: int
    recovery: str


class Recovered(Answer):
    """The key that the lists gave is in ``age.key``."""

    keyring: str
    version: int
    mesh_id: str
    was_here: bool = Field(description="It was there already")


class WordListInCare(Answer):
    """One of them, and who gave it."""

    by: str
    split: int
    version: int
    number: int
    words: str = Field(repr=False)


class CareList(Answer):
    """Word lists in this peer's care, opened."""

    lists: list[WordListInCare] = Field(repr=False)
