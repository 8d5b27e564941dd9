"""Whether anything that was shown was untrue. Pure: a history in, sentences out, none when all was true.

Each check is a function from a history to what it found wrong, and each has a planted lie in its unit test. They know the
promises, not the engine: two that can talk end with the same feeds and log, one admin a term, one accepted result a task,
and what a screen called stored, held, received or decided is so.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from tests.chaos.history import Decided, History, Said

ENDS = {
    "task_accepted": "completed", "task_failed": "failed", "task_cancelled": "cancelled",
    "task_budget_exhausted": "budget_exhausted",
}  # fmt: skip
CONNECTED_PATIENCE_S = 45.0
"""For how long after a cut a screen may still call the other side connected: three time-outs of the keeper."""


def untrue(history: History) -> list[str]:
    """Every lie in the history, in the order of the checks."""
    return [f"{check.__name__}: {found}" for check in CHECKS for found in check(history)]


# ── what the peers hold in the end ─────────────────────────────────────────────────────────────────────────────────────


def broken_export(history: History) -> Iterator[str]:
    """An export that does not verify by itself."""
    for peer, export in history.exports.items():
        yield from (f"{peer[-8:]}: {problem}" for problem in export.problems)


def differing_logs(history: History) -> Iterator[str]:
    """Two logs of one mesh that differ where both have an entry; a member without the whole log of a mesh that stands."""
    all_entries = history.decided()
    ends = Counter(mesh_id for mesh_id, _ in all_entries)
    for peer, export in history.exports.items():
        for log in export.logs.values():
            for entry in log:
                if all_entries[entry.mesh_id, entry.index].hash != entry.hash:
                    yield f"{peer[-8:]} has another entry {entry.index} in mesh {entry.mesh_id[:8]}"
    for mesh_id, members in _standing_meshes(history).items():
        for peer in members & history.exports.keys():
            held = len(history.exports[peer].logs.get(mesh_id, []))
            if held != ends[mesh_id]:
                yield f"{peer[-8:]} has {held} of {ends[mesh_id]} entries of mesh {mesh_id[:8]}"


def differing_feeds(history: History) -> Iterator[str]:
    """Something said that one export holds and another does not."""
    everything = {said.hash: said for export in history.exports.values() for said in export.feeds.values()}
    for peer, export in history.exports.items():
        for digest in sorted(everything.keys() - export.feeds.keys()):
            yield f"{peer[-8:]} lacks {_named(everything[digest])}"


def two_admins(history: History) -> Iterator[str]:
    """Two admins of one term of one mesh, in logs or on screens."""
    leaders: dict[tuple[str, int], set[str]] = defaultdict(set)
    for export in history.exports.values():
        for log in export.logs.values():
            for entry in log:
                if entry.opened_by:
                    leaders[entry.mesh_id, entry.term].add(entry.opened_by)
    for line in history.said("status"):
        admin = line["said"].get("admin")
        if admin and line["said"]["mesh_id"]:
            leaders[line["said"]["mesh_id"], admin["term"]].add(admin["peer_id"])
    for (mesh_id, term), peers in sorted(leaders.items()):
        if len(peers) > 1:
            yield f"term {term} of mesh {mesh_id[:8]} has {len(peers)} admins: {', '.join(p[-8:] for p in sorted(peers))}"


def accepted_twice(history: History) -> Iterator[str]:
    """A task, or it and the one that goes on from it in another mesh, with two accepted results."""
    before = _continued(history)
    accepted: dict[tuple[str, str], list[Decided]] = defaultdict(list)
    for entry in history.standing():
        if entry.type == "task_accepted":
            accepted[_origin((entry.mesh_id, entry.data["task_id"]), before)].append(entry)
    for (_, task_id), entries in sorted(accepted.items()):
        if len(entries) > 1:
            places = ", ".join(f"{entry.mesh_id[:8]}:{entry.index}" for entry in entries)
            yield f"task {task_id} was accepted {len(entries)} times: {places}"


def never_ended(history: History) -> Iterator[str]:
    """A task announced that no log ends, although the mesh had time; one that went on elsewhere counts there."""
    continued = {before for after, before in _continued(history).items()}
    ended = {_task_of(entry) for entry in history.standing() if entry.type in ENDS}
    announced = {
        (said.data["mesh_id"], said.data["task_id"])
        for export in history.exports.values()
        for said in export.feeds.values()
        if said.type == "task_announcement"
    }
    for mesh_id, task_id in sorted(announced - ended - continued):
        yield f"task {task_id} of mesh {mesh_id[:8]} has no end"


# ── what was shown before ──────────────────────────────────────────────────────────────────────────────────────────────


def shown_ended(history: History) -> Iterator[str]:
    """A task shown completed, failed or cancelled, whose log has no such end, or whose accepted result nobody holds."""
    ends = {(_task_of(entry), ENDS[entry.type]) for entry in history.decided().values() if entry.type in ENDS}
    by_id = {(task_id, state) for (_, task_id), state in ends}
    seen: set[tuple[str, str, str]] = set()
    for line, row in _rows(history):
        state, task_id = row["state"], row["task_id"]
        if state not in ENDS.values() or (line["peer"], task_id, state) in seen:
            continue
        known = ((row["mesh_id"], task_id), state) in ends if "mesh_id" in row else (task_id, state) in by_id
        if not known:
            seen.add((line["peer"], task_id, state))
            yield f"{line['peer']} showed task {task_id} {state} at {line['at']:.1f}, and no log says so"


def result_unknown(history: History) -> Iterator[str]:
    """An accepted result that the control log cites and no feed holds."""
    held = {digest for export in history.exports.values() for digest in export.feeds}
    for entry in history.standing():
        if entry.type == "task_accepted" and entry.data["entry"]["hash"] not in held:
            yield f"task {entry.data['task_id']} was accepted for entry {entry.data['entry']['hash'][:12]}, which nobody holds"


def changed_end(history: History) -> Iterator[str]:
    """One screen that showed a task ended and later showed it otherwise."""
    ended: dict[tuple[str, str], str] = {}
    for line, row in _rows(history):
        key = (line["peer"], row["task_id"])
        if key in ended and row["state"] != ended[key]:
            yield f"{line['peer']} showed task {row['task_id']} {ended[key]} and later {row['state']}"
        if row["state"] in ENDS.values():
            ended[key] = row["state"]


def shown_granted(history: History) -> Iterator[str]:
    """An attempt on a screen, with its worker, that no log grants."""
    grants = {
        (*_task_of(entry), entry.data["attempt"], entry.data["worker"])
        for entry in history.decided().values()
        if entry.type == "task_granted"
    }
    shown = {
        (line["said"]["mesh_id"], line["said"]["task_id"], attempt["attempt"], attempt["worker"]): line["peer"]
        for line in history.said("task")
        for attempt in line["said"]["attempts"]
    }
    for key in sorted(shown.keys() - grants):
        yield f"{shown[key]} showed attempt {key[2]} of task {key[1]} at {key[3][-8:]}, and no log grants it"


def shown_decided(history: History) -> Iterator[str]:
    """A control log shown longer than any log is in the end, or an answer naming an entry that is not there."""
    ends = Counter(mesh_id for mesh_id, _ in history.decided())
    mesh_of: dict[str, str] = {}
    longest: dict[tuple[str, str], int] = {}
    for line in history.record:
        said = line["said"]
        if line["what"] == "status" and said["mesh_id"]:
            mesh_of[line["peer"]] = said["mesh_id"]
            key = (line["peer"], said["mesh_id"])
            longest[key] = max(longest.get(key, 0), said["control_index"])
        elif line["what"] == "cli" and line["code"] == 0 and isinstance(said, dict) and "index" in said:
            mesh_id = mesh_of.get(line["peer"], "")
            if said["index"] > ends[mesh_id]:
                yield f"{line['peer']} answered {' '.join(line['command'])} with entry {said['index']}, which no log has"
    for (peer, mesh_id), index in sorted(longest.items()):
        if index > ends[mesh_id]:
            yield f"{peer} showed {index} decisions of mesh {mesh_id[:8]}, of which {ends[mesh_id]} are left"


def stored_and_lost(history: History) -> Iterator[str]:
    """Something a peer called stored, or answered a person for, that its own export lacks."""
    for digest, (author, name, type_) in _shown_stored(history).items():
        export = history.exports.get(author)
        if export is not None and digest not in export.feeds:
            yield f"{name} showed {type_} {digest[:12]} as stored and lost it"
    for line in history.said("cli"):
        said = line["said"]
        if line["code"] == 0 and line["command"][:2] == ["task", "announce"]:
            export = history.exports.get(history.ids[line["peer"]])
            if export is not None and said["task_id"] not in _announced_by(export.feeds, history.ids[line["peer"]]):
                yield f"{line['peer']} took task {said['task_id']} and lost it"


def shown_held(history: History) -> Iterator[str]:
    """A message shown held by more peers than hold it in the end, or received by one that does not."""
    for (name, digest), (held_by, received_by) in _deliveries(history).items():
        author = history.ids[name]
        holders = {peer for peer, export in history.exports.items() if digest in export.feeds and peer != author}
        if held_by > len(holders | history.gone - {author}):
            yield f"{name} showed {digest[:12]} held by {held_by}, and {len(holders)} hold it"
        for peer in sorted(received_by - holders - history.gone):
            yield f"{name} showed {digest[:12]} received by {peer[-8:]}, which does not hold it"


def connected_across_a_cut(history: History) -> Iterator[str]:
    """A peer shown connected although nothing had passed between the two for long."""
    since: dict[frozenset[str], float] = {}
    for line in history.record:
        if line["what"] == "fault":
            _cut_or_healed(line, since)
        elif line["what"] == "peers":
            for peer in line["said"]["peers"]:
                other = next((name for name, known in history.ids.items() if known == peer["peer_id"]), "")
                cut_at = since.get(frozenset({line["peer"], other}))
                long = cut_at is not None and line["at"] - cut_at > CONNECTED_PATIENCE_S
                if long and peer["state"] == "connected":
                    yield f"{line['peer']} showed {other} connected {line['at'] - (cut_at or 0):.0f} s into a cut"


CHECKS: tuple[Callable[[History], Iterator[str]], ...] = (
    broken_export,
    differing_logs,
    differing_feeds,
    two_admins,
    accepted_twice,
    never_ended,
    shown_ended,
    result_unknown,
    changed_end,
    shown_granted,
    shown_decided,
    stored_and_lost,
    shown_held,
    connected_across_a_cut,
)


# ── reading histories ──────────────────────────────────────────────────────────────────────────────────────────────────


def _standing_meshes(history: History) -> dict[str, set[str]]:
    """Members of every mesh that is neither absorbed, given up nor dissolved: a mesh whose members are all elsewhere."""
    members: dict[str, set[str]] = defaultdict(set)
    over = set(history.given_up())
    for entry in sorted(history.standing(), key=lambda entry: entry.index):
        if entry.type == "mesh_founded":
            members[entry.mesh_id].add(entry.data["founder"]["peer_id"])
        elif entry.type == "member_added":
            members[entry.mesh_id].add(entry.data["member"]["peer_id"])
        elif entry.type == "member_retired":
            members[entry.mesh_id].discard(entry.data["peer_id"])
        elif entry.type == "absorbed_by":
            over.add(entry.mesh_id)
    found = {mesh_id: peers for mesh_id, peers in members.items() if mesh_id not in over}
    larger = set().union(*(peers for peers in found.values() if len(peers) > 1))
    return {mesh_id: peers for mesh_id, peers in found.items() if len(peers) > 1 or not peers <= larger}


def _continued(history: History) -> dict[tuple[str, str], tuple[str, str]]:
    """(mesh, task) to the (mesh, task) that it goes on from, as announced."""
    return {
        (said.data["mesh_id"], said.data["task_id"]): (said.data["continues_mesh"], said.data["continues"])
        for export in history.exports.values()
        for said in export.feeds.values()
        if said.type == "task_announcement" and said.data.get("continues")
    }


def _origin(key: tuple[str, str], before: dict[tuple[str, str], tuple[str, str]]) -> tuple[str, str]:
    seen = {key}
    while key in before and before[key] not in seen:
        key = before[key]
        seen.add(key)
    return key


def _task_of(entry: Decided) -> tuple[str, str]:
    return entry.mesh_id, entry.data["task_id"]


def _rows(history: History) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every task on every screen: lines of boards, and single tasks."""
    for line in history.said("tasks", "task"):
        yield from ((line, row) for row in (line["said"]["tasks"] if line["what"] == "tasks" else [line["said"]]))


