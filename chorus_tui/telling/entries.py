"""What was said, in a sentence: one for every type of message that is kept, for the journal on the screen and on the command line. Pure.

Whoever said it is named beside the sentence, and is its subject. Ids are cut at their beginning, as commands take them; long words are cut
by whoever shows them, and made harmless there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from chorus_tui.contract.counting import many
from chorus_tui.telling.given import Given

Names = Mapping[str, str]
"""By peer id, how the members call it."""
Words = Callable[[Given, Names], str]

SEALED: Final = "(sealed)"
_ID_LENGTH: Final = 26
_USUAL: Final = ("title", "text", "message", "subject", "reason")


def sentence(type_: str, body: Mapping[str, Any], names: Names | None = None) -> str:
    """One line. Of a type that is not known here, as a newer peer's, the words that it most likely has, or all of it."""
    words = TELLING.get(type_)
    told = words(Given(body), names or {}) if words is not None else _unknown(body)
    return " ".join(told.split())


def _unknown(body: Mapping[str, Any]) -> str:
    told = [str(body[name]) for name in _USUAL if body.get(name)]
    return told[0] if told else json.dumps(body, ensure_ascii=False)


# ── parts ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _id(text: str) -> str:
    """An id whole, of a hash its beginning."""
    digest = text.removeprefix("sha256:")
    return f"{digest[:12]}…" if len(digest) > _ID_LENGTH else digest


def _task(said: Given) -> str:
    return f"task {_id(said.text('task_id'))}"


def _attempt(said: Given) -> str:
    return f"{_task(said)}, attempt {said.count('attempt')}"


def _peer(peer: str, names: Names) -> str:
    return names.get(peer, "") or (f"…{peer[-8:]}" if len(peer) > _ID_LENGTH else peer)


def _then(text: str, before: str = ": ") -> str:
    """What follows, if there is something."""
    return f"{before}{text}" if text else ""


def _list(words: list[str], before: str) -> str:
    return f"{before}{', '.join(words)}" if words else ""


def _sealed(said: Given, name: str) -> str:
    """The words, or that they are sealed for others."""
    return said.text(name) or (SEALED if said.text("sealed") else "")


def _for(said: Given) -> str:
    return _then(said.text("on_behalf_of"), " for ")


# ── who is there ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _epoch_opened(said: Given, _names: Names) -> str:
    before = said.text("previous_epoch")
    return f"started with version {said.text('version')}{'' if before else ', for the first time'}"


def _role(said: Given, _names: Names) -> str:
    kind = "a person" if said.text("kind") == "human" else "an agent"
    role, knows = _then(said.text("role"), ", role "), _list(said.words("expertise"), ", knows ")
    return f"is {said.text('agent_id')}, {kind}{role}{knows}{_then(said.text('reports_to'), ', reports to ')}"


def _capability(said: Given, _names: Names) -> str:
    docker = "with Docker" if said.flag("docker") else "without Docker"
    at_once = f"can run {many(said.count('max_tasks'), 'task')} at once, {docker}"
    return f"{at_once}{_list(said.words('languages'), '; languages ')}{_list(said.words('models'), '; models ')}"


# ── tasks ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _announced(said: Given, _names: Names) -> str:
    spec = said.inner("spec")
    again = " anew" if said.text("retry_of") else ""
    return f"announced the task “{spec.text('title')}”{again}{_for(said)} as {_id(said.text('task_id'))}"


def _completed(said: Given, _names: Names) -> str:
    result = said.inner("result")
    ended, why = (
        result.text("outcome").replace("_", " "),
        result.text("summary") or result.text("detail") or result.text("reason"),
    )
    return f"{ended} {_attempt(said)}{_then(why)}"


def _checked(said: Given, _names: Names) -> str:
    verdict = {"passed": "found it good", "failed": "found it not good", "error": "could not check it"}
    word = said.text("verdict")
    return f"checked {_attempt(said)}: {verdict.get(word, word)}{_then(said.text('detail'))}"


def _steered(said: Given, _names: Names) -> str:
    asks = {"pause": "pause", "resume": "go on", "stop": "stop with what there is"}
    act = said.text("act")
    return f"asks that {_task(said)} {asks.get(act, act)}{_for(said)}{_then(said.text('reason'))}"


