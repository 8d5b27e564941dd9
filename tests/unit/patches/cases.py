"""Patches, reviews and words, made for the rules."""

from __future__ import annotations

import hashlib
from typing import Any

from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.patches.facts import Ballot, Review, Revision, Word
from chorus_tui.engine.protocol.messages.patches import PatchCreated, PatchReview, PatchState
from chorus_tui.engine.protocol.said import Said

ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
EPOCH = "0" * 32


def hash_of(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def member(name: str, authority: str = "coordination", kind: str = "agent", *, clash: bool = False) -> Member:
    return Member(name, name, kind, "", (), authority, 1, clash)  # type: ignore[arg-type]


def members(*names: str, **special: Member) -> Any:
    found = {name: member(name) for name in names} | special
    return found.get


def revision(n: int = 0, *, author: str = "a", **fields: Any) -> Revision:
    said = PatchCreated.model_validate(
        {
            "patch_id": ID, "revision": n, "supersedes": hash_of("revision", author, n - 1) if n else None, "title": "t",
            "diff": "sha256:" + "0" * 64, "size": 1, "files": [["f", 1, 0]], "file_count": 1, **fields,
        }
    )  # fmt: skip
    return Said(author, EPOCH, n, hash_of("revision", author, n), 1000 + n, said)


def review(by: str, verdict: str, of: Revision, n: int = 0, **fields: Any) -> Review:
    data = {"patch": of.hash, "patch_id": ID, "verdict": verdict, "text": "x", "number": n, **fields}
    return Said(
        by, EPOCH, 100 + n, hash_of("review", by, of.hash, n, verdict), 2000 + n, PatchReview.model_validate(data)
    )


def word(by: str, state: str, of: Revision, n: int = 0, **fields: Any) -> Word:
    where = {"commit": "a" * 40} if state == "applied" else None
    data = {"patch": of.hash, "patch_id": ID, "state": state, "where": where, **fields}
    return Said(by, EPOCH, 200 + n, hash_of("word", by, of.hash, n, state), 3000 + n, PatchState.model_validate(data))


def ballot(state: str, outcome: str = "", closing: int | None = None, id_: str = "1", why: str = "") -> Ballot:
    return Ballot(id_, hash_of("ballot", id_), state, outcome, closing, why)
