"""Who a person here has blocked, on disk: ``blocked.json`` in the data folder, readable by its owner only.

The rule it keeps: the file is whole or the one before; a damaged one is said and blocks nobody, rather than stopping the engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from chorus_tui.engine.private_file import replace_private
from chorus_tui.engine.protocol.identity import is_peer_id

log = structlog.get_logger(__name__)

LONGEST: Final = 200
"""Characters of a reason."""


class BlockList:
    """``path``: the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, tuple[str, float]]:
        """By peer id: why, and since when (Unix time)."""
        try:
            stored = json.loads(self._path.read_bytes())
            return {
                peer_id: (str(entry["why"])[:LONGEST], float(entry["since"]))
                for peer_id, entry in stored["blocked"].items()
                if is_peer_id(peer_id)
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning(
                "the list of blocked peers is unreadable; nobody is blocked", path=str(self._path), reason=str(error)
            )
            return {}

    def save(self, blocked: Mapping[str, tuple[str, float]]) -> None:
        """Write the list, whole or not at all. Raises ``OSError``."""
        if not blocked and not self._path.exists():
            return
        entries = {peer_id: {"why": why[:LONGEST], "since": since} for peer_id, (why, since) in sorted(blocked.items())}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_private(self._path, json.dumps({"blocked": entries}).encode())
