"""What the person chose in the portal and wants again next time: one small file in the configuration folder.

It is a comfort, never needed: a file that cannot be read counts as none, one that cannot be written is no error.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any, Final, Literal

FILE: Final = "portal.json"
Choice = Literal["theme", "signing_key"]
"""The theme that was chosen last; the file of the key that a vote was signed with last."""


def chosen(folder: Path, name: Choice) -> str:
    """What was chosen last; empty for nothing."""
    word = _read(folder).get(name, "")
    return word if isinstance(word, str) else ""


def keep(folder: Path, name: Choice, word: str) -> None:
    """Beside what else was chosen; whole or not at all: written beside and put in place."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{FILE}.{os.getpid()}"
        draft.write_text(json.dumps({**_read(folder), name: word}) + "\n", encoding="utf-8")
        draft.replace(folder / FILE)


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
