"""Questions, sessions between tasks, what waits for a person."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "assistance.requests", "GET", "/api/v1/questions", "assistance.ListQuestions", "assistance.QuestionList", _R,
        "Questions and their answers",
    ),
    Operation(
        "assistance.ask", "POST", "/api/v1/questions", "assistance.AskQuestion", "assistance.QuestionView", _O,
        "Put a question to who knows an area",
    ),
    Operation(
        "assistance.answer", "POST", "/api/v1/questions/{request}/answer", "assistance.AnswerQuestion", "assistance.QuestionView", _O,
        "Answer a question",
    ),
    Operation(
        "coordination.sessions", "GET", "/api/v1/coordination/sessions", "coordination.ListSessions", "coordination.SessionList", _R,
        "Sessions about tasks that touch the same thing",
    ),
    Operation(
        "coordination.show", "GET", "/api/v1/coordination/sessions/{session_id}", "coordination.SessionRef", "coordination.SessionView", _R,
        "One session: tasks, plan, words, how it stands",
    ),
    Operation(
        "coordination.say", "POST", "/api/v1/coordination/sessions/{session_id}/say", "coordination.SayInSession",
        "coordination.SessionView", _O,
        "A word in a session",
    ),
    Operation(
        "coordination.open", "POST", "/api/v1/coordination/sessions", "coordination.OpenSession", "coordination.SessionView", _O,
        "Open a session with some members",
    ),
    Operation(
        "coordination.projects", "GET", "/api/v1/coordination/projects", "common.Paged", "coordination.ProjectList", _R,
        "Where projects stand, as the admin said last",
    ),
    Operation(
        "coordination.reports", "GET", "/api/v1/coordination/reports", "common.Paged", "coordination.ReportList", _R,
        "What members reported to this one",
    ),
    Operation(
        "inbox.list", "GET", "/api/v1/inbox", "common.Paged", "inbox.Inbox", _R,
        "What waits for this peer's person, the most pressing first",
    ),
    Operation(
        "inbox.answer", "POST", "/api/v1/inbox/answer", "inbox.AnswerItem", "inbox.Answered", _O,
        "Answer what waits, once, wherever it came from",
    ),
)  # fmt: skip
