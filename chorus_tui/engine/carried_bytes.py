"""Bytes that a request carries as base64, in one place: text that is none is refused by the name of its field. Pure."""

from __future__ import annotations

import base64

from chorus_tui.contract.problem import invalid


def decoded(text: str, field: str) -> bytes:
    """The bytes of ``field``. Raises ``Problem``."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one; text beyond ASCII raises a plain one
        raise invalid({field: "this is no base64"}) from error
