"""The one list of operations: routes, OpenAPI, client calls and CLI commands are all made from it.

This module stays light (standard library only), because ``chorus-tui --help`` imports it: models are named here as
``"module.Class"`` under :mod:`chorus_tui.contract.models` and loaded when an operation is used.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pydantic import BaseModel


class Scope(IntEnum):
    """What a caller may do; each scope includes the ones below it."""

    READ = 1
    OPERATE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a caller can ask of an engine.

    ``path`` may hold ``{field}`` parts, filled from fields of the request; the remaining fields travel in the query
    (GET) or as a JSON body (POST).
    """

    name: str
    verb: Literal["GET", "POST"]
    path: str
    request: str
    response: str
    scope: Scope
    help: str

    def request_model(self) -> type[BaseModel]:
        """The class that validates a request."""
        return _load(self.request)

    def response_model(self) -> type[BaseModel]:
        """The class that an answer is an instance of."""
        return _load(self.response)


def _load(name: str) -> type[BaseModel]:
    module, _, attribute = name.rpartition(".")
    model: type[BaseModel] = getattr(importlib.import_module(f"chorus_tui.contract.models.{module}"), attribute)
    return model


_R, _O, _A = Scope.READ, Scope.OPERATE, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation("engine.hello", "GET", "/api/v1/hello", "common.Empty", "status.Hello", _R, "Greet: who answers, which contract"),
    Operation("engine.stop", "POST", "/api/v1/engine/stop", "status.StopEngine", "common.Empty", _A, "Drain, hand over and stop"),
    Operation(
        "status.show", "GET", "/api/v1/status", "common.Empty", "status.Status", _R,
        "Me, the mesh, its admin, tasks by state, health",
    ),
    Operation(
        "decisions.list", "GET", "/api/v1/decisions", "decisions.ListDecisions", "decisions.DecisionList", _R,
        "What is put to the vote, and what came of it",
    ),
    Operation(
        "decisions.show", "GET", "/api/v1/decisions/{decision_id}", "decisions.DecisionRef", "decisions.DecisionView", _R,
        "One decision: votes, tally, outcome, record",
    ),
    Operation(
        "decisions.propose", "POST", "/api/v1/decisions", "decisions.ProposeDecision", "decisions.Proposed", _O,
        "Put something to the vote",
    ),
    Operation(
        "decisions.vote", "POST", "/api/v1/decisions/{decision_id}/vote", "decisions.VoteDecision", "decisions.VoteCast", _O,
        "Vote, with a reason, or vote anew",
    ),
    Operation(
        "decisions.withdraw", "POST", "/api/v1/decisions/{decision_id}/withdraw", "decisions.WithdrawDecision",
        "decisions.DecisionView", _O,
        "End a proposal of one's own before it is closed",
    ),
    Operation("peers.list", "GET", "/api/v1/peers", "common.Empty", "peers.PeerList", _R, "The peers this engine knows"),
    Operation("peers.connect", "POST", "/api/v1/peers/connect", "peers.ConnectPeer", "peers.Peer", _O, "Dial a peer by its multiaddr"),
    Operation(
        "network.invite", "POST", "/api/v1/network/invite", "common.Empty", "peers.Invitation", _A,
        "Addresses and network key for another machine",
    ),
    Operation(
        "election.status", "GET", "/api/v1/election", "common.Empty", "election.ElectionStatus", _R,
        "The admin, the voters and their scores, what a loss would mean",
    ),
    Operation(
        "election.history", "GET", "/api/v1/election/history", "common.Empty", "election.ElectionHistory", _R,
        "Every term, newest first",
    ),
    Operation(
        "election.trigger", "POST", "/api/v1/election/trigger", "election.HandOver", "election.Decided", _A,
        "Another admin, although this one is well",
    ),
    Operation(
        "election.step_down", "POST", "/api/v1/election/step-down", "election.HandOver", "election.Decided", _A,
        "As the admin, hand over to another voter",
    ),
    Operation("members.list", "GET", "/api/v1/members", "common.Empty", "election.MemberList", _R, "Who belongs to the mesh"),
    Operation(
        "members.grant", "POST", "/api/v1/members/grant", "election.GrantMember", "election.Decided", _A,
        "Grant a member an authority, a role, expertise",
    ),
    Operation(
        "members.remove", "POST", "/api/v1/members/remove", "election.RemoveMember", "election.Decided", _A,
        "Take a member out of the mesh",
    ),
    Operation(
        "members.merge", "POST", "/api/v1/members/merge", "election.MergeMesh", "election.Decided", _A,
        "This side's word that two meshes become one",
    ),
    Operation(
        "election.refound", "POST", "/api/v1/election/refound", "election.Refound", "election.Refounded", _A,
        "Give up a mesh that lost its majority for good, and found it anew",
    ),
    Operation("tasks.announce", "POST", "/api/v1/tasks", "tasks.AnnounceTask", "tasks.TaskRef", _O, "Announce a task to the mesh"),
    Operation("tasks.list", "GET", "/api/v1/tasks", "tasks.ListTasks", "tasks.TaskList", _R, "Tasks, newest first"),
    Operation(
        "tasks.show", "GET", "/api/v1/tasks/{task_id}", "tasks.TaskRef", "tasks.TaskView", _R,
        "One task: state, attempts, result, evidence",
    ),
    Operation(
        "tasks.wait", "GET", "/api/v1/tasks/{task_id}/wait", "tasks.WaitTask", "tasks.TaskView", _R,
        "Wait until a task has ended, or the time is over",
    ),
    Operation(
        "tasks.output", "GET", "/api/v1/tasks/{task_id}/output", "tasks.ReadOutput", "tasks.OutputChunk", _R,
        "Output of a task as received here",
    ),
    Operation(
        "tasks.cancel", "POST", "/api/v1/tasks/{task_id}/cancel", "tasks.CancelTask", "tasks.TaskView", _O,
        "Cancel a task; its container is gone within 5 s",
    ),
    Operation(
        "tasks.say", "POST", "/api/v1/tasks/{task_id}/say", "tasks.SayToTask", "tasks.TaskView", _O,
        "A word in a task's thread; its agent reads it before its next step",
    ),
    Operation(
        "tasks.pause", "POST", "/api/v1/tasks/{task_id}/pause", "tasks.SteerTask", "tasks.TaskView", _O,
        "Let the agent on a task wait before its next step",
    ),
    Operation(
        "tasks.resume", "POST", "/api/v1/tasks/{task_id}/resume", "tasks.SteerTask", "tasks.TaskView", _O,
        "Let a paused agent go on",
    ),
    Operation(
        "tasks.stop", "POST", "/api/v1/tasks/{task_id}/stop", "tasks.SteerTask", "tasks.TaskView", _O,
        "End the work of an agent; what it has done is its result",
    ),
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
        "coordination.projects", "GET", "/api/v1/coordination/projects", "common.Empty", "coordination.ProjectList", _R,
        "Where projects stand, as the admin said last",
    ),
    Operation(
        "coordination.reports", "GET", "/api/v1/coordination/reports", "common.Empty", "coordination.ReportList", _R,
        "What members reported to this one",
    ),
    Operation("tasks.claim", "POST", "/api/v1/tasks/{task_id}/claim", "tasks.ClaimTask", "tasks.TaskView", _O, "Take a task by hand"),
    Operation(
        "tasks.submit", "POST", "/api/v1/tasks/{task_id}/submit", "tasks.SubmitTask", "tasks.TaskView", _O,
        "The result of a task that was taken by hand",
    ),
    Operation(
        "tasks.release", "POST", "/api/v1/tasks/{task_id}/release", "tasks.ReleaseTask", "tasks.TaskView", _O,
        "Give back a task that was taken by hand",
    ),
    Operation(
        "tasks.retry", "POST", "/api/v1/tasks/{task_id}/retry", "tasks.RetryTask", "tasks.TaskRef", _O,
        "Announce an ended task again, as a new attempt",
    ),
    Operation(
        "tasks.approve", "POST", "/api/v1/tasks/{task_id}/approve", "tasks.JudgeTask", "tasks.TaskView", _O,
        "Agree to a task that waits for approval",
    ),
    Operation(
        "tasks.deny", "POST", "/api/v1/tasks/{task_id}/deny", "tasks.JudgeTask", "tasks.TaskView", _O,
        "Refuse a task that waits for approval",
    ),
    Operation(
        "inbox.list", "GET", "/api/v1/inbox", "common.Empty", "inbox.Inbox", _R,
        "What waits for this peer's person, the most pressing first",
    ),
    Operation(
        "inbox.answer", "POST", "/api/v1/inbox/answer", "inbox.AnswerItem", "inbox.Answered", _O,
        "Answer what waits, once, wherever it came from",
    ),
    Operation(
        "slurp.context", "GET", "/api/v1/context", "slurp.AskContext", "slurp.ContextAnswer", _R,
        "What is known on a path, the most relevant first",
    ),
    Operation(
        "slurp.feedback", "POST", "/api/v1/context/feedback", "slurp.GiveFeedback", "slurp.FeedbackTaken", _O,
        "A person's word on a piece of context",
    ),
    Operation("slurp.stats", "GET", "/api/v1/context/stats", "common.Empty", "slurp.SlurpStats", _R, "How much is known"),
    Operation(
        "blobs.read", "GET", "/api/v1/blobs/{digest}", "blobs.ReadBlob", "blobs.BlobChunk", _R,
        "A range of a blob (an artifact, a transcript)",
    ),
    Operation("blobs.list", "GET", "/api/v1/blobs", "blobs.ListBlobs", "blobs.BlobList", _R, "Blobs held here, and why each is kept"),
    Operation(
        "blobs.stats", "GET", "/api/v1/blob-stats", "common.Empty", "blobs.BlobStats", _R,
        "How much is held here, pinned, and missing",
    ),
    Operation(
        "blobs.holders", "GET", "/api/v1/blobs/{digest}/holders", "blobs.BlobRef", "blobs.BlobHolders", _R,
        "Members that vouch for a blob now",
    ),
    Operation("blobs.pin", "POST", "/api/v1/blobs/{digest}/pin", "blobs.BlobRef", "blobs.BlobRow", _O, "Keep a blob here whatever happens"),
    Operation("blobs.unpin", "POST", "/api/v1/blobs/{digest}/unpin", "blobs.BlobRef", "blobs.BlobRow", _O, "Take a pin set by hand away"),
    Operation("hmmm.rooms", "GET", "/api/v1/hmmm", "hmmm.ListRooms", "hmmm.RoomList", _R, "Threads of all rooms, the most pressing first"),
    Operation(
        "hmmm.show", "GET", "/api/v1/hmmm/rooms/{issue_id}", "hmmm.ShowThread", "hmmm.ThreadView", _R,
        "A thread with everything said in it",
    ),
    Operation("hmmm.send", "POST", "/api/v1/hmmm/rooms/{issue_id}/send", "hmmm.Say", "hmmm.Said", _O, "Say something in a room"),
    Operation("hmmm.query", "POST", "/api/v1/hmmm/rooms/{issue_id}/query", "hmmm.Query", "hmmm.Said", _O, "Ask a question in a room"),
    Operation(
        "hmmm.propose", "POST", "/api/v1/hmmm/rooms/{issue_id}/propose", "hmmm.Propose", "hmmm.Said", _O,
        "Propose something; agreed when nobody objects in time",
    ),
    Operation(
        "hmmm.escalate", "POST", "/api/v1/hmmm/rooms/{issue_id}/escalate", "hmmm.Escalate", "hmmm.Said", _O,
        "Ask for a person in a thread",
    ),
    Operation(
        "hmmm.answer", "POST", "/api/v1/hmmm/rooms/{issue_id}/answer", "hmmm.AnswerEscalation", "hmmm.Said", _O,
        "A person's word that ends the escalations of a thread",
    ),
    Operation("hmmm.reply", "POST", "/api/v1/hmmm/messages/{msg_id}/reply", "hmmm.Reply", "hmmm.Said", _O, "Reply to a message"),
    Operation(
        "hmmm.object", "POST", "/api/v1/hmmm/messages/{msg_id}/object", "hmmm.Object", "hmmm.Said", _O,
        "Object to a proposal, with the reason",
    ),
    Operation(
        "hmmm.agree", "POST", "/api/v1/hmmm/messages/{msg_id}/agree", "hmmm.Agree", "hmmm.Said", _O,
        "Agree with a proposal, or settle an own objection",
    ),
    Operation(
        "hmmm.preview", "POST", "/api/v1/hmmm/preview", "hmmm.Preview", "hmmm.Previewed", _R,
        "Words as others will read them, and what is taken out",
    ),
    Operation(
        "hmmm.templates", "GET", "/api/v1/hmmm/templates", "common.Empty", "hmmm.Templates", _R,
        "Templates of messages, and files that are none",
    ),
    Operation(
        "hmmm.save_template", "POST", "/api/v1/hmmm/templates", "hmmm.Template", "hmmm.Templates", _O,
        "Keep a message as a template",
    ),
    Operation("journal.tail", "GET", "/api/v1/journal", "journal.TailJournal", "journal.JournalPage", _R, "Newest entries of the feeds"),
    Operation(
        "journal.fleeting", "GET", "/api/v1/journal/fleeting", "journal.TailJournal", "journal.FleetingLog", _R,
        "Newest messages that are kept nowhere, as heard here",
    ),
    Operation(
        "journal.verify", "POST", "/api/v1/journal/verify", "common.Empty", "journal.Verification", _R,
        "Check every signature and chain held here",
    ),
    Operation(
        "journal.forks", "GET", "/api/v1/journal/forks", "common.Empty", "journal.ForkList", _R,
        "Authors that said two things under one number",
    ),
    Operation(
        "journal.resolve", "POST", "/api/v1/journal/forks/resolve", "journal.ResolveFork", "election.Decided", _A,
        "Decide which branch of a fork counts",
    ),
    Operation(
        "journal.stats", "GET", "/api/v1/journal/stats", "common.Empty", "journal.JournalStats", _R,
        "What the journal holds, in numbers",
    ),
    Operation(
        "journal.erase", "POST", "/api/v1/journal/erase", "journal.EraseBody", "election.Decided", _A,
        "Erase what an entry said, on every peer; its header stays",
    ),
    Operation(
        "journal.export", "GET", "/api/v1/journal/export", "journal.ExportJournal", "journal.ExportPage", _R,
        "Feeds and control log as stored, page by page",
    ),
)  # fmt: skip

BY_NAME = {operation.name: operation for operation in OPERATIONS}
