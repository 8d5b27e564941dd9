"""A key as five word lists, of which any three give it back and any two say nothing: SLIP-39.

What is wrong with words that somebody typed is told by list and place, never by the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import shamir_mnemonic
from shamir_mnemonic import MnemonicError, Share
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from chorus_tui.contract.models.vault import LISTS, NEEDED
from chorus_tui.engine.protocol.age_recipient import secret_bytes, secret_text

WORDS = 33
"""In each list of a key of 32 bytes."""


class WrongWords(Exception):
    """The lists give no key. The text says which list, and where in it."""


@dataclass(frozen=True, slots=True)
class Split:
    """A set of lists; ``identifier`` stands in each of them."""

    identifier: int
    lists: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """What lists gave back."""

    identifier: int
    secret: str = field(repr=False)


def split(secret: str) -> Split:
    """Of an ``AGE-SECRET-KEY-1…``; anew each time."""
    key = secret_bytes(secret)
    assert key is not None, "role keys are age identities"
    (lists,) = shamir_mnemonic.generate_mnemonics(1, [(NEEDED, LISTS)], key)
    return Split(Share.from_mnemonic(lists[0]).identifier, tuple(lists))


def join(lists: Sequence[str]) -> Joined:
    """The secret of three lists; more are not looked at. Raises :class:`WrongWords`."""
    shares = [_read(number, words) for number, words in enumerate(lists, 1)]
    seen: dict[int, int] = {}
    for number, share in enumerate(shares, 1):
        if share.common_parameters() != shares[0].common_parameters() or share.member_threshold != NEEDED:
            raise WrongWords(f"list {number} is not of the same split as list 1")
        if share.index in seen:
            raise WrongWords(f"list {number} is list {seen[share.index]} once more")
        seen[share.index] = number
    if len(shares) < NEEDED:
        missing = NEEDED - len(shares)
        raise WrongWords(f"{len(shares)} of {NEEDED} lists: {missing} more {'is' if missing == 1 else 'are'} missing")
    try:
        key = shamir_mnemonic.combine_mnemonics([_plain(words) for words in lists[:NEEDED]])
    except MnemonicError:
        raise WrongWords("the lists do not fit together, although each is sound: they are of different keys") from None
    if len(key) != len(secret_bytes(secret_text(bytes(32))) or b""):
        raise WrongWords("the lists give something that is no key")
    return Joined(shares[0].identifier, secret_text(key))


def _plain(words: str) -> str:
    return " ".join(words.lower().split())


def _read(number: int, words: str) -> Share:
    given = _plain(words).split(" ")
    wrong = [str(place) for place, word in enumerate(given, 1) if word not in WORD_INDEX_MAP]
    if wrong:
        raise WrongWords(
            f"list {number}: {'word' if len(wrong) == 1 else 'words'} {', '.join(wrong)} not known; look for a typing mistake"
        )
    if len(given) != WORDS:
        raise WrongWords(f"list {number} has {len(given)} words, and {WORDS} belong to it")
    try:
        return Share.from_mnemonic(_plain(words))
    except MnemonicError:
        raise WrongWords(
            f"list {number}: every word is known, but they do not fit; one is another word than it was, or in another place"
        ) from None