def _delivered(said: Given, _names: Names) -> str:
    problem, task = said.text("problem"), _attempt(said)
    if problem:
        return f"could not bring the change of {task} to its repository: {problem}"
    return f"brought the change of {task} to {said.text('ref')}{_then(said.text('where'), ' of ')}"


# ── discussion and coordination ────────────────────────────────────────────────────────────────────────────────────────────


def _word(said: Given, _names: Names) -> str:
    task, intent = said.text("task_id"), said.text("intent")
    where = f"task {_id(task)}" if task else f"thread {said.text('thread_id')}"
    what = {"word": "said", "": "said", "question": "asked", "agreement": "agreed", "response": "answered"}
    return f"{what.get(intent, f'made a {intent}')} in {where}{_for(said)}{_then(_sealed(said, 'message'))}"


def _helped(said: Given, _names: Names) -> str:
    if not said.flag("can_help"):
        return f"cannot help with {_task(said)}{_then(said.text('answer'))}"
    return f"helps with {_task(said)}{_then(said.text('answer'))}"


def _dependency(said: Given, _names: Names) -> str:
    both = said.inner("dependency")
    titles = [side.text("title") or _id(side.text("task_id")) for side in (both.inner("task1"), both.inner("task2"))]
    return (
        f"“{titles[0]}” and “{titles[1]}” depend on each other{_then(both.text('reason') or both.text('relationship'))}"
    )


def _plan(said: Given, _names: Names) -> str:
    steps = [step.text("desc") for step in said.rows("steps")]
    return (
        f"has a plan of {many(len(steps), 'step')} for session {_id(said.text('session_id'))}{_then('; '.join(steps))}"
    )


def _escalated(said: Given, _names: Names) -> str:
    causes = {
        "asked": "a person was asked for", "messages": "too many messages", "time": "it takes too long", "distress": "distress",
        "no_help": "no help came",
    }  # fmt: skip
    cause = said.text("cause")
    where = f"{said.text('subject')} {_id(said.text('subject_id'))}"
    whom = f"a person{_then(said.text('to_role'), ' of the role ')}"
    return f"calls {whom} to {where}, {causes.get(cause, cause)}{_then(said.text('reason'))}"


def _room(said: Given, _names: Names) -> str:
    what = {
        "discussion": "said", "proposal": "proposed", "question": "asked", "answer": "answered", "update": "told", "objection": "objected",
        "agreement": "agreed", "escalation": "called a person", "memo": "noted",
    }  # fmt: skip
    type_ = said.text("type")
    where = f"{said.text('issue_id')}/{said.text('thread_id')}"
    return f"{what.get(type_, type_)} in {where}{_for(said)}{_then(_sealed(said, 'message'))}"


# ── decisions and patches ──────────────────────────────────────────────────────────────────────────────────────────────────


def _proposed(said: Given, _names: Names) -> str:
    title = said.text("title")
    what = f"“{title}”" if title else f"something sealed to {', '.join(said.words('to_roles'))}"
    return f"put to the vote{_for(said)}: {what}{_list(said.words('options'), '; to choose from: ')}"


def _voted(said: Given, _names: Names) -> str:
    final = ", for good" if said.flag("final") else ""
    return f"voted {said.text('choice')}{final}{_for(said)} on {_id(said.text('proposal_id'))}{_then(_sealed(said, 'reasoning'))}"


def _signed_vote(said: Given, _names: Names) -> str:
    final = ", for good" if said.flag("final") else ""
    vote = f"{said.text('choice')}{final} on {_id(said.text('proposal_id'))}"
    return f"brought a signed vote of {said.text('person')}: {vote}{_then(said.text('reasoning'))}"


def _patch(said: Given, _names: Names) -> str:
    anew = f", revision {revision}" if (revision := said.count("revision")) else ""
    lines = f"{many(said.count('file_count'), 'file')}, +{said.count('added')} -{said.count('removed')}"
    where = _then(said.text("repository") or said.text("address"), " of ")
    return f"made the patch “{said.text('title')}”{anew}{where}{_for(said)}: {lines}"


