"""Secrets in what a person types into a shared text: found as soon as they are complete, and taken out again. Pure.

A secret is typed letter by letter, so a change is judged with the words around it. What is found is replaced in the same
transaction, so that the update that goes out holds the marker and never the whole secret. What this cannot do: the letters that
went out before the secret was complete are in the feed; a person who types one slowly has told most of it.
"""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.contract.text_edit import Edit, difference

REACH = 2_000
"""Characters on both sides of a change that are looked at."""
_KEY_REACH = 17_000
_BEGIN = "-----BEGIN "


def taken_out(before: str, after: str, redact: Callable[[str], str]) -> Edit | None:
    """What has to be replaced in ``after`` because of what was changed since ``before``; None: nothing.

    Only what touches the change counts: what others wrote is theirs.
    """
    change = difference(before, after)
    first, last = change.at, change.at + len(change.inserted)
    start = max(0, first - REACH)
    key = after.rfind(_BEGIN, max(0, first - _KEY_REACH), last)
    start = min(start, key) if key >= 0 else start
    window = after[start : last + REACH]
    clean = redact(window)
    if clean == window:
        return None
    found = difference(window, clean)
    at = start + found.at
    if at > last or at + found.removed < first:
        return None
    return Edit(at, found.removed, found.inserted)
