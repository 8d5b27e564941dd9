"""What people are told of keys, in one line each."""

from __future__ import annotations

import time

from chorus_tui.engine.vault.keyrings import MeshKeys
from chorus_tui.engine.vault.service import KeyService


def held_words(service: KeyService) -> str:
    """``5 of 5 held``: of the keyrings that this peer may hold, whose newest key it has."""
    keys = service.keyrings.of(service.parts.control.mesh_id)
    mine = [keyring for keyring in keys.roster.keyrings if service.parts.me in keys.entitled(keyring)]
    lacking = service.lacking()
    words = f"{len(mine) - len(lacking)} of {len(mine)} held"
    return f"{words}; not yet: {', '.join(lacking)}" if lacking else words


def recovery_words(keys: MeshKeys) -> str:
    """What gives the master key back when all who hold it are gone."""
    version, done = len(keys.versions("master")), keys.roster.rehearsed
    if not version:
        return "no recovery: there is no master key yet"
    if done is None:
        return "no recovery: the master key is not split, or nobody has rehearsed it (vault split)"
    # Not as a date of the library: that an admin's clock says the year 20000 is no reason to say nothing.
    day = time.strftime("%Y-%m-%d", time.gmtime(done.at_ms / 1000))
    if done.version == version:
        return f"3 of 5 word lists, rehearsed on {day}"
    return (
        f"no recovery of version {version}: the word lists rehearsed on {day} give version {done.version} (vault split)"
    )
