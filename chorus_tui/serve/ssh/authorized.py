"""Which key is whose, and what it may do: the lines of an ``authorized_keys`` file, read and edited as text.

A line is ``person="ana",scope="operate" ssh-ed25519 AAAA… comment``. Without ``scope`` it is ``read``. What is not understood opens
nothing: a wrong line is a fault with its number and its cure, and the other lines hold all the same. That goes for an option nobody
knows too, since whoever wrote it meant to forbid something by it. Pure.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

from chorus_tui.contract import ssh_key
from chorus_tui.contract.models.portals import PortalScope
from chorus_tui.contract.ssh_key import KINDS, fingerprint, public_key

SCOPES: Final = ("read", "operate", "admin")
MOST_LINES: Final = 10_000
LONGEST_LINE: Final = 16_384
_OPTION: Final = re.compile(r'([a-zA-Z-]+)(?:="((?:[^"\\]|\\.)*)")?')


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """One line that holds: ``blob`` is the public key as SSH sends it, ``number`` counts lines from 1."""

    number: int
    person: str
    scope: PortalScope
    kind: str
    blob: bytes
    comment: str = ""

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it."""
        return fingerprint(self.blob)

    def line(self) -> str:
        """As it stands in the file."""
        key = base64.b64encode(self.blob).decode()
        return f'person="{self.person}",scope="{self.scope}" {self.kind} {key} {self.comment}'.rstrip()


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that opens nothing, and why."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.why}"


@dataclass(frozen=True, slots=True)
class Authorized:
    """What a file says: the keys that may come in, and the lines that are wrong."""

    keys: tuple[AuthorizedKey, ...] = ()
    faults: tuple[Fault, ...] = ()

    def find(self, blob: bytes) -> AuthorizedKey | None:
        """The line of this public key."""
        return next((key for key in self.keys if key.blob == blob), None)


def parse(text: str) -> Authorized:
    """Every line by itself. A key that stands twice holds nowhere: which of its scopes was meant nobody can tell."""
    found: list[AuthorizedKey] = []
    faults: list[Fault] = []
    for number, line in _lines(text):
        try:
            found.append(read_line(line, number))
        except ValueError as error:
            faults.append(Fault(number, str(error)))
    places: dict[bytes, list[int]] = {}
    for key in found:
        places.setdefault(key.blob, []).append(key.number)
    twice = {blob: numbers for blob, numbers in places.items() if len(numbers) > 1}
    for numbers in twice.values():
        where = " and ".join(map(str, numbers))
        faults += [
            Fault(n, f"the same key stands in lines {where}, so it opens nothing; keep one of them") for n in numbers
        ]
    keys = tuple(key for key in found if key.blob not in twice)
    return Authorized(keys, tuple(sorted(faults, key=lambda fault: fault.number)))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Those that are neither empty nor a remark. A line feed alone ends a line, as it does for who counts them in an editor."""
    for number, line in enumerate(text.split("\n")[:MOST_LINES], start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def read_line(line: str, number: int = 0) -> AuthorizedKey:
    """One line. Raises ``ValueError`` with what is wrong and what would be right."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE} characters")
    options, rest = ({}, line) if line.split(None, 1)[0] in KINDS else _options(line)
    unknown = sorted(options.keys() - {"person", "scope"})
    if unknown:
        raise ValueError(f"the option {unknown[0]!r} is not known here; person and scope are, and no other")
    person = person_name(options.get("person", ""))
    scope = options.get("scope", "read")
    if scope not in SCOPES:
        raise ValueError(f"the scope {scope!r} is none of {', '.join(SCOPES)}")
    kind, blob, comment = public_key(rest)
    return AuthorizedKey(number, person, cast("PortalScope", scope), kind, blob, comment)


def _options(line: str) -> tuple[dict[str, str], str]:
    """The options before the key, and what follows them."""
    options: dict[str, str] = {}
    at = 0
    while True:
        match = _OPTION.match(line, at)
        if match is None:
            raise ValueError(f"begin with options or with a kind of key ({', '.join(KINDS[:2])}, …)")
        name = match[1].lower()
        if name in options:
            raise ValueError(f"the option {name!r} stands twice")
        options[name] = re.sub(r"\\(.)", r"\1", match[2] or "")
        at = match.end()
        if line[at : at + 1] != ",":
            break
        at += 1
    if not line[at : at + 1].isspace():
        raise ValueError('options look like person="ana",scope="operate", then a blank and the key')
    return options, line[at:].strip()


def person_name(name: str) -> str:
    """A name that can stand in what was done: printable, without quotes. Raises ``ValueError``."""
    if not name.strip():
        raise ValueError('whose key is it? Begin the line with person="a name",scope="operate"')
    return ssh_key.person_name(name)


# ── editing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def added(text: str, key: AuthorizedKey) -> str:
    """``text`` with one more line. Raises ``ValueError`` when this key has one already."""
    held = next((one for one in _every(text) if one.blob == key.blob), None)
    if held is not None:
        raise ValueError(f"line {held.number} has this key already, for {held.person} with the scope {held.scope}")
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{key.line()}\n"


def removed(text: str, wanted: str) -> tuple[str, list[AuthorizedKey]]:
    """``text`` without the lines of the key with this fingerprint, or of all keys of this person. Raises ``ValueError`` for none."""
    gone = [key for key in _every(text) if wanted in (key.fingerprint, key.person)]
    if not gone:
        raise ValueError(f"no key has the fingerprint {wanted}, and none is of a person of that name")
    numbers = {key.number for key in gone}
    kept = [line for number, line in enumerate(text.split("\n"), start=1) if number not in numbers]
    return "\n".join(kept), gone


def _every(text: str) -> Iterator[AuthorizedKey]:
    """Each line that is one, those of keys that stand twice too."""
    for number, line in _lines(text):
        try:
            yield read_line(line, number)
        except ValueError:
            continue
