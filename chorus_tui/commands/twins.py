"""The command line of what is done on a screen: one table by operation, so that every screen tells the same line.

A template names fields of the operation's request in braces. A field that is not known yet shows as a word in capitals. A part in
brackets is left out when its field is known to be empty, and comes once for each when the field holds several; with a field that ends in
``?`` it is a flag, there when the field is true. A part in parentheses is there only when a request says something else than it would by
itself. What begins with a hyphen and is taken by its place stands behind ``--``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pydantic import BaseModel

PROGRAM = "chorus-tui"
_SAID = (
    "(--intent {intent}) (--reasoning {reasoning}) (--cite {citations}) (--to-role {to_roles}) (--restricted {restricted?}) "
    "(--priority {priority})"
)
"""What every word in a room may have."""
_ASKED = (
    "(--plan-first {spec.plan_first?}) (--approval {spec.approval}) (--approvals {spec.approvals}) "
    "(--approve-within {spec.approve_within_s}) (--deliver {spec.deliver}) (--output {spec.outputs}) (--timeout {spec.timeout_s}) "
    "(--priority {spec.priority}) (--steps {spec.budget.steps}) (--tokens {spec.budget.tokens}) "
    "(--containers {spec.budget.containers}) (--depth {spec.budget.depth}) (--memory-mb {spec.limits.memory_mb}) "
    "(--cpus {spec.limits.cpus}) (--disk-mb {spec.limits.disk_mb}) (--allowed-host {spec.allowed_hosts}) "
    "(--description {spec.description}) (--project {spec.project_id}) (--expertise {spec.expertise}) (--image {spec.image}) "
    "(--kind {spec.kind}) (--max-attempts {spec.max_attempts}) (--callback-url {callback_url})"
)
"""What a task may be bound by."""

TWINS: Mapping[str, str] = {
    "collab.chat": "collab chat {session} {text}",
    "collab.end": "collab end {session} --as {outcome} [--address {address}] [--title {title}]",
    "collab.invite": "collab invite {session} [--member {invited}] [--role {roles}]",
    "collab.join": "collab join {session}",
    "collab.list": "collab list",
    "collab.new": "collab new --title {title} [--purpose {purpose}] [--base {base}] [--invite {invited}] [--role {roles}]",
    "collab.show": "collab show {session}",
    "decisions.list": "decide list",
    "decisions.propose": "decide propose --title {title} [--description {description}] [--option {options}] --threshold {threshold} "
    "--quorum {quorum} --deadline {deadline} [--to-roles {to_roles}] [--eligible {eligible}] (--kind {kind}) "
    "(--project {project_id}) (--task {task_id}) (--thread {thread_id}) (--issue {issue_id})",
    "decisions.show": "decide show {decision_id}",
    "decisions.vote": "decide vote {decision_id} {choice} [--reason {reason:TEXT}] [--final {final?}] [--sign-with {key:KEY}]",
    "decisions.withdraw": "decide withdraw {decision_id} --reason {reason:TEXT}",
    "hmmm.agree": "hmmm agree {msg_id}",
    "hmmm.answer": "hmmm answer {issue_id:ROOM} {thread_id:THREAD} {message:TEXT}",
    "hmmm.escalate": "hmmm escalate {issue_id:ROOM} {thread_id:THREAD} {reason}",
    "hmmm.object": "hmmm object {msg_id} {reason}",
    "hmmm.propose": f"hmmm propose {{issue_id:ROOM}} {{message:TEXT}} [--thread {{thread_id:THREAD}}] (--decide {{decide?}}) {_SAID}",
    "hmmm.query": f"hmmm query {{issue_id:ROOM}} {{message:TEXT}} [--thread {{thread_id:THREAD}}] {_SAID}",
    "hmmm.reply": f"hmmm reply {{msg_id}} {{message:TEXT}} (--type {{type}}) {_SAID}",
    "hmmm.rooms": "hmmm rooms",
    "hmmm.send": f"hmmm send {{issue_id:ROOM}} {{message:TEXT}} [--thread {{thread_id:THREAD}}] {_SAID}",
    "hmmm.show": "hmmm show {issue_id:ROOM} {thread_id:THREAD}",
    "inbox.answer": "inbox answer {item_id} [{choice}] [--text {text}]",
    "inbox.list": "inbox list",
    "journal.tail": "journal tail [--type {type}] [--author {author}] [--since {since}] [--until {until}] --limit {limit}",
    "journal.verify": "journal verify",
    "patches.apply": "patch apply {patch_id} [--branch {branch}]",
    "patches.create": "patch new {files:FILE} --title {title} [--type {kind}] (--message {message}) (--revises {supersedes}) "
    "(--project {project_id})",
    "patches.from_task": "patch new --task {task_id}",
    "patches.list": "patch list",
    "patches.review": "patch review {patch_id} --at {place:FILE:HUNK} {text}",
    "patches.review.approve": "patch review {patch_id} --approve",
    "patches.review.changes": "patch review {patch_id} --changes --comment {text}",
    "patches.show": "patch show {patch_id}",
    "patches.submit": "patch submit {patch_id}",
    "patches.vote": "patch vote {patch_id} --deadline {deadline}",
    "patches.withdraw": "patch withdraw {patch_id} --reason {reason:TEXT}",
    "peers.block": "peers block {peer}",
    "peers.connect": "connect {address}",
    "peers.list": "peers",
    "peers.unban": "peers unban {peer}",
    "slurp.show": "slurp show {node_id}",
    "status.show": "status",
    "tasks.announce": "task announce --title {spec.title} [--command {spec.commands}] [--goal {spec.goal}] [--check {spec.checks}] "
    "[--repository {spec.repository}] [--language {spec.language}] [--role {spec.role}] [--depends-on {spec.depends_on}] "
    + _ASKED,
    "tasks.approve": "task approve {task_id} [--reason {reason:TEXT}]",
    "tasks.artifacts": "task artifacts {task_id} --to {folder}",
    "tasks.cancel": "task cancel {task_id} [--reason {reason:TEXT}]",
    "tasks.claim": "task claim {task_id}",
    "tasks.deny": "task deny {task_id} --reason {reason:TEXT}",
    "tasks.diff": "task diff {task_id}",
    "tasks.list": "task list",
    "tasks.output": "task output {task_id}",
    "tasks.pause": "task pause {task_id}",
    "tasks.release": "task release {task_id} [--reason {reason:TEXT}]",
    "tasks.resume": "task resume {task_id}",
    "tasks.retry": "task retry {task_id}",
    "tasks.say": "task say {task_id} {text}",
    "tasks.show": "task show {task_id}",
    "tasks.stop": "task stop {task_id}",
    "tasks.submit": "task submit {task_id} --output {file}",
    "tasks.submit.failed": "task submit {task_id} --failed {reason:TEXT}",
    "tasks.transcript": "task transcript {task_id}",
    "ucxl.diff": "ucxl diff {address} {against:ADDRESS}",
    "ucxl.get": "ucxl get {address}",
    "ucxl.history": "ucxl history {address}",
    "ucxl.list": "ucxl list",
    "ucxl.put": "ucxl put {address} {file} [--message {description:TEXT}] (--readers {readers}) (--mine {mine?}) (--tag {tags}) "
    "(--type {media_type})",
    "ucxl.remove": "ucxl rm {address}",
    "web.invite": "web invite [--person {person}]",
    "web.show": "web show",
    "web.start": "web start {kind} [--scope {scope}]",
    "web.stop": "web stop {kind}",
    "ucxl.search": "ucxl search {text} [--in {pattern:ADDRESS}]",
}
"""By operation; a third part of a name tells apart what one operation does in two ways."""

_PART = re.compile(r"\[([^\]]*)\]|\(([^)]*)\)|([^\[\]()]+)")
_FIELD = re.compile(r"\{([a-z_.]+)(?::([A-Z:]+))?\}")
_FLAG = re.compile(r"\s*\{([a-z_.]+)\?\}")
_UNKNOWN = object()


class _Word(NamedTuple):
    """Of a line. ``place``: the program takes it by its place; ``hyphen``: it would be taken for an option there."""

    text: str
    place: bool = False
    hyphen: bool = False


def line(operation: str, request: BaseModel | None = None, /, **known: Any) -> str:
    """The line that does this; fields are taken from ``known`` first, then from the request."""
    told: list[_Word] = []
    for optional, unusual, fixed in _PART.findall(TWINS[operation]):
        if unusual and _is_usual(unusual, request):
            continue
        told += _filled(fixed, request, known) if fixed else _several(optional or unusual, request, known)
    return " ".join([PROGRAM, *_in_order(told)])


def _in_order(told: list[_Word]) -> list[str]:
    """As the table has them; where a word would be taken for an option, those that are taken by their place stand behind ``--``."""
    if not any(one.hyphen for one in told):
        return [one.text for one in told]
    return [*(one.text for one in told if not one.place), "--", *(one.text for one in told if one.place)]


def _is_usual(part: str, request: BaseModel | None) -> bool:
    """Whether the request leaves the field of this part as it is by itself."""
    match = _FLAG.search(part) or _FIELD.search(part)
    assert match is not None
    *steps, last = match[1].split(".")
    holder: Any = request
    for step in steps:
        holder = getattr(holder, step, None)
    fields = getattr(type(holder), "model_fields", {})
    return last not in fields or getattr(holder, last) == fields[last].get_default(call_default_factory=True)


def _several(part: str, request: BaseModel | None, known: Mapping[str, Any]) -> list[_Word]:
    """A part that may be left out: once for each value of its field."""
    flag = _FLAG.search(part)
    if flag is not None:
        return [_Word(part.replace(flag[0], ""))] if _value(flag[1], request, known) is True else []
    match = _FIELD.search(part)
    assert match is not None
    value = _value(match[1], request, known)
    if value is _UNKNOWN:
        # What a request leaves open is a choice of the person who types the line, unless nothing of it is known yet.
        return [] if request is not None else _filled(part, request, known)
    values = value if isinstance(value, (list, tuple)) else [value] if value else []
    return [word for one in values for word in _filled(part, None, {match[1]: one})]


def _filled(part: str, request: BaseModel | None, known: Mapping[str, Any]) -> list[_Word]:
    """Its words; fields after an option are that one's values, those before any are taken by their place."""
    told: list[_Word] = []
    named = False
    for word in part.split():
        match = _FIELD.fullmatch(word)
        if match is None:
            told.append(_Word(word))
        else:
            told += [
                one._replace(place=not named, hyphen=one.hyphen and not named) for one in _told(match, request, known)
            ]
        named = named or word.startswith("--")
    return told


def _told(match: re.Match[str], request: BaseModel | None, known: Mapping[str, Any]) -> list[_Word]:
    """What a field says, or a word in capitals."""
    value = _value(match[1], request, known)
    if value is _UNKNOWN or value in ("", None):
        return [_Word(match[2] or match[1].rpartition(".")[2].removesuffix("_id").upper())]
    values = value if isinstance(value, (list, tuple)) else [value]
    return [_Word(shlex.quote(one), hyphen=one.startswith("-")) for one in map(_spelled, values)]


def _spelled(value: Any) -> str:
    """As the program takes it: what has parts, such as an address and why it is cited, joined by an equals sign."""
    parts = getattr(type(value), "model_fields", None)
    return str(value) if parts is None else "=".join(str(one) for part in parts if (one := getattr(value, part)))


def _value(name: str, request: BaseModel | None, known: Mapping[str, Any]) -> Any:
    if name in known:
        return known[name]
    value: Any = request
    for step in name.split("."):
        value = getattr(value, step, _UNKNOWN) if value is not None else _UNKNOWN
        if value is _UNKNOWN:
            break
    return value
