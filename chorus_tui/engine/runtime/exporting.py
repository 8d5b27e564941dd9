"""The export, page by page: evidence of forks, feeds, control logs, and the certificates that make those count.

Together the lines prove themselves: ``journal verify FILE`` needs nothing else. Evidence comes first, so that a reader knows
what is forked before it reads the feeds. A control log's certificates come with its last entries, in one step, because
both grow meanwhile.
"""

from __future__ import annotations

import json
from typing import Any

from chorus_tui.contract.models.journal import ExportPage
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.control.service import ControlService
from chorus_tui.engine.journal.journal import FeedJournal

EVIDENCE, CONTROL = "e:", "c:"


class Exporting:
    """Of one engine."""

    def __init__(self, journal: FeedJournal, control: ControlService) -> None:
        self._journal = journal
        self._control = control

    async def page(self, after: str, limit: int) -> ExportPage:
        """The page after a cursor; empty: the first. Raises a problem when it is no cursor of this export."""
        try:
            if not after or after.startswith(EVIDENCE):
                return self._evidence(int(after[2:] or 0), limit)
            if after.startswith(CONTROL):
                return self._control_lines(int(after[2:]), limit)
            page = await self._journal.export(after, limit)
        except ValueError:
            raise invalid({"after": "not a cursor of this export; use 'next' of the page before"}) from None
        return page if page.next else page.model_copy(update={"next": f"{CONTROL}0"})

    def _evidence(self, start: int, limit: int) -> ExportPage:
        rows = sorted(self._journal.store.evidence())[start : start + limit]
        lines = [line({"kind": "evidence", "header": header.decode(), "sig": sig}) for header, sig in rows]
        return ExportPage(lines=lines, next=f"{EVIDENCE}{start + limit}" if len(rows) == limit else "f:::-1")

    def _control_lines(self, start: int, limit: int) -> ExportPage:
        lines = self._control.export(start, limit)
        if len(lines) == limit:
            return ExportPage(lines=lines, next=f"{CONTROL}{start + limit}")
        return ExportPage(lines=[*lines, *map(line, self._control.store.certificates())], next=None)


def line(value: dict[str, Any]) -> str:
    """One line of the export: any change of it is seen."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
