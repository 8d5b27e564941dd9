"""What operators ask: is this machine right, which settings hold here, what was logged last."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Request

Verdict = Literal["ok", "warn", "fail"]


class Finding(Answer):
    """One thing that was looked at. ``advice`` is empty where nothing is to be done."""

    name: str
    verdict: Verdict
    found: str = Field(description="What is so")
    advice: str = Field(default="", description="What to do about it")


class Diagnosis(Answer):
    """The answer of ``chorus-tui doctor``. ``engine``: whether one runs on the data folder and was asked."""

    findings: list[Finding]
    engine: bool = False

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        found = {finding.verdict for finding in self.findings}
        return "fail" if "fail" in found else "warn" if "warn" in found else "ok"


class EffectiveSetting(Answer):
    """One variable as it is in force. ``value`` of a secret says only whether it is set."""

    name: str
    value: str
    origin: Literal["default", "environment", "file", "assignment", "wrong"]
    file: str = Field(default="", description="The file it was read from")
    group: str = ""
    secret: bool = False


class Clash(Answer):
    """Something of two deployments that does not go together. ``fatal``: they cannot both work, or never meet."""

    names: list[str]
    what: str
    advice: str
    fatal: bool = True


class Configuration(Answer):
    """The answer of ``chorus-tui config check``."""

    kind: Literal["agent", "human"]
    settings: list[EffectiveSetting]
    problems: list[str] = Field(default_factory=list, description="Why an engine would not start")
    warnings: list[str] = Field(default_factory=list)
    other: str = Field(default="", description="The file it was compared with")
    clashes: list[Clash] = Field(default_factory=list)


class TailLog(Request):
    """The newest lines of the engine's own log."""

    limit: int = Field(default=200, ge=1, le=1000)


class LogTail(Answer):
    """Lines as they were written, redacted, oldest first."""

    lines: list[str]


class Bundled(Answer):
    """The answer of ``chorus-tui support-bundle``: a file, its size in bytes, and what is in it."""

    file: str
    size: int
    parts: list[str]


class BackedUp(Answer):
    """The answer of ``chorus-tui backup``."""

    file: str
    size: int = Field(description="Bytes")
    files: int = Field(description="How many files of the data folder are in it")
    peer_id: str
    recipients: list[str] = Field(description="Whose keys open it")


class Restored(Answer):
    """The answer of ``chorus-tui restore``."""

    folder: str
    files: int
    peer_id: str
    made_at: str
    entries: int = Field(description="Entries of feeds that verify")
    control_entries: int = Field(description="Decided entries of control logs that verify")
    problems: list[str] = Field(description="What did not verify; such entries are dropped, members bring them again")
