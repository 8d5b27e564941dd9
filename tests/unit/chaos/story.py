"""A small history made by hand: three members, one task, everything true. Tests plant one lie in it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from chorus_tui.engine.protocol import identity
from tests.chaos.history import History, read_export

NAMES = ("ada", "ben", "cleo")
TASK = "01J00000000000000000000000"
TOPIC = "CHORUS/coordination/v1"


class Story:
    """What was said and decided so far; ``exports`` (lines by name) and ``record`` are there to be lied in."""

    def __init__(self) -> None:
        self.keys = {
            name: identity.Identity(bytes([number]) * 32) for number, name in enumerate((*NAMES, "mallory"), 1)
        }
        self.ids = {name: key.peer_id for name, key in self.keys.items()}
        self.exports: dict[str, list[str]] = {name: [] for name in NAMES}
        self.record: list[dict[str, Any]] = []
        self.gone: set[str] = set()
        self._heads: dict[str, tuple[int, str | None]] = {}
        self._ends: dict[str, tuple[int, str]] = {}
        self.mesh = self.found("ada")
        for name in ("ben", "cleo"):
            self.decide("member_added", {"member": {"peer_id": self.ids[name]}})

    def found(self, name: str, *, among: tuple[str, ...] = NAMES, **more: Any) -> str:
        """Another mesh; its id."""
        data = {"founder": {"peer_id": self.ids[name]}, "nonce": "00" * 16, "voters": [self.ids[name]], **more}
        return self._keep(None, 1, None, 1, "mesh_founded", data, name, among)

    def decide(
        self, type_: str, data: dict[str, Any], *, by: str = "ada", term: int = 1, mesh: str = "", among: tuple[str, ...] = NAMES,
    ) -> str:  # fmt: skip
        """One control entry at the end of the log, in the exports of ``among``; its hash."""
        mesh_id = mesh or self.mesh
        index, head = self._ends[mesh_id]
        return self._keep(mesh_id, index + 1, head, term, type_, data, by, among)

    def _keep(
        self, mesh_id: str | None, index: int, prev: str | None, term: int, type_: str, data: dict[str, Any], by: str,
        among: tuple[str, ...],
    ) -> str:  # fmt: skip
        raw = rfc8785.dumps(
            {
                "mesh_id": mesh_id, "term": term, "index": index, "prev": prev, "hlc": f"{index}:0:x", "type": type_,
                "data": data, "request": None,
            }
        )  # fmt: skip
        digest = hashlib.sha256(raw).hexdigest()
        sig = self.keys[by].sign(identity.CONTROL, raw)
        self._ends[mesh_id or digest] = (index, digest)
        for name in among:
            self.exports[name].append(json.dumps({"kind": "control", "entry": raw.decode(), "sig": sig}))
        return digest

    def say(self, author: str, type_: str, data: dict[str, Any], among: tuple[str, ...] = NAMES) -> str:
        """One feed entry, in the exports of ``among``; its hash."""
        seq, prev = self._heads.get(author, (0, None))
        envelope = {"type": type_, "from": self.ids[author], "timestamp": "2026-01-01T00:00:00Z", "data": data}
        body = rfc8785.dumps(envelope)
        place = {"epoch": "0" * 32, "seq": seq, "prev": prev, "hlc": "1:0:x"}
        header = rfc8785.dumps(
            {
                **place, "author": self.ids[author], "topic": TOPIC, "type": type_, "body_size": len(body),
                "body_hash": hashlib.sha256(body).hexdigest(),
            }
        )  # fmt: skip
        digest = hashlib.sha256(header).hexdigest()
        self._heads[author] = (seq + 1, digest)
        sealed = {**envelope, "log": {**place, "sig": self.keys[author].sign(identity.FEED, header)}}
        line = {"kind": "feed", "topic": TOPIC, "envelope": rfc8785.dumps(sealed).decode()}
        for name in among:
            self.exports[name].append(json.dumps(line))
        return digest

    def show(self, peer: str, what: str, said: dict[str, Any], **more: Any) -> None:
        """One line of the record."""
        self.record.append({"at": float(len(self.record)), "peer": peer, "what": what, "said": said, **more})

    def status(self, peer: str, admin: str = "ada", term: int = 1, index: int = 5, mesh: str = "") -> None:
        """A status screen."""
        admin_of = {"peer_id": self.ids[admin], "term": term}
        self.show(peer, "status", {"mesh_id": mesh or self.mesh, "admin": admin_of, "control_index": index})

    def journal(self, peer: str, digest: str, held_by: int, *received_by: str) -> None:
        """An own entry on a peer's journal screen."""
        delivery = {"stored": True, "held_by": held_by, "received_by": [self.ids[name] for name in received_by]}
        entry = {"hash": digest, "author": self.ids[peer], "type": "task_announcement", "delivery": delivery}
        self.show(peer, "journal", {"entries": [entry]})

    def task(self, peer: str, state: str, *, worker: str = "cleo", attempt: int = 1, mesh: str = "") -> None:
        """A task's own screen."""
        attempts = [{"attempt": attempt, "worker": self.ids[worker]}]
        said = {
            "mesh_id": mesh or self.mesh,
            "task_id": TASK,
            "state": state,
            "attempts": attempts,
            "announced_delivery": {},
        }
        self.show(peer, "task", said)

    def history(self) -> History:
        """What the checker reads."""
        exports = {self.ids[name]: read_export(lines) for name, lines in self.exports.items()}
        return History(exports, self.record, self.ids, frozenset(self.ids[name] for name in self.gone))


def announced(story: Story) -> str:
    """Ben announces the task and says so; the entry's hash."""
    digest = story.say("ben", "task_announcement", {"mesh_id": story.mesh, "task_id": TASK})
    story.show("ben", "cli", {"task_id": TASK}, command=["task", "announce"], code=0)
    story.journal("ben", digest, 2, "ada", "cleo")
    return digest


def accepted(story: Story) -> None:
    """Cleo has it done, and the mesh accepts what she says."""
    story.decide("task_granted", {"task_id": TASK, "attempt": 1, "worker": story.ids["cleo"]})
    result = story.say("cleo", "task_complete", {"mesh_id": story.mesh, "task_id": TASK, "attempt": 1})
    story.decide("task_accepted", {"task_id": TASK, "attempt": 1, "entry": {"hash": result}})
    story.status("ben")
    story.task("ben", "running")
    story.task("ben", "completed")
    story.show("ada", "tasks", {"tasks": [{"task_id": TASK, "state": "completed"}]})


def true_story() -> Story:
    """Nothing in it is a lie."""
    story = Story()
    announced(story)
    accepted(story)
    return story
