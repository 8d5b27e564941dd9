"""Examples for the description: what a request and its answer look like, made from their schemas. Pure.

A name means the same everywhere, so one table of values serves all operations; what only fits together as a whole stands by
operation. A test holds that every example of a request is one that the engine would take.
"""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

ULID: Final = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
_HASH: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_PEER: Final = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
_ADDRESS: Final = "ucxl://ana:developer@shop:api/*^/notes/plan.md"
_AT: Final = 1_767_225_600.0
_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEfU3LmPVZb1jUqnqHyXlZyPoOTvvC4x6zC0tVkCbYbP"

_NAMED: Final[dict[str, Any]] = {
    "address": _ADDRESS, "admin": _PEER, "agent_id": "ana", "announcer": _PEER, "at": _AT, "author": _PEER, "by": _PEER,
    "choice": "approve", "commit": "", "confirm": "", "created_at": _AT, "data": "aGVsbG8K", "decision_id": ULID,
    "detail": "", "diff": "", "digest": f"sha256:{_HASH}", "entry": _HASH, "epoch": "0123456789abcdef0123456789abcdef", "event": "helpful",
    "goal": "", "hash": _HASH, "issue_id": "release-1", "item_id": "approval:" + ULID, "keep": _HASH, "keyring": "role:developer",
    "kind": "output", "last_used_at": _AT, "member": "ana", "mesh": "0123abcd", "mesh_id": _HASH,
    "message": "All tests pass.", "msg_id": ULID, "name": "ana", "node_id": _HASH, "objective": "One format for dates",
    "patch_id": ULID, "path": "shop/api", "peer_id": _PEER, "project_id": "shop", "query": "retry", "question": "Which port is free?",
    "reason": "It is done elsewhere", "request": _HASH, "role": "developer", "session": ULID, "session_id": "task-" + ULID,
    "since": _AT, "started_at": _AT, "state": "completed", "task_id": ULID, "text": "Looks good.", "thread_id": "plan",
    "title": "Add a retry", "token": "chorus-read-…", "token_id": "9f86d081884c", "topic": "CHORUS/coordination/v1",
    "version": "0.1.0", "words": "",
}  # fmt: skip

_SPEC: Final = {"title": "Run the tests", "commands": ["make test"], "language": "python"}
_SCHEMAS: Final = {"TaskSpec": _SPEC, "TaskSpec-Input": _SPEC, "TaskSpec-Output": _SPEC}
"""What only fits together as a whole, wherever it stands."""

_REQUESTS: Final[dict[str, Schema]] = {
    "assistance.ask": {"question": "Which port is free?", "expertise": ["networks"]},
    "collab.edit": {"edits": [{"find": "colour", "replace": "color"}]},
    "collab.end": {"outcome": "nothing"},
    "collab.invite": {"invited": ["bob"]},
    "collab.new": {"title": "Release notes", "text": "# Release 1\n"},
    "hmmm.answer": {"thread_id": "plan", "message": "Go on with the first plan."},
    "journal.erase": {"hash": _HASH},
    "members.enrol": {"person": "ana", "key": _KEY},
    "members.grant": {"member": "ana", "authority": "decision"},
    "members.withdraw": {"person": "ana"},
    "patches.applied": {"repository": "shop", "commit": "", "onto": ""},
    "patches.create": {"title": "Add a retry", "diff": "LS0tIGEvYQorKysgYi9hCkBAIC0xICsxIEBACi1vbmUKK3R3bwo="},
    "peers.connect": {"address": "/ip4/192.0.2.1/tcp/9000"},
    "tasks.announce": {"spec": _SPEC},
    "tasks.submit": {"kind": "output", "file": {"name": "report.txt", "content": "ZG9uZQo="}},
    "vault.grant": {"member": "ana", "role": "developer"},
}
"""Bodies of which the parts must fit together."""


def request_body(operation: str, body: Schema, schemas: dict[str, Schema]) -> Any:
    """An example for the body of ``operation``: what it needs, and no more."""
    return _REQUESTS.get(operation) or value("", body, schemas)


def parameter(operation: str, name: str, schema: Schema, schemas: dict[str, Schema]) -> Any:
    """An example for a parameter."""
    return _REQUESTS.get(operation, {}).get(name) or value(name, schema, schemas)


def value(name: str, schema: Schema, schemas: dict[str, Schema]) -> Any:
    """An example of ``schema`` for a field called ``name``."""
    if "$ref" in schema:
        referred = schema["$ref"].rpartition("/")[2]
        return _SCHEMAS.get(referred) or value(name, schemas[referred], schemas)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    known = _NAMED.get(name)
    if known is not None and _fits(known, schema):
        return known
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return value(name, schema["anyOf"][0], schemas)
    return _plain(schema, schemas)


def _fits(known: Any, schema: Schema) -> bool:
    """Whether a value of the table can be one of ``schema``: a field of the same name may be of another kind elsewhere."""
    kinds = {str: "string", float: "number"}
    offered = [schema, *schema.get("anyOf", [])]
    if not any(part.get("type") == kinds[type(known)] for part in offered):
        return False
    short = schema.get("minLength", 0) <= len(known) if isinstance(known, str) else True
    return short and known in schema.get("enum", [known])


def _plain(schema: Schema, schemas: dict[str, Schema]) -> Any:
    match schema.get("type"):
        case "object":
            fields, required = schema.get("properties", {}), schema.get("required", [])
            return {name: value(name, fields[name], schemas) for name in required}
        case "array":
            items = schema.get("prefixItems")
            if items is not None:
                return [value("", item, schemas) for item in items]
            return [value("", schema.get("items", {}), schemas) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return "x" * schema.get("minLength", 0)
