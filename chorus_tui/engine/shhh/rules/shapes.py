"""Shapes: what a made-up secret looks like, in a line, such as ``ghp_{alnum:36}``. Pure: chance is an argument.

``{alphabet:length}`` stands for so many characters of an alphabet; everything else stands for itself. Between « and » is
the secret, where the shape holds more than it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "crockford": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    "digit": string.digits,
    "hex": "0123456789abcdef",
    "lower": string.ascii_lowercase,
    "lowernum": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase,
    "uppernum": string.ascii_uppercase + string.digits,
    "url": string.ascii_letters + string.digits + "_-",
}
_PART = re.compile(r"\{([a-z0-9]+):(\d+)\}")

Choose = Callable[[str], str]
"""One character of an alphabet, by chance."""


def made(shape: str, choose: Choose) -> tuple[str, str]:
    """(the text, the secret in it)."""
    text = _PART.sub(lambda part: "".join(choose(ALPHABETS[part[1]]) for _ in range(int(part[2]))), shape)
    before, opened, rest = text.partition("«")
    if not opened:
        return text, text
    secret, _, after = rest.partition("»")
    return before + secret + after, secret
