"""Where is talked and written together: rooms and shared texts."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
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
    Operation("collab.list", "GET", "/api/v1/collab", "collab.ListCollabs", "collab.CollabList", _R, "Shared texts, open ones first"),
    Operation("collab.new", "POST", "/api/v1/collab", "collab.NewCollab", "collab.CollabView", _O, "Begin a shared text"),
    Operation(
        "collab.show", "GET", "/api/v1/collab/{session}", "collab.SessionRef", "collab.CollabView", _R,
        "A shared text: the text, who takes part, the chat",
    ),
    Operation(
        "collab.join", "POST", "/api/v1/collab/{session}/join", "collab.JoinCollab", "collab.Joined", _O,
        "Take part in a shared text; a copy of it, and a client id to write under",
    ),
    Operation(
        "collab.leave", "POST", "/api/v1/collab/{session}/leave", "collab.SessionRef", "common.Empty", _O,
        "Take no part in a shared text any more",
    ),
    Operation(
        "collab.sync", "POST", "/api/v1/collab/{session}/sync", "collab.SyncCollab", "collab.Synced", _O,
        "Exchange updates of a shared text between a copy and the engine",
    ),
    Operation(
        "collab.edit", "POST", "/api/v1/collab/{session}/edit", "collab.EditCollab", "collab.Edited", _O,
        "Find and replace in a shared text, or insert and delete at a place",
    ),
    Operation(
        "collab.chat", "POST", "/api/v1/collab/{session}/chat", "collab.ChatInCollab", "collab.CollabView", _O,
        "A word beside a shared text; @name addresses an agent",
    ),
    Operation(
        "collab.presence", "POST", "/api/v1/collab/{session}/presence", "collab.ShowPresence", "common.Empty", _O,
        "Tell others where the cursor is",
    ),
    Operation(
        "collab.invite", "POST", "/api/v1/collab/{session}/invite", "collab.InviteToCollab", "collab.CollabView", _O,
        "Invite more members or roles to a shared text",
    ),
    Operation(
        "collab.end", "POST", "/api/v1/collab/{session}/end", "collab.EndCollab", "collab.CollabView", _O,
        "End a shared text: as content under an address, as a patch, or as nothing",
    ),
)  # fmt: skip
