"""Which stretch of time a reader of the journal asks for. Pure."""

from __future__ import annotations

from typing import NamedTuple

from chorus_tui.contract.models.journal import TailJournal
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.moments import moment_s, span_s


class Span(NamedTuple):
    """Unix milliseconds: ``since`` is in it, ``until`` is the first after it. None: open at that end."""

    since: int | None = None
    until: int | None = None

    def holds(self, ms: float) -> bool:
        """Whether a moment is in it."""
        return (self.since is None or self.since <= ms) and (self.until is None or ms < self.until)


def asked(request: TailJournal, now: float) -> Span:
    """What ``since`` and ``until`` mean now, in Unix time. Raises 422 that names the field and the way out."""
    found: dict[str, int] = {}
    faults: dict[str, str] = {}
    for name, text in (("since", request.since), ("until", request.until)):
        if text is None:
            continue
        try:
            back = span_s(text)
            found[name] = round((now - back if back is not None else moment_s(text, "a time back from now")) * 1000)
        except ValueError as error:
            faults[name] = str(error)
    since, until = found.get("since"), found.get("until")
    if since is not None and until is not None and until <= since:
        faults["until"] = "nothing lies between them; give one that is later than 'since'"
    if faults:
        raise invalid(faults)
    return Span(since, until)
