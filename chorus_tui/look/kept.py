"""What the person chose in the portal and wants again next time: one small file in the configuration folder.

It is a comfort, never needed: a file that cannot be read counts as none, one that cannot be written is no error.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Final

FILE: Final = "portal.json"


def theme(folder: Path) -> str:
    """The theme that was chosen last; empty for none."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    name = found.get("theme", "") if isinstance(found, dict) else ""
    return name if isinstance(name, str) else ""


def keep_theme(folder: Path, name: str) -> None:
    """Whole or not at all: written beside and put in place."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = folder / f"{FILE}.{os.getpid()}"
        draft.write_text(json.dumps({"theme": name}) + "\n", encoding="utf-8")
        draft.replace(folder / FILE)
