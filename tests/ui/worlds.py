"""One engine with something on every screen, and the same with hostile words wherever others may write."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from chorus_tui.contract.models import journal
from chorus_tui.engine.journal import spans
from tests.ui import contents, patches, rooms, votes
from tests.ui.fake_engine import IDS, NOW, FakeEngine, some_waiting
from tests.ui.texts import TextEngine

WORDS = {
    "title", "name", "agent_name", "author_name", "purpose", "description", "summary", "detail", "text", "message", "reason", "role",
    "reasoning", "expertise", "status", "holder_name", "announcer_name", "proposer_name", "asked_by_name", "by_name", "owner_name",
    "agent_id", "models_found", "raised_by", "choices", "problem", "warnings", "unproven",
}  # fmt: skip
"""Fields that hold what somebody wrote."""
TASK = "01ARZ3NDEKTSV4RRFFQ69G5FA1"
ENTRIES = [
    (
        "task_announcement",
        3,
        {"task_id": TASK, "spec": {"title": "Run the tests of total", "commands": ["python3 -m unittest"]}},
    ),
    ("task_complete", 0, {"task_id": TASK, "attempt": 1, "result": {"outcome": "completed", "exit_code": 0}}),
    (
        "hmmm_message",
        1,
        {"type": "question", "message": "Is Monday right?", "issue_id": "shop", "thread_id": "release"},
    ),
    ("decision_vote", 2, None),
]


class FullEngine(TextEngine):
    """Answers the journal, too."""

    def __init__(self) -> None:
        super().__init__()
        self.entries = [
            journal.JournalEntry(
                author=IDS[who], author_name=("ada", "grace", "linus", "you")[who], epoch="e1", seq=n, hlc=f"{n:020}", at=NOW - 90 + 10 * n,
                topic="work", type=kind, log_type=kind.upper(), hash=f"{n + 1:064x}", body=body, problem="" if body else "erased by its author",
            )
            for n, (kind, who, body) in enumerate(ENTRIES)
        ]  # fmt: skip
        self.verification = journal.Verification(ok=True, feeds=4, entries=42, control_entries=17, problems=[])

    async def call(self, operation: str, request: Any = None) -> Any:
        if operation == "journal.verify" and operation not in self.problems:
            return self.verification
        if operation == "journal.tail" and operation not in self.problems and not self.gone:
            self.calls.append((operation, request))
            span = spans.asked(request, NOW)
            fitting = [
                one
                for one in self.entries
                if request.type in (None, one.type)
                and request.author in (None, one.author)
                and span.holds(one.at * 1000)
            ]
            return journal.JournalPage(entries=fitting, next=None)
        return await super().call(operation, request)


def everything() -> FullEngine:
    """A row, at least, in every list."""
    engine = FullEngine()
    rooms.filled(engine)
    engine.inbox = some_waiting()
    engine.decisions = votes.filled().decisions
    patched = patches.filled()
    engine.patches, engine.blobs = patched.patches, patched.blobs
    engine.contents = contents.filled().contents
    return engine


def poisoned(text: str) -> FakeEngine:
    """``everything``, with ``text`` as each word that somebody else may have written."""
    engine = everything()
    engine.status = poison(engine.status, text)
    for name in ("peers", "inbox", "decisions", "patches", "rows", "chat", "people", "entries"):
        setattr(engine, name, [poison(one, text) for one in getattr(engine, name)])
    engine.tasks = {key: poison(one, text) for key, one in engine.tasks.items()}
    engine.rooms = {key: poison(one, text) for key, one in engine.rooms.items()}
    engine.output = f"{text}\n" * 3 + text
    return engine


def poison(model: Any, text: str) -> Any:
    """A copy with ``text`` in each field of :data:`WORDS`, all the way down; nothing is checked, as a broken peer checks nothing."""
    if isinstance(model, BaseModel):
        changed = {}
        for name in type(model).model_fields:
            value = getattr(model, name)
            if name in WORDS and isinstance(value, str):
                changed[name] = text
            elif name in WORDS and isinstance(value, list) and value and isinstance(value[0], str):
                changed[name] = [text]
            elif name == "body" and isinstance(value, dict):
                changed[name] = dict.fromkeys(value, text)
            else:
                changed[name] = poison(value, text)
        return model.model_copy(update=changed)
    if isinstance(model, list):
        return [poison(one, text) for one in model]
    return model