def _reviewed(said: Given, _names: Names) -> str:
    verdicts = {"comment": "commented on", "approve": "approved", "changes": "asks for changes of"}
    verdict, comments = said.text("verdict"), said.rows("comments")
    beside = f", {many(len(comments), 'comment')} at its lines" if comments else ""
    return f"{verdicts.get(verdict, verdict)} patch {_id(said.text('patch_id'))}{beside}{_for(said)}{_then(said.text('text'))}"


def _patch_state(said: Given, _names: Names) -> str:
    where = said.inner("where")
    place = _then(where.text("repository") or where.text("address"), " to ")
    return f"{said.text('state')} patch {_id(said.text('patch_id'))}{place}{_for(said)}{_then(said.text('reason'))}"


# ── roles ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _mentored(said: Given, _names: Names) -> str:
    word = "advises" if said.flag("accepted") else "cannot advise"
    return f"{word}{_then(_id(said.text('task_id')), ' on task ')}{_then(said.text('advice'))}"


def _reported(said: Given, _names: Names) -> str:
    running = said.words("running")
    counts = f"{said.count('done')} done, {said.count('failed')} failed, {len(running)} at work"
    return f"reports {counts}{_list(running, ': ')}{_list(said.words('blockers'), '; held up by ')}"


def _allocated(said: Given, names: Names) -> str:
    return f"gave {_attempt(said)} to {_peer(said.text('worker'), names)}{_then(said.text('reason'))}"


def _called(said: Given, _names: Names) -> str:
    where = f"{said.text('subject') or 'room'} {_id(said.text('subject_id'))}"
    return f"calls {', '.join(said.words('roles'))} into {where}{_then(said.text('invitation'))}"


def _project(said: Given, _names: Names) -> str:
    counts = f"{said.count('open')} open, {said.count('done')} done, {said.count('failed')} failed"
    far = f"project {said.text('project_id')} is {said.text('phase')}, {said.count('completion')} %"
    return f"{far}: {counts}{_list(said.words('blockers'), '; held up by ')}"


# ── keys, context ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _keyring(said: Given) -> str:
    return f"{said.text('keyring')}, version {said.count('version')}"


def _context(said: Given, _names: Names) -> str:
    found = said.rows("nodes")
    return f"knows {many(said.count('known'), 'thing')} about {said.text('context_path')}, tells {len(found)}"


def _settled(said: Given, _names: Names) -> str:
    what = {"consensus": "an agreement", "decision": "a decision", "task": "a task", "patch": "a patch"}
    type_ = said.text("event_type")
    return f"has something to remember of {what.get(type_, type_)}{_then(said.text('consensus') or said.text('context_path'))}"


def _taken(said: Given, _names: Names) -> str:
    word = "remembers" if said.flag("accepted") else "does not remember"
    return f"{word} event {_id(said.text('event_id'))}{_then(said.text('reason'))}"


def _node(said: Given, _names: Names) -> str:
    return f"knows of {said.text('context_path')}{_then(said.inner('node').text('summary'))}"


def _relevance(said: Given, _names: Names) -> str:
    score = said.number("relevance_score") or 0
    return f"found {_id(said.text('node_id'))} of {said.text('context_path')} to be of use: {score:.0%}"


# ── shared texts, contents ─────────────────────────────────────────────────────────────────────────────────────────────────


def _collab(said: Given, _names: Names) -> str:
    whom = (
        ["every member"]
        if said.flag("open")
        else [*said.words("invited"), *(f"role {role}" for role in said.words("roles"))]
    )
    return (
        f"began the shared text “{said.text('title')}”{_for(said)}{_list(whom, ', with ')}{_then(said.text('purpose'))}"
    )


def _piece(said: Given, names: Names) -> str:
    number, pieces = said.count("piece") + 1, said.count("pieces")
    part = f", piece {number} of {pieces}" if pieces > 1 else ""
    whose = said.text("of")
    by = f" that {_peer(whose, names)} wrote" if whose else ""
    return f"changed shared text {_id(said.text('session'))}{by}{part}"


def _collab_ended(said: Given, _names: Names) -> str:
    ends = {"patch": "as a patch", "ucxl": "as content under an address", "nothing": "without a result"}
    outcome = said.text("outcome")
    return f"ended shared text {_id(said.text('session'))}{_for(said)} {ends.get(outcome, outcome)}{_then(said.text('reference'))}"


