"""Text of others where nobody draws it: in logs and in JSON, which end up on a terminal as well. Pure.

A terminal obeys more than the escape: the characters from U+0080 to U+009F begin sequences, too, and marks turn the direction of what
follows them. JSON lets all of these stand as they are.
"""

from __future__ import annotations

SIGN = "\N{REPLACEMENT CHARACTER}"


def plain(text: str, *, lines: bool = False) -> str:
    """``text`` on one line, or with its line ends, without anything a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or (lines and sign == "\n") else SIGN for sign in text)


def as_json(text: str) -> str:
    """JSON that says the same as the JSON ``text``, with an escape for each such character; what lays it out stays."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\n" else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
