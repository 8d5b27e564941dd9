"""SHHH: what was found, by which rules, what is held. No answer here holds a secret."""

from __future__ import annotations

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request

MOST_SCANNED = 16 << 20
"""Bytes of a file that can be given to be looked at."""


class ReadAudit(Request):
    """The newest records, of one rule or door if named."""

    limit: int = Field(default=100, ge=1, le=2000)
    rule: str = Field(default="", max_length=64)
    door: str = Field(default="", max_length=32)


class AuditRecord(Answer):
    """One secret at one door; ``hash`` is keyed, equal for equal secrets on this peer. Times are Unix times."""

    rule: str
    severity: str
    door: str
    place: str = Field(description="Where it stood last: the path in a message, and the character")
    hash: str
    first: float
    last: float
    count: int


class Audit(Answer):
    """The newest first."""

    records: list[AuditRecord]


class RuleRow(Answer):
    """One rule. ``hits`` since this engine started."""

    name: str
    severity: str
    keywords: list[str]
    tags: list[str]
    custom: bool
    hits: int


class RuleTable(Answer):
    """All rules, in the order in which they give their name; what each severity means; which are denied."""

    rules: list[RuleRow]
    severities: dict[str, str]
    denied: list[str]
    file: str = Field(default="", description="Where the custom rules are read from")


class ShhhStats(Answer):
    """Findings since this engine started, and what is held now."""

    findings: int
    by_rule: dict[str, int]
    by_severity: dict[str, int]
    by_door: dict[str, int]
    records: int
    rules: int
    held: int
    released: int


class ScanFile(Request):
    """A file to look at; it is not kept. ``data`` is base64."""

    name: str = Field(default="", max_length=512)
    data: str = Field(max_length=MOST_SCANNED * 4 // 3 + 4)


class FoundPlace(Answer):
    """One finding in a file; ``where`` is the path inside archives and the byte."""

    rule: str
    severity: str
    where: str
    hash: str


class Scanned(Answer):
    """``bomb``: it unpacks to a multiple that no honest file has. ``cut``: not all of it was looked at, and why."""

    name: str
    found: list[FoundPlace]
    bomb: bool = False
    cut: bool = False
    why_cut: str = ""


class HeldFile(Answer):
    """A blob that goes nowhere until somebody releases it."""

    digest: str
    since: float
    why: str
    found: list[FoundPlace]


class HeldFiles(Answer):
    """The oldest first."""

    held: list[HeldFile]


class ReleaseFile(Request):
    """Names a held blob, by its digest or the beginning of it."""

    digest: str = Field(pattern=r"^(sha256:)?[0-9a-f]{6,64}$")


class ReplayedEntry(Answer):
    """An entry of the journal in which the rules find something now."""

    author: str
    author_name: str = ""
    epoch: str
    seq: int
    type: str
    rules: list[str]


class Replayed(Answer):
    """What the present rules find in what is stored here. ``entries`` are the first of ``found_entries``."""

    entries_read: int
    found_entries: int
    by_rule: dict[str, int]
    entries: list[ReplayedEntry]
    blobs_read: int
    held: list[str] = Field(description="Blobs that are held because of it")
