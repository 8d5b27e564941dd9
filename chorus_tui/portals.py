"""What an engine and whoever serves the portal of its data folder know of each other: a folder of small files.

A portal that is served says so in a file of its own (:mod:`chorus_tui.serve.register`); one whose process is gone is passed over. Who
may open the portal in a browser is invited by a file that holds no secret, only its hash: it is removed by the first who comes with
the secret, so that an invitation opens once, whoever made it and whoever asks at the same moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chorus_tui.contract.models.portals import ServedPortal

FOLDER: Final = "portals"
INVITED_S: Final = 600.0
"""How long an invitation waits for its guest, in seconds."""


def present(data: Path) -> list[ServedPortal]:
    """Those that are served for the data folder now, ssh before web, the oldest first."""
    found = []
    for path in (data / FOLDER).glob("*.json"):
        with contextlib.suppress(OSError, ValueError):  # it leaves at this moment, or is none
            portal = ServedPortal.model_validate_json(path.read_bytes())
            if path.name == f"{portal.kind}-{portal.pid}.json" and serves(portal):
                found.append(portal)
    return sorted(found, key=lambda portal: (portal.kind, portal.since))


def serves(portal: ServedPortal) -> bool:
    """Whether its process lives, and is one of ours: a number may belong to another by now."""
    try:
        os.kill(portal.pid, 0)
        words = Path(f"/proc/{portal.pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return not Path("/proc/self/cmdline").exists()  # a system that does not tell
    except OSError:
        return False
    return b"chorus" in words and portal.kind.encode() in words.split(b"\0")


def invitation_url(address: str, secret: str) -> str:
    """What a guest opens."""
    return f"{address}/?token={secret}"


@dataclass(frozen=True, slots=True)
class Invitations:
    """Those to the browser portal that the process ``pid`` serves for the data folder ``data``."""

    data: Path
    pid: int

    def make(self, person: str = "") -> str:
        """A secret that opens the portal once, within :data:`INVITED_S`. ``person``: who acts with it. Raises ``OSError``."""
        secret = secrets.token_urlsafe(24)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{self.pid}-{_digest(secret)}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"person": person}, file)
        return secret

    def take(self, secret: str) -> str | None:
        """The person of the invitation, which is used up now; None when there is none, or no longer. In the same time for all."""
        given, found = _digest(secret), None
        for path in self._folder.glob(f"{self.pid}-*"):
            with contextlib.suppress(OSError, ValueError):  # another one took it at this moment
                if time.time() - path.stat().st_mtime > INVITED_S:
                    path.unlink()
                elif hmac.compare_digest(path.name.rpartition("-")[2], given):
                    said = str(json.loads(path.read_bytes())["person"])
                    path.unlink()
                    found = said
        return found

    def close(self) -> None:
        """Nobody is invited any more."""
        for path in self._folder.glob(f"{self.pid}-*"):
            path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self.data / FOLDER / "invitations"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
