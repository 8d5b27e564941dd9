"""Every kept message in a sentence."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.protocol.messages import TYPES
from chorus_tui.telling.entries import TELLING, sentence

TASK, ID, H = "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FC2", "ab" * 32
SHORT = "abababababab…"
ADA = "12D3KooWAdaAdaAdaAdaAdaAdaAdaAdaAda"
NAMES = {ADA: "ada"}
OF = {"task_id": TASK, "mesh_id": H}
RESULT = {"outcome": "budget_exhausted", "reason": "steps", "detail": "24 steps were used up"}
SIDE = {"task_id": TASK, "title": "Add a field"}
BOTH = {"task1": SIDE, "task2": {"task_id": ID}, "rule": "api", "relationship": "API_Contract", "confidence": 0.9}
SESSION = {"session_id": "s-1", "mesh_id": H}
VOTE = {"proposal_id": ID, "proposal": H, "mesh_id": H, "choice": "approve", "reasoning": "tried it"}
PATCH = {"patch": H, "patch_id": ID}
CONTEXT = {"context_path": "shop/store"}
NODE = {"node_id": H, "context_path": "shop/store", "summary": "SQLite will do"}
KEY = {"mesh_id": H, "keyring": "role:developer", "version": 2, "to": ADA, "sealed": "x"}
RECIPIENT = "age1" + "q" * 58
PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
HEADER = {"header": "{}", "sig": "00"}

SAID: dict[str, tuple[dict[str, Any], str]] = {
    "epoch_opened": ({"version": "0.9"}, "started with version 0.9, for the first time"),
    "goodbye": ({"reason": "asked to"}, "stopped: asked to"),
    "role_announcement": (
        {"agent_id": "ada", "kind": "agent", "role": "developer", "expertise": ["sql", "go"], "reports_to": "lead"},
        "is ada, an agent, role developer, knows sql, go, reports to lead",
    ),
    "capability_broadcast": (
        {"agent_id": "ada", "max_tasks": 2, "docker": True, "languages": ["python"], "models": ["ollama/small"]},
        "can run 2 tasks at once, with Docker; languages python; models ollama/small",
    ),
    "task_announcement": (
        {**OF, "spec": {"title": "Sum prices", "commands": ["make"]}, "on_behalf_of": "ana"},
        f"announced the task “Sum prices” for ana as {TASK}",
    ),
    "task_claim": ({**OF, "attempt": 1, "agent_id": "ada"}, f"started task {TASK}, attempt 1"),
    "task_complete": (
        {**OF, "attempt": 2, "result": RESULT}, f"budget exhausted task {TASK}, attempt 2: 24 steps were used up",
    ),
    "task_checked": (
        {**OF, "attempt": 2, "result": H, "verdict": "failed", "detail": "make test: 1"},
        f"checked task {TASK}, attempt 2: found it not good: make test: 1",
    ),
    "task_steering": (
        {**OF, "act": "resume", "reason": "fixed", "on_behalf_of": "ana"}, f"asks that task {TASK} go on for ana: fixed",
    ),
    "deliverable_ready": (
        {**OF, "attempt": 1, "where": "shop.git", "ref": "refs/heads/x"},
        f"brought the change of task {TASK}, attempt 1 to refs/heads/x of shop.git",
    ),
    "task_cancel_request": ({**OF, "reason": "not needed"}, f"asks to cancel task {TASK}: not needed"),
    "meta_discussion": ({"thread_id": "t", "task_id": TASK, "message": "look\nhere"}, f"said in task {TASK}: look here"),
    "task_help_request": (
        {**OF, "attempt": 1, "help_needed": "which port?"}, f"asks for help with task {TASK}, attempt 1: which port?",
    ),
    "task_help_response": ({**OF, "request": H, "can_help": False}, f"cannot help with task {TASK}"),
    "dependency_alert": (
        {"mesh_id": H, "dependency": BOTH}, f"“Add a field” and “{ID}” depend on each other: API_Contract",
    ),
    "coordination_request": ({**SESSION, "objective": "agree on it"}, "opened session s-1: agree on it"),
    "cooee_plan": (
        {**SESSION, "steps": [{"id": "1", "desc": "talk"}, {"id": "2", "desc": "build"}]},
        "has a plan of 2 steps for session s-1: talk; build",
    ),
    "coordination_complete": ({**SESSION, "outcome": "resolved", "resolution": "v2"}, "session s-1 is resolved: v2"),
    "escalation_trigger": (
        {"subject": "room", "subject_id": "shop", "cause": "no_help", "to_role": "lead"},
        "calls a person of the role lead to room shop, no help came",
    ),
    "hmmm_message": (
        {"type": "objection", "issue_id": "shop", "thread_id": "t", "msg_id": "m", "agent_id": "ada", "sealed": "x"},
        "objected in shop/t: (sealed)",
    ),
    "decision_proposal": (
        {"proposal_id": ID, "mesh_id": H, "title": "Use SQLite", "deadline": 1, "eligible": [ADA], "options": ["yes", "no"]},
        "put to the vote: “Use SQLite”; to choose from: yes, no",
    ),
    "decision_vote": ({**VOTE, "final": True}, f"voted approve, for good on {ID}: tried it"),
    "signed_vote": (
        {**VOTE, "person": "ana", "signature": "AAAA"}, f"brought a signed vote of ana: approve on {ID}: tried it",
    ),
    "decision_announcement": ({"address": PLACE, "content_hash": f"sha256:{H}"}, f"keeps a record under {PLACE}"),
    "patch_created": (
        {"patch_id": ID, "title": "Fix", "repository": "shop", "diff": f"sha256:{H}", "size": 9, "files": [["a", 2, 1]], "file_count": 1,
         "added": 2, "removed": 1},
        "made the patch “Fix” of shop: 1 file, +2 -1",
    ),
    "patch_review": (
        {**PATCH, "verdict": "changes", "text": "not yet", "comments": [{"file": "a", "text": "why"}]},
        f"asks for changes of patch {ID}, 1 comment at its lines: not yet",
    ),
    "patch_state": ({**PATCH, "state": "applied", "where": {"repository": "shop"}}, f"applied patch {ID} to shop"),
    "expertise_request": ({"expertise": ["sql"], "question": "why slow?"}, "asks who knows sql: why slow?"),
    "expertise_response": ({"request": H, "can_help": True, "answer": "an index"}, "answers: an index"),
    "mentorship_request": ({"subject": "locks"}, "asks to be shown how: locks"),
    "mentorship_response": ({"request": H, "accepted": True, "advice": "one at a time"}, "advises: one at a time"),
    "status_update": (
        {"agent_id": "ada", "period_s": 60, "running": ["Sum"], "done": 3, "failed": 1, "blockers": ["disk"]},
        "reports 3 done, 1 failed, 1 at work: Sum; held up by disk",
    ),
    "work_allocation": ({**OF, "attempt": 1, "worker": ADA, "reason": "free"}, f"gave task {TASK}, attempt 1 to ada: free"),
    "role_collaboration": ({"subject_id": "shop", "roles": ["lead"]}, "calls lead into room shop"),
    "project_update": (
        {"project_id": "shop", "mesh_id": H, "phase": "working", "completion": 40, "open": 3, "done": 2},
        "project shop is working, 40 %: 3 open, 2 done, 0 failed",
    ),
    "role_key_shared": ({**KEY, "recipient": RECIPIENT}, "gave ada the key of role:developer, version 2"),
    "role_keys_held": (
        {"mesh_id": H, "recipient": RECIPIENT, "keyrings": {"master": [1], "decision": [1, 2]}}, "holds keys of master, decision",
    ),
    "key_share": (
        {**KEY, "split": 1, "number": 3}, "gave ada word list 3 of the key of role:developer, version 2 to keep",
    ),
    "feedback_event": ({**CONTEXT, "event": "outdated", "note": "since May"}, "found shop/store outdated: since May"),
    "context_request": ({**CONTEXT, "query": "which?"}, "asks what is known about shop/store: which?"),
    "context_response": ({**CONTEXT, "request": H, "nodes": [NODE], "known": 4}, "knows 4 things about shop/store, tells 1"),
    "context_usage": ({**CONTEXT, "nodes": [H]}, "was shown 1 thing about shop/store"),
    "context_relevance": (
        {**CONTEXT, "node_id": H, "relevance_score": 0.75}, f"found {SHORT} of shop/store to be of use: 75%",
    ),
    "slurp_event_generated": (
        {**CONTEXT, "event_id": H, "event_type": "decision", "consensus": "SQLite"}, "has something to remember of a decision: SQLite",
    ),
    "slurp_event_ack": ({"event_id": H, "accepted": False, "reason": "known"}, f"does not remember event {SHORT}: known"),
    "slurp_context_update": ({**CONTEXT, "node": NODE}, "knows of shop/store: SQLite will do"),
    "collab_session": (
        {"session": ID, "title": "Plan", "invited": ["ada"], "roles": ["lead"]}, "began the shared text “Plan”, with ada, role lead",
    ),
    "collab_update": (
        {"session": ID, "update": "AAAA", "group": H, "piece": 1, "pieces": 3, "of": ADA},
        f"changed shared text {ID} that ada wrote, piece 2 of 3",
    ),
    "collab_snapshot": (
        {"session": ID, "digest": f"sha256:{H}", "size": 900, "state": "", "covers": {}}, f"keeps the whole of shared text {ID}, 900 bytes",
    ),
    "collab_chat": ({"session": ID, "text": "hi"}, f"said beside shared text {ID}: hi"),
    "collab_answer": ({"session": ID, "takes_part": False}, f"does not take part in shared text {ID}"),
    "collab_ended": (
        {"session": ID, "outcome": "ucxl", "reference": PLACE, "covers": {}, "text_hash": H},
        f"ended shared text {ID} as content under an address: {PLACE}",
    ),
    "ucxl_version": (
        {"place": PLACE, "digest": f"sha256:{H}", "size": 12, "readers": ["master"], "description": "first"},
        f"wrote 12 bytes to {PLACE}, sealed to master: first",
    ),
    "fork_evidence": ({"first": HEADER, "second": HEADER}, "shows two entries of one author under one number"),
}  # fmt: skip
KEPT = sorted(name for name, row in TYPES.items() if row.durable)
FIELDS = sorted({field for row in TYPES.values() for field in row.model.model_fields})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inside, max_size=3)
    ),
    max_leaves=8,
)


def test_every_kept_type_has_words():
    """A type that is added needs its sentence, and its example here; one that is gone needs none."""
    assert sorted(TELLING) == KEPT
    assert sorted(SAID) == KEPT


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_message_is_told_in_its_words(name: str):
    """Of data that is of its type: by that the names of its fields are the type's own."""
    body, words = SAID[name]
    known = TYPES[name].model.model_validate(body)

    assert not known.model_extra
    assert sentence(name, body, NAMES) == words


def test_a_type_of_a_newer_peer_is_told_too():
    """By the words that it has, else as it is."""
    assert sentence("omen", {"title": "dark\nclouds"}) == "dark clouds"
    assert sentence("omen", {"clouds": 3}) == '{"clouds": 3}'


@given(st.sampled_from([*KEPT, "omen"]), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6))
def test_no_data_is_too_odd_to_be_told(name: str, body: dict[str, Any]):
    """Whatever stands in a field, it is one line."""
    told = sentence(name, body)

    assert told
    assert not [sign for sign in told if sign in "\n\r\t" or unicodedata.category(sign) in {"Zl", "Zp"}]
