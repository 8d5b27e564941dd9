"""The licence, checked before any port opens. This version knows development licences."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DEV = re.compile(r"dev-[A-Za-z0-9._-]{1,64}")


class LicenseError(Exception):
    """No usable licence. The text says what to do."""


@dataclass(frozen=True, slots=True)
class License:
    """A licence in words fit for a screen: never the id itself."""

    kind: str

    def __str__(self) -> str:
        return self.kind


def check(license_id: str) -> License:
    """Raises :class:`LicenseError`."""
    if not license_id:
        raise LicenseError(
            "CHORUS_LICENSE_ID is not set. For development any id that begins with dev- does:\n"
            "  CHORUS_LICENSE_ID=dev-local chorus-tui"
        )
    if not _DEV.fullmatch(license_id):
        raise LicenseError(
            "CHORUS_LICENSE_ID is no development licence (dev-…), and this version has no licence server to ask.\n"
            "  CHORUS_LICENSE_ID=dev-local chorus-tui"
        )
    return License("development")
