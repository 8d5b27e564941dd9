"""The C2SP vectors of the age format against the vault: what each asks for, what came of it, the page that tells it."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pyrage import x25519

from chorus_tui.engine.vault.files import decrypt
from chorus_tui.engine.vault.header import Unsupported
from chorus_tui.engine.vault.interface import CannotOpen, NotForUs

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Vector:
    """One file, with what is to come of it."""

    name: str
    expect: str
    payload: str
    identities: tuple[str, ...]
    needs: str
    """What it takes that this vault does not have: a passphrase, a post-quantum identity; or nothing."""
    file: bytes


@dataclass(frozen=True)
class Outcome:
    """``right``: as the vector asks. ``unsupported``: refused as such, where the vector has it open. Anything else is wrong."""

    verdict: str
    why: str


def load() -> list[Vector]:
    """All of them, by name."""
    texts = json.loads((HERE / "age.json").read_text(encoding="utf-8"))
    return [_parse(name, base64.b64decode(text)) for name, text in sorted(texts.items())]


def _parse(name: str, raw: bytes) -> Vector:
    head, _, file = raw.partition(b"\n\n")
    rows = [line.partition(": ") for line in head.decode().splitlines()]
    fields: dict[str, list[str]] = {}
    for key, _, value in rows:
        fields.setdefault(key, []).append(value)
    identities = fields.get("identity", [])
    hybrid = any("-PQ-" in one for one in identities)
    needs = "a passphrase" if "passphrase" in fields else "a post-quantum identity" if hybrid else ""
    if fields.get("compressed") == ["zlib"]:
        file = zlib.decompress(file)
    return Vector(name, fields["expect"][0], fields.get("payload", [""])[0], tuple(identities), needs, file)


def judge(vector: Vector) -> Outcome:
    """Open it, and compare."""
    identities = [x25519.Identity.from_str(one) for one in vector.identities if "-PQ-" not in one]
    identities = identities or [x25519.Identity.generate()]
    try:
        clear = decrypt(vector.file, identities)
    except CannotOpen as error:
        # Nothing is released before an error, so there is no plaintext to compare.
        if vector.expect == "success":
            return Outcome("unsupported" if _unsupported(error) else "wrong", str(error))
        right = (
            isinstance(error, NotForUs) == (vector.expect == "no match") or _unsupported(error) or bool(vector.needs)
        )
        return Outcome("right" if right else "wrong", str(error))
    if vector.expect != "success":
        return Outcome("wrong", "opened")
    right = hashlib.sha256(clear).hexdigest() == vector.payload
    return Outcome("right" if right else "wrong", f"opened, {len(clear)} bytes")


def _unsupported(error: CannotOpen) -> bool:
    return isinstance(error.__cause__, Unsupported)


def markdown() -> str:
    """The page."""
    judged = [(vector, judge(vector)) for vector in load()]
    counts = Counter(outcome.verdict for _, outcome in judged)
    lines = [
        "# The age test vectors",
        "",
        "Written by `make age-vectors`. The 143 vectors of C2SP (CCTV) for the age file format, each opened by the vault: header and",
        "armour are checked here before the age library sees the file, and nothing of a file is released before all of it was found",
        "sound. *unsupported*: refused with that word, where the vector would have it open. Passphrases and post-quantum recipients are",
        "not taken.",
        "",
        f"Right: {counts['right']}. Unsupported: {counts['unsupported']}. Wrong: {counts['wrong']}.",
        "",
        "| vector | asks for | here | in words |",
        "|---|---|---|---|",
    ]
    rows = [f"| `{v.name}` | {v.expect} | {outcome.verdict} | {outcome.why} |" for v, outcome in judged]
    return "\n".join([*lines, *rows, ""])
