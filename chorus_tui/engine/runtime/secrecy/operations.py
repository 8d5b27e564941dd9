"""``shhh …``: what people ask of the redactor, and what of it waits for them. No answer holds a secret."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio

from chorus_tui.contract.models import shhh as models
from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.carried_bytes import decoded
from chorus_tui.engine.journal.blobs.holding import HeldBlob, Trace
from chorus_tui.engine.journal.blobs.service import FileBlobs
from chorus_tui.engine.journal.journal import FeedJournal
from chorus_tui.engine.runtime.secrecy.replaying import Replaying
from chorus_tui.engine.shhh import custom
from chorus_tui.engine.shhh.archives import Inspector, Look, inspect
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.rules import MEANING, RULES

BLOB = "blob"
THREADS = 2
"""So many files are looked at for people at a time; others wait."""
RELEASE = "release"
_SHOWN = 5


def scanner_of(redactor: Redactor) -> Callable[[Path], tuple[str, tuple[Trace, ...]]]:
    """What a blob holds, in words and with hashes for secrets; every finding is noted. Run in a thread."""

    def scan(path: Path) -> tuple[str, tuple[Trace, ...]]:
        look = inspect(path, redactor.find)
        traces = []
        for place in look.places:
            keyed = redactor.hash(place.secret)
            redactor.audit.note(
                place.rule,
                place.severity,
                BLOB,
                beginning(f"{path.name[:12]}:{place.where}", 200),
                keyed,
                redactor.wall(),
            )
            traces.append(Trace(place.rule, place.severity, beginning(place.where, 200), keyed))
        return _why(look), tuple(traces)

    return scan


def _why(look: Look) -> str:
    """Why a file is held, or an empty text."""
    if look.bomb:
        return "it unpacks to many times its size and was not looked through"
    if look.cut and not look.places:
        return f"it could not be looked at whole: {look.cut}"
    rules = list(dict.fromkeys(place.rule for place in look.places))
    more = f" and {len(rules) - _SHOWN} more kinds" if len(rules) > _SHOWN else ""
    return f"it holds what looks like a secret: {', '.join(rules[:_SHOWN])}{more}" if rules else ""


class ShhhOperations:
    """Answers of one engine, and a :class:`chorus_tui.engine.inbox.interface.Source`."""

    kinds = frozenset({"held"})

    def __init__(
        self, redactor: Redactor, blobs: FileBlobs, journal: FeedJournal, name: Callable[[str], str], rules_file: str,
        denied: tuple[str, ...],
    ) -> None:  # fmt: skip
        self._redactor = redactor
        self._blobs = blobs
        blobs.holding.scan = scanner_of(redactor)
        self._rules_file = rules_file
        self._denied = denied
        self._threads = trio.CapacityLimiter(THREADS)
        self._replaying = Replaying(redactor, blobs, journal, name)

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation."""
        return {
            "shhh.audit": self.audit, "shhh.rules": self.rules, "shhh.stats": self.stats, "shhh.scan": self.scan,
            "shhh.replay": self.replay, "shhh.held": self.held, "shhh.release": self.release,
        }  # fmt: skip

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def audit(self, request: models.ReadAudit, _caller: Any) -> models.Audit:
        """What was found, the newest first."""
        records = self._redactor.audit.newest(request.limit, rule=request.rule, door=request.door)
        fields = models.AuditRecord.model_fields
        return models.Audit(
            records=[models.AuditRecord(**{field: getattr(one, field) for field in fields}) for one in records]
        )

    async def rules(self, _request: Any, _caller: Any) -> models.RuleTable:
        """All rules, ours and the operator's."""
        hits, ours = self._redactor.findings, {rule.name for rule in RULES}
        rows = {
            rule.name: models.RuleRow(
                name=rule.name, severity=rule.severity, keywords=list(rule.keywords), tags=list(rule.tags),
                custom=rule.name not in ours, hits=hits[rule.name],
            )
            for rule in self._redactor.scanner.rules
        }  # fmt: skip
        return models.RuleTable(
            rules=list(rows.values()), severities=dict(MEANING), denied=list(self._denied), file=self._rules_file
        )

    async def stats(self, _request: Any, _caller: Any) -> models.ShhhStats:
        """In numbers."""
        book = self._redactor.audit
        return models.ShhhStats(
            findings=sum(book.by_rule.values()), by_rule=dict(book.by_rule), by_severity=dict(book.by_severity),
            by_door=dict(book.by_door), records=len(book.newest(2000)), rules=len(self._redactor.scanner.rules),
            held=len(self._blobs.holding.waiting()), released=len(self._blobs.holding.released()),
        )  # fmt: skip

    async def scan(self, request: models.ScanFile, _caller: Any) -> models.Scanned:
        """Look at a file that is not kept."""
        data = decoded(request.data, "data")
        inspector = Inspector(self._redactor.find, len(data))
        look = await trio.to_thread.run_sync(partial(inspector.whole, io.BytesIO(data)), limiter=self._threads)
        found = [
            models.FoundPlace(
                rule=place.rule, severity=place.severity, where=place.where, hash=self._redactor.hash(place.secret)
            )
            for place in look.places
        ]
        return models.Scanned(name=request.name, found=found, bomb=look.bomb, cut=bool(look.cut), why_cut=look.cut)

    async def replay(self, _request: Any, _caller: Any) -> models.Replayed:
        """Read the rules file anew, and look at everything that is stored here with the rules of now."""
        if self._rules_file:
            try:
                added = await trio.to_thread.run_sync(custom.load, Path(self._rules_file))
            except custom.RulesError as error:
                raise Problem(422, "rules", "The rules stay as they were", str(error)) from None
            self._redactor.use_rules((*added, *RULES))
        return await self._replaying.run()

    # ── held files ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def held(self, _request: Any, _caller: Any) -> models.HeldFiles:
        """What waits for a person."""
        return models.HeldFiles(held=[_held(one) for one in self._blobs.holding.waiting()])

    async def release(self, request: models.ReleaseFile, _caller: Any) -> models.HeldFile:
        """A person has looked at it: it may go to others, with everything that is in it."""
        name = request.digest.removeprefix("sha256:")
        found = [one for one in self._blobs.holding.waiting() if one.digest.removeprefix("sha256:").startswith(name)]
        if len(found) > 1:
            raise invalid({"digest": "it is the beginning of several; give more of it"})
        released = await self._blobs.holding.release(found[0].digest) if found else None
        if released is None:
            raise not_found("held file", request.digest, "'chorus-tui shhh held' lists them.")
        await self._blobs.replicate([released.digest])
        return _held(released)

    # ── inbox ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def waiting(self) -> list[InboxItem]:
        """Files that go nowhere until a person releases them."""
        return [
            InboxItem(
                item_id=f"held:{one.digest[7:23]}", kind="held", subject_id=one.digest[7:23], title=f"File {one.digest[7:19]}… is held",
                purpose=f"{one.why}; may it go to others?", priority="high", since=one.since, choices=[RELEASE], words="none",
                command=f"chorus-tui shhh release {one.digest[7:23]}",
            )
            for one in self._blobs.holding.waiting()
        ]  # fmt: skip

    async def answer(self, item: InboxItem, _choice: str, _text: str, caller: Any) -> str:
        """Through the same door as the command line."""
        await self.release(models.ReleaseFile(digest=item.subject_id), caller)
        return "Released; it goes to others as any file"


def _held(one: HeldBlob) -> models.HeldFile:
    found = [models.FoundPlace(rule=t.rule, severity=t.severity, where=t.where, hash=t.hash) for t in one.traces]
    return models.HeldFile(digest=one.digest, since=one.since, why=one.why, found=found)
