"""Editors for tests: each with a document of its own, writing edits that a strategy chose."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chorus_tui.contract.text_edit import Edit
from chorus_tui.engine.collab import update
from chorus_tui.engine.collab.document import Document
from chorus_tui.engine.protocol import canonical, topics
from chorus_tui.engine.protocol.envelope import Entry, Header
from chorus_tui.engine.protocol.messages import TYPES, Message

WORDS = st.sampled_from(["a", "word ", "ß", "😀", "\n", "x😀y", "long " * 20])
CHOICES = st.tuples(st.integers(0, 2), st.floats(0, 1), st.integers(0, 6), WORDS | st.just(""))
"""Who, where as a part of the text, how many characters go, what comes."""


def names() -> list[str]:
    return ["ana", "ben", "cem"]


def document(name: str, chance: int = 0) -> Document:
    return Document(update.client_of(name, chance.to_bytes(4, "big")))


def edit_of(text: str, where: float, removed: int, inserted: str) -> Edit:
    at = int(where * len(text))
    return Edit(at, min(removed, len(text) - at), inserted)


def write(editor: Document, where: float, removed: int, inserted: str) -> bytes:
    return b"".join(editor.write([edit_of(editor.text, where, removed, inserted)], str).updates)


def said(
    author: str, at: int, type_: str, data: dict[str, Any], topic: str = topics.COORDINATION
) -> tuple[Entry, Message]:
    """A durable message as a fold gets it; unsigned, at this time of its author's clock."""
    header = Header(author, "e" * 32, at, None, f"{at}:0:n", topic, type_, "0" * 64, 0)
    return Entry(header, "", canonical.sha256_hex(header.encode()), None, None), TYPES[type_].model.model_validate(data)