def _shown_stored(history: History) -> dict[str, tuple[str, str, str]]:
    """Hash to (author, its name, type) of own entries that were shown with a delivery."""
    return {
        entry["hash"]: (entry["author"], line["peer"], entry["type"])
        for line in history.said("journal")
        for entry in line["said"]["entries"]
        if entry["delivery"] and entry["delivery"]["stored"]
    }


def _deliveries(history: History) -> dict[tuple[str, str], tuple[int, set[str]]]:
    """(name, hash) to the most that was ever shown: held by how many, received by whom."""
    found: dict[tuple[str, str], tuple[int, set[str]]] = {}

    def note(key: tuple[str, str], held_by: int, received_by: list[str]) -> None:
        held, received = found.get(key, (0, set()))
        found[key] = (max(held, held_by), received | set(received_by))

    announcements = {
        (said.author, said.data["mesh_id"], said.data["task_id"]): digest
        for export in history.exports.values()
        for digest, said in export.feeds.items()
        if said.type == "task_announcement"
    }
    for line in history.said("journal", "task"):
        if line["what"] == "journal":
            for entry in line["said"]["entries"]:
                if entry["delivery"]:
                    note((line["peer"], entry["hash"]), entry["delivery"]["held_by"], entry["delivery"]["received_by"])
        elif line["said"]["announced_delivery"]:
            key = (history.ids[line["peer"]], line["said"]["mesh_id"], line["said"]["task_id"])
            if key in announcements:
                note((line["peer"], announcements[key]), line["said"]["announced_delivery"]["held_by"], [])
    return found


def _announced_by(feeds: dict[str, Said], author: str) -> set[str]:
    return {
        said.data["task_id"] for said in feeds.values() if (said.type, said.author) == ("task_announcement", author)
    }


def _cut_or_healed(line: dict[str, Any], since: dict[frozenset[str], float]) -> None:
    fault, who = line["said"]["fault"], line["said"]["who"]
    if fault.startswith(("cut", "mend")):
        middle = who.index("|")
        for one, other in itertools.product(who[:middle], who[middle + 1 :]):
            if fault.startswith("cut"):
                since.setdefault(frozenset({one, other}), line["at"])
            else:
                since.pop(frozenset({one, other}), None)
    elif fault == "heal":
        since.clear()


def _named(said: Said) -> str:
    return f"{said.type} {said.author[-8:]} {said.epoch[:8]}:{said.seq}"
