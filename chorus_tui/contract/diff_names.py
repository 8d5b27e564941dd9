"""The names in a diff, as git quotes them, and which of them are taken. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from chorus_tui.contract.git_names import member_path

NULL: Final = "/dev/null"
LONGEST: Final = 2 * (4095 + 2) + 1
"""Characters of two names with what stands before each and between them: whoever tries every place where one may end has little to do."""
LONGEST_QUOTED: Final = 4 * LONGEST
"""The same where each byte of a name is written as an escape."""

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_QUOTED = re.compile(r'"(?:[^"\\]|\\(?:[abtnvfr"\\]|[0-3][0-7]{2}))*"')
_ESCAPE = re.compile(rb"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)


def name_of(text: str) -> str:
    """A name as it stands in a line, its quotes undone. Raises ``ValueError``."""
    if not text.startswith('"'):
        return text
    if _QUOTED.fullmatch(text) is None:
        raise ValueError("a quoted name that is not as git writes it")
    raw = _ESCAPE.sub(_escaped, text[1:-1].encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 8) if match[1] else _ESCAPES[match[2].decode()]])


def tree_path(name: str, prefix: str = "") -> str:
    """The path in the tree that a name means. Raises ``ValueError`` for what must not be written."""
    if not name.startswith(prefix):
        raise ValueError(f"the name {name[:80]!r} does not begin with {prefix!r}, as 'git diff' writes it")
    path = name[len(prefix) :]
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise ValueError("a name that is no UTF-8; such files are not taken") from None
    try:
        kept = member_path(raw)
    except ValueError as error:
        raise ValueError(f"the name {path[:80]!r} is not taken: {error}") from None
    if not raw or kept != raw:
        raise ValueError(f"the name {path[:80]!r} is not written as git writes it")
    return path


def header_names(text: str, named: tuple[str, str] | None) -> tuple[str, str]:
    """The names in ``a/… b/…``. A blank may be part of them: then ``named``, what other lines say, tells where one ends, or, when
    none does, that both are the same. Raises ``ValueError``."""
    if len(text) > (LONGEST_QUOTED if text.startswith('"') else LONGEST):
        raise ValueError("its head is longer than two names can be")
    for old, new in _splits(text):
        try:
            pair = tree_path(name_of(old), "a/"), tree_path(name_of(new), "b/")
        except ValueError:
            if named is None and _only_split(text):
                raise
            continue
        if pair == named or (named is None and pair[0] == pair[1]):
            return pair
    wanted = f" {named[0]!r} and {named[1]!r}, as other lines say" if named else " one file twice"
    raise ValueError(f"its head does not name{wanted}, or a name that is not taken: {text[:120]!r}")


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Where the first name may end."""
    if quoted := _QUOTED.match(text):
        if text[quoted.end() : quoted.end() + 1] == " ":
            yield quoted[0], text[quoted.end() + 1 :]
        return
    for at in re.finditer(r' (?=b/|"b/)', text):
        yield text[: at.start()], text[at.start() + 1 :]


def _only_split(text: str) -> bool:
    return len(list(islice(_splits(text), 2))) == 1
