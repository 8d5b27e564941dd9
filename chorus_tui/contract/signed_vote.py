"""What a person signs when they vote with a key of their own. Pure; whoever signs and whoever checks makes the same text.

The text says all that the vote means: of which proposal of which mesh it is, as it was announced (by the hash of its entry), what was
chosen and why, and the number of this vote among the person's votes on it. So nobody who has a signature can use it for another
proposal, mesh or choice, nor bring an older vote as if it were the newer one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

NAMESPACE: Final = "chorus-vote"
"""As ``ssh-keygen -Y sign -n`` is given it: what was signed for another purpose is no vote."""
MOST_REVISIONS: Final = 1_000_000


def reason_hash(reason: str) -> str:
    """Stands for the reason in what is signed, so that the signature can be checked when the reason was erased."""
    return hashlib.sha256(reason.encode()).hexdigest()


def digest(text: str) -> str:
    """Of what is signed; it tells apart what was signed under one number."""
    return hashlib.sha256(text.encode()).hexdigest()


def text(
    *, mesh_id: str, proposal_id: str, proposal: str, person: str, choice: str, revision: int, final: bool, reason: str
) -> str:
    """Canonical JSON (RFC 8785) in one line, without an end of line. ``proposal`` is the hash of the proposal's entry, ``reason``
    that of :func:`reason_hash`."""
    said = {
        "chorus": NAMESPACE, "mesh_id": mesh_id, "proposal_id": proposal_id, "proposal": proposal, "person": person,
        "choice": choice, "revision": revision, "final": final, "reason_sha256": reason,
    }  # fmt: skip
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
