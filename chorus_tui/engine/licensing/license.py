"""The licence's id: is there one, has it the form of one, may it be used without a licence server. Pure."""

from __future__ import annotations

import hashlib
import re

_DEV = re.compile(r"dev-[A-Za-z0-9._-]{1,64}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{3,127}")
_LINE = "  CHORUS_LICENSE_ID=dev-local chorus-tui"


class LicenseError(Exception):
    """No usable licence. The text says why and what to do; it never holds the id."""


def check(license_id: str, server: str) -> None:
    """What can be told without asking anybody; ``server`` is the address of the licence server, or empty.

    Raises :class:`LicenseError`.
    """
    if not license_id:
        raise LicenseError("CHORUS_LICENSE_ID is not set. For development any id that begins with dev- does:\n" + _LINE)
    if not _ID.fullmatch(license_id):
        raise LicenseError(
            "CHORUS_LICENSE_ID is malformed: a licence has 4 to 128 letters, digits, '.', '_' and '-', a letter or digit first. "
            "Copy it again from where you got it, without quotes or spaces"
        )
    if not server and not _DEV.fullmatch(license_id):
        raise LicenseError(
            "CHORUS_LICENSE_ID is no development licence (dev-…), and there is no licence server to ask. "
            "Set CHORUS_KACHING_URL and CHORUS_KACHING_PUBLIC_KEY, or for development:\n" + _LINE
        )


def fingerprint(license_id: str) -> str:
    """What a token says in the place of the id: its SHA-256 in hex."""
    return hashlib.sha256(license_id.encode()).hexdigest()
