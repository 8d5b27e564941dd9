"""Asks the licence server what the next start of an engine on a data folder would ask, and as the same node.

The folder's own identity asks where there is one, and never gives its seat back: an engine may be starting on it at this moment. For a
folder that no engine had yet a node asks that there is not, and its seat is given back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chorus_tui.engine.clock import SystemEntropy
from chorus_tui.engine.data_folder import kept_identity
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.licensing.kaching import Account, Kaching
from chorus_tui.engine.licensing.keeping import TokenFile
from chorus_tui.engine.licensing.rules import WORDS, kept_lease
from chorus_tui.engine.licensing.statement import Lease
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.runtime.doctor.rules import LicenceServerSeen
from chorus_tui.engine.settings import Settings

RELEASES = 2
"""Tries to give a seat back."""


async def look_at_licence_server(settings: Settings, folder: Path, now_s: float) -> LicenceServerSeen:
    """What it answers; ``now_s`` is this machine's time, for how far the two clocks are apart."""
    own = kept_identity(folder)
    account = Account(
        settings.kaching_url, settings.license_id, settings.cluster_id, (own or Identity.generate()).peer_id,
        bytes.fromhex(settings.kaching_public_key), settings.kaching_timeout_s,
    )  # fmt: skip
    server, url = Kaching(account, SystemEntropy()), account.url
    try:
        said, _ = await server.ask("activate")
    except NoAnswer as error:
        if own is None:
            await _given_back(server)  # a question whose answer was lost may have taken a seat
        return LicenceServerSeen(url, problem=str(error), not_kept=_not_kept(account, folder, now_s))
    ahead_s = now_s - said.issued_at
    if not isinstance(said, Lease):
        return LicenceServerSeen(url, refusal=WORDS[said.reason], ahead_s=ahead_s)
    until = datetime.fromtimestamp(said.expires_at, UTC).date().isoformat()
    left = own is None and not await _given_back(server)
    return LicenceServerSeen(url, valid_until=until, ahead_s=ahead_s, seat_left=left)


async def _given_back(server: Kaching) -> bool:
    """Whether the server heard it."""
    for _ in range(RELEASES):
        try:
            await server.ask("release")
        except NoAnswer:
            continue
        return True
    return False


def _not_kept(account: Account, folder: Path, now_s: float) -> str:
    """Why the next start has no lease of before to run on, looked at as it would; empty when it has one."""
    try:
        kept = TokenFile(folder).look()
    except (OSError, ValueError):
        return "what is kept of an earlier start cannot be read"
    if kept is None:
        return "no token of an earlier start is kept"
    return kept_lease(kept.token, account.public_key, account.holder, now_s, kept.seen_at)[1]
