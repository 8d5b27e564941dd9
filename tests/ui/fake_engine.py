"""A scripted engine for the portal's tests: real contract models, two methods, no network."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from pydantic import BaseModel

from chorus_tui.client import Batch, Connection, EngineGone
from chorus_tui.contract import CONTRACT_VERSION
from chorus_tui.contract.events import Event
from chorus_tui.contract.models import (
    blobs,
    collab,
    decisions,
    election,
    hmmm,
    inbox,
    patches,
    peers,
    portals,
    slurp,
    status,
    task_result,
    task_spec,
    tasks,
    ucxl,
)
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.journal import Delivery
from chorus_tui.contract.problem import Problem

NOW = 1_790_000_000.0
SAID = hmmm.Said(
    issue_id="shop", thread_id="t1", msg_id="5a1d" * 6, hash="0" * 64, delivery=Delivery(stored=True, sent=True)
)
IDS = ["12D3KooW" + name * 11 for name in ("Ada1", "Grac", "Linu", "You1")]


def spec(**fields: Any) -> task_spec.TaskSpec:
    return task_spec.TaskSpec(
        **{"title": "Run the tests of total", "commands": ["python3 -m unittest -v test_total"], **fields}
    )


def checks(level: str, told: str, log: tuple[str, str] = ("healthy", "term 1, 17 entries")) -> list[dict[str, str]]:
    return [
        {"name": "peers", "level": level, "detail": told},
        {"name": "control log", "level": log[0], "detail": log[1]},
        {"name": "Docker", "level": "healthy", "detail": "20.10.24; images: base, python"},
    ]


def a_status(**fields: Any) -> status.Status:
    base: dict[str, Any] = {
        "agent_id": "you", "peer_id": IDS[3], "kind": "human", "version": "0.1.0", "started_at": NOW - 300,
        "addresses": ["/ip4/127.0.0.1/tcp/9000"], "data_dir": "/data", "authority": "master", "license": "development",
        "mesh_id": "3efb9b9c" * 8, "mesh_state": "member", "admin": {"agent_id": "ada", "peer_id": IDS[0], "term": 1},
        "voters": [IDS[0]], "failover": "one voter: no failover", "peers": 3, "members": 4,
        "tasks": {"completed": 1, "failed": 1, "running": 1}, "running": 0, "max_tasks": 0, "network": "key",
        "health": "healthy", "feed_entries": 42, "control_index": 17,
        "rates": [
            {"name": "heard", "every_s": 15, "per_second": [0, 0.4, 1.2, 3.6, 2.2, 1.8, 2.4, 1.1, 0.8, 3.1, 4.4, 2.6, 1.2, 1.6, 2.2, 1.4]},
            {"name": "said", "every_s": 15, "per_second": [0, 0.1, 0.3, 0.5, 0.2, 0.2, 0.1, 0.1, 0.4, 0.3, 0.3, 0.2, 0.1, 0.2, 0.2, 0.1]},
            {"name": "entries", "every_s": 15, "per_second": [0, 0, 0.5, 1.1, 0.2, 0, 0, 0, 0, 0.6, 0.9, 0.2, 0, 0, 0, 0]},
        ],
        "checks": checks("healthy", "3 connected"),
        "models": [
            {"name": "ollama", "endpoint": "http://127.0.0.1:11434", "model": "qwen2.5-coder:7b", "state": "ok", "asked": 3,
             "tokens": 1234},
        ],
    }  # fmt: skip
    return status.Status.model_validate({**base, **fields})


def some_waiting() -> list[inbox.InboxItem]:
    """One of each kind of answer: a choice, a choice with words, words."""
    return [
        inbox.InboxItem(
            item_id="approval:01ARZ3NDEKTSV4RRFFQ69G5FA4", kind="approval", subject_id="01ARZ3NDEKTSV4RRFFQ69G5FA4",
            title="Publish the package", purpose="may it run? approval 0 of 2: its sandbox is let out to hosts (registry.example)",
            priority="urgent", since=NOW - 400, expires_at=NOW + 1800, asked_by=IDS[0], asked_by_name="ada",
            choices=["approve", "deny"], command="chorus-tui task approve 01ARZ3NDEKTSV4RRFFQ69G5FA4",
        ),
        inbox.InboxItem(
            item_id="vote:01ARZ3NDEKTSV4RRFFQ69G5FB7", kind="vote", subject_id="01ARZ3NDEKTSV4RRFFQ69G5FB7",
            title="Keep the old wire format for a year", purpose="your vote, 2 of 5 have voted", priority="high", since=NOW - 50,
            expires_at=NOW + 45, asked_by=IDS[1], asked_by_name="grace", choices=["approve", "reject", "abstain"],
            command="chorus-tui decide vote 01ARZ3NDEKTSV4RRFFQ69G5FB7 CHOICE",
        ),
        inbox.InboxItem(
            item_id="escalation:thread-7", kind="escalation", subject_id="thread-7", title="Which parser?",
            purpose="ten messages without agreement; a word of yours ends it", since=NOW - 86_400, asked_by=IDS[2],
            asked_by_name="linus", words="needed", command="chorus-tui hmmm reply thread-7 TEXT",
        ),
    ]  # fmt: skip


def some_peers() -> list[peers.Peer]:
    made = [
        peers.Peer(
            peer_id=IDS[3],
            agent_id="you",
            name="you",
            kind="human",
            state="connected",
            member=True,
            is_self=True,
            max_tasks=0,
        )
    ]
    for n, name in enumerate(("ada", "grace", "linus")):
        made.append(
            peers.Peer(
                peer_id=IDS[n], agent_id=name, name=name, kind="agent", role="developer", member=True, is_admin=n == 0,
                state="connected" if n < 2 else "suspect", latency_ms=1.0 + n, running=n % 2, max_tasks=3, status="working" if n % 2 else "ready",
                addresses=[f"/ip4/127.0.0.1/tcp/{9001 + n}"], since=NOW - 60 * (n + 1),
            )
        )  # fmt: skip
    return made


def some_tasks() -> list[tasks.TaskView]:
    result = task_result.TaskResult(
        outcome="completed", exit_code=0, output_tail="ok\n", phases={"running": 1.25},
        artifacts=[task_result.Artifact(path="lines.txt", size=83, sha256="ab" * 32)],
    )  # fmt: skip
    rows = [
        ("01ARZ3NDEKTSV4RRFFQ69G5FA1", "Run the tests of total", "completed", result, 30),
        ("01ARZ3NDEKTSV4RRFFQ69G5FA2", "Run the tests of share", "failed", result.model_copy(update={"outcome": "failed", "exit_code": 1, "artifacts": []}), 20),
        ("01ARZ3NDEKTSV4RRFFQ69G5FA3", "Build the documentation", "running", None, 10),
        ("01ARZ3NDEKTSV4RRFFQ69G5FA4", "Wait for a GPU", "waiting", None, 5),
    ]  # fmt: skip
    made = []
    for n, (task_id, title, state, outcome, age) in enumerate(rows):
        held = state != "waiting"
        ended = "accepted" if state == "completed" else "failed" if state == "failed" else ""
        attempts = (
            [
                tasks.Attempt(
                    attempt=1,
                    worker=IDS[n % 3],
                    worker_name=("ada", "grace", "linus")[n % 3],
                    granted_at=NOW - age,
                    ended=ended,
                    result=outcome,
                )
            ]
            if held
            else []
        )
        made.append(
            tasks.TaskView(
                task_id=task_id, title=title, state=state, announcer=IDS[3], announcer_name="you", announced_at=NOW - age,  # type: ignore[arg-type]
                priority="medium", holder=IDS[n % 3] if held else "", holder_name=("ada", "grace", "linus")[n % 3] if held else "",
                attempt=len(attempts), seconds=float(age) if held else None, spec=spec(title=title), mesh_id="3efb9b9c" * 8,
                attempts=attempts, result=outcome, confirmed=bool(ended),
                detail={"waiting": "no agent in reach has the role gpu", "failed": "command 1 of 1 ended with exit code 1"}.get(state, ""),
                announced_delivery={"stored": True, "sent": True, "held_by": 3},
            )
        )  # fmt: skip
    return made


NO_PLACES = ucxl.PlaceList(places=[], total=0)


LEARNED = slurp.ContextRow(
    node_id="a1" * 32, path="shop/api", kind="decision", summary="Use PostgreSQL (passed: approve)", by=IDS[0], by_name="ada",
    at=NOW - 60, relevance=1.0, standing=0.67, used=2, influence=0.0, staleness=0.11, purpose="for its transactions",
    sources=["ucxl://ada:member@shop:api/*^/decisions/01J"], confidence=0.5,
)  # fmt: skip
EARLIER = slurp.ContextRow(
    node_id="b2" * 32, path="shop", kind="task", summary="measure stores: PostgreSQL keeps up", by=IDS[1], by_name="ben", at=NOW - 90,
    relevance=1.0, standing=0.67, used=1,
)  # fmt: skip


def a_hello(**fields: Any) -> status.Hello:
    """How the engine of :func:`a_status` greets."""
    base = {
        "contract": CONTRACT_VERSION,
        "version": "0.1.0",
        "agent_id": "you",
        "peer_id": IDS[3],
        "kind": "human",
        "pid": 1,
        "data_dir": "/data",
    }
    return status.Hello.model_validate({**base, **fields})


class FakeEngine:
    """``calls`` records every call; ``problems`` answers an operation with a problem; ``gone`` cuts the engine off."""

    def __init__(self, *, empty: bool = False) -> None:
        self.connection = Connection("connected", NOW)
        self.on_connection: Any = None
        self.hello = None
        self.status = (
            a_status(
                mesh_state="provisional",
                peers=0,
                members=1,
                tasks={},
                models=[],
                voters=[IDS[3]],
                health="degraded",
                admin={"agent_id": "you", "peer_id": IDS[3], "term": 1},
                checks=checks("degraded", "no other peer is connected"),
            )
            if empty
            else a_status()
        )
        self.peers = some_peers()[:1] if empty else some_peers()
        self.inbox: list[inbox.InboxItem] = []
        self.decisions: list[decisions.DecisionView] = []
        self.persons = election.PersonList(mesh_id=None, persons=[])
        self.patches: list[patches.PatchView] = []
        self.preview = patches.PatchPreview(files=[], added=0, removed=0)
        self.tasks = {} if empty else {task.task_id: task for task in some_tasks()}
        self.rooms: dict[str, hmmm.ThreadView] = {}
        self.templates = hmmm.Templates()
        self.contents: Any = None
        """Answers the operations of contents, when there are some."""
        self.output = "first line\nsecond line\n"
        self.blobs: dict[str, bytes] = {}
        self.hops = slurp.ContextHops(node=LEARNED, builds_on=[[EARLIER]], led_to=[])
        self.portals: list[portals.ServedPortal] = []
        self.calls: list[tuple[str, Any]] = []
        self.problems: dict[str, Problem] = {}
        self.gone = False
        self._streams: list[tuple[frozenset[str], asyncio.Queue[Batch]]] = []
        self._seq = 0

    async def call(self, operation: str, request: BaseModel | None = None) -> Any:
        self.calls.append((operation, request))
        if self.gone:
            raise EngineGone("No engine answers")
        if operation in self.problems:
            raise self.problems[operation]
        asked: Any = request
        answers = {
            "status.show": lambda: self.status,
            "peers.list": lambda: peers.PeerList(peers=self.peers),
            "inbox.list": lambda: inbox.Inbox(inbox=self.inbox),
            "collab.list": lambda: collab.CollabList(collabs=[]),
            "decisions.list": lambda: decisions.DecisionList(decisions=self.decisions),
            "decisions.show": lambda: next(one for one in self.decisions if one.decision_id == asked.decision_id),
            "decisions.propose": lambda: decisions.Proposed(decision_id="01ARZ3NDEKTSV4RRFFQ69G5FC9"),
            "members.persons": lambda: self.persons,
            "patches.list": lambda: patches.PatchList(patches=self.patches),
            "patches.show": lambda: next(one for one in self.patches if one.patch_id == asked.patch_id),
            "patches.diff": lambda: self._diff(asked),
            "patches.stage": lambda: patches.Staged(
                staged="ab" * 16, size=asked.offset + len(base64.b64decode(asked.data))
            ),
            "patches.preview": lambda: self.preview.model_copy(update={"title": asked.title, "message": asked.message}),
            "patches.create": lambda: self.patches[0],
            "tasks.list": lambda: tasks.TaskList(tasks=[self.row(task) for task in self.tasks.values()]),
            "tasks.show": lambda: self.tasks[asked.task_id],
            "tasks.output": lambda: tasks.OutputChunk(
                task_id=asked.task_id, attempt=1, offset=0, text=self.output, next=len(self.output)
            ),
            "tasks.announce": lambda: tasks.TaskRef(task_id="01ARZ3NDEKTSV4RRFFQ69G5FA9"),
            "tasks.cancel": lambda: self.tasks[asked.task_id],
            "blobs.read": lambda: self._chunk(asked),
            "peers.connect": lambda: self.peers[0],
            "hmmm.rooms": lambda: hmmm.RoomList(threads=[view.row for view in self.rooms.values()]),
            "hmmm.show": lambda: self.rooms[f"{asked.issue_id}/{asked.thread_id}"],
            "hmmm.preview": lambda: hmmm.Previewed(message=asked.message, reasoning=asked.reasoning),
            "hmmm.templates": lambda: self.templates,
            "slurp.show": lambda: self.hops,
            "web.show": lambda: portals.PortalList(portals=self.portals),
            "web.invite": lambda: portals.PortalUrl(url="http://127.0.0.1:8090/?token=" + "x" * 32, expires_s=600),
            **dict.fromkeys(("hmmm.send", "hmmm.query", "hmmm.propose", "hmmm.reply"), lambda: SAID),
        }
        if operation.startswith("ucxl."):
            return (
                self.contents(operation, asked)
                if self.contents
                else Empty()
                if operation != "ucxl.places"
                else NO_PLACES
            )
        return answers.get(operation, Empty)()

    def keep(self, data: bytes) -> str:
        """Hold a blob; its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return digest

    def _chunk(self, asked: blobs.ReadBlob) -> blobs.BlobChunk:
        data = self.blobs[asked.digest]
        piece = base64.b64encode(data[asked.offset : asked.offset + 1000]).decode()
        return blobs.BlobChunk(digest=asked.digest, size=len(data), offset=asked.offset, data=piece)

    def _diff(self, asked: patches.ReadDiff) -> patches.DiffChunk:
        view = next(one for one in self.patches if one.patch_id == asked.patch_id)
        data = self.blobs[view.digest]
        piece = base64.b64encode(data[asked.offset : asked.offset + 1000]).decode()
        return patches.DiffChunk(
            patch_id=view.patch_id, revision=0, digest=view.digest, size=len(data), offset=asked.offset, data=piece
        )

    @staticmethod
    def row(task: tasks.TaskView) -> tasks.TaskRow:
        return tasks.TaskRow.model_validate(task.model_dump())

    async def events(self, topics: Iterable[str]) -> AsyncIterator[Batch]:
        queue: asyncio.Queue[Batch] = asyncio.Queue()
        self._streams.append((frozenset(topics), queue))
        yield Batch([], 0, fresh=True)
        while True:
            yield await queue.get()

    def say(self, topic: str, key: str | None, data: Any, *, dropped: int = 0) -> None:
        """Publish one event to whoever follows the topic."""
        self._seq += 1
        for topics, queue in self._streams:
            if topic in topics:
                queue.put_nowait(Batch([Event(self._seq, topic, key, data)], dropped))

    def say_many(self, topic: str, items: list[Any]) -> None:
        """One batch of many lines."""
        events = []
        for data in items:
            self._seq += 1
            events.append(Event(self._seq, topic, None, data))
        for topics, queue in self._streams:
            if topic in topics:
                queue.put_nowait(Batch(events, 0))

    def connect_state(self, state: Any, detail: str = "") -> None:
        self.connection = Connection(state, NOW, detail)
        if self.on_connection:
            self.on_connection(self.connection)

    async def close(self) -> None:
        self.gone = True