def _version(said: Given, _names: Names) -> str:
    what = "removed" if said.flag("tombstone") else f"wrote {many(said.count('size'), 'byte')} to"
    sealed = _list(said.words("readers"), ", sealed to ")
    return f"{what} {said.text('place')}{sealed}{_for(said)}{_then(said.text('description'))}"


TELLING: Final[dict[str, Words]] = {
    "epoch_opened": _epoch_opened,
    "goodbye": lambda said, _: f"stopped{_then(said.text('reason'))}",
    "role_announcement": _role,
    "capability_broadcast": _capability,
    "task_announcement": _announced,
    "task_claim": lambda said, _: f"started {_attempt(said)}",
    "task_complete": _completed,
    "task_checked": _checked,
    "task_steering": _steered,
    "deliverable_ready": _delivered,
    "task_cancel_request": lambda said, _: f"asks to cancel {_task(said)}{_then(said.text('reason'))}",
    "meta_discussion": _word,
    "task_help_request": lambda said, _: f"asks for help with {_attempt(said)}{_then(said.text('help_needed'))}",
    "task_help_response": _helped,
    "dependency_alert": _dependency,
    "coordination_request": lambda said, _: (
        f"opened session {_id(said.text('session_id'))}{_then(said.text('objective'))}"
    ),
    "cooee_plan": _plan,
    "coordination_complete": lambda said, _: (
        f"session {_id(said.text('session_id'))} is {said.text('outcome')}{_then(said.text('resolution') or said.text('summary'))}"
    ),
    "escalation_trigger": _escalated,
    "hmmm_message": _room,
    "decision_proposal": _proposed,
    "decision_vote": _voted,
    "signed_vote": _signed_vote,
    "decision_announcement": lambda said, _: f"keeps a record under {said.text('address')}",
    "patch_created": _patch,
    "patch_review": _reviewed,
    "patch_state": _patch_state,
    "expertise_request": lambda said, _: (
        f"asks who knows {', '.join(said.words('expertise'))}{_for(said)}{_then(_sealed(said, 'question'))}"
    ),
    "expertise_response": lambda said, _: (
        f"{'answers' if said.flag('can_help') else 'has no answer'}{_for(said)}{_then(_sealed(said, 'answer'))}"
    ),
    "mentorship_request": lambda said, _: f"asks to be shown how{_for(said)}{_then(said.text('subject'))}",
    "mentorship_response": _mentored,
    "status_update": _reported,
    "work_allocation": _allocated,
    "role_collaboration": _called,
    "project_update": _project,
    "role_key_shared": lambda said, names: f"gave {_peer(said.text('to'), names)} the key of {_keyring(said)}",
    "role_keys_held": lambda said, _: f"holds keys{_list(list(said.inner('keyrings').left), ' of ') or ' of no role'}",
    "key_share": lambda said, names: (
        f"gave {_peer(said.text('to'), names)} word list {said.count('number')} of the key of {_keyring(said)} to keep"
    ),
    "feedback_event": lambda said, _: (
        f"found {said.text('context_path')} {said.text('event')}{_for(said)}{_then(said.text('note'))}"
    ),
    "context_request": lambda said, _: (
        f"asks what is known about {said.text('context_path')}{_then(said.text('query'))}"
    ),
    "context_response": _context,
    "context_usage": lambda said, _: (
        f"was shown {many(len(said.words('nodes')), 'thing')} about {said.text('context_path')}"
    ),
    "context_relevance": _relevance,
    "slurp_event_generated": _settled,
    "slurp_event_ack": _taken,
    "slurp_context_update": _node,
    "collab_session": _collab,
    "collab_update": _piece,
    "collab_snapshot": lambda said, _: (
        f"keeps the whole of shared text {_id(said.text('session'))}, {many(said.count('size'), 'byte')}"
    ),
    "collab_chat": lambda said, _: (
        f"said beside shared text {_id(said.text('session'))}{_for(said)}{_then(said.text('text'))}"
    ),
    "collab_answer": lambda said, _: (
        f"{'takes part in' if said.flag('takes_part') else 'does not take part in'} shared text {_id(said.text('session'))}"
    ),
    "collab_ended": _collab_ended,
    "ucxl_version": _version,
    "fork_evidence": lambda _said, _names: "shows two entries of one author under one number",
}
"""By type of message; the types are those that ``docs/messages.md`` calls kept."""
