"""Asking an engine by the command line, and the task that it shows."""

import base64
import hashlib
import os

from chorus_tui.contract.models.blobs import BlobChunk
from chorus_tui.contract.models.task_result import Artifact, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Attempt, TaskView
from tests.integration.doors.served import TASK
from tests.support import warm

FILE = b"what the task made\n"
DIGEST = hashlib.sha256(FILE).hexdigest()
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]markup[/bold] \u202eabc"


def run(data, *arguments, stdin=None, env=None):
    """``chorus-tui`` with ``arguments`` on the engine of ``data``."""
    return warm.command(list(arguments), {**os.environ, "CHORUS_DATA_DIR": str(data), **(env or {})}, stdin or "", 60)


def view(state="completed", **changes):
    """A task as the engine shows it."""
    result = TaskResult(
        outcome="completed" if state == "completed" else "failed",
        exit_code=0,
        output_tail=f"hello\n{HOSTILE}\n",
        output_bytes=12,
        artifacts=[Artifact(path="sub/x.txt", size=len(FILE), sha256=DIGEST)],
    )
    ended = state in {"completed", "failed"}
    fields = {
        "task_id": TASK,
        "title": HOSTILE,
        "state": state,
        "priority": "medium",
        "announcer": "p-me",
        "announcer_name": "me",
        "announced_at": 1_700_000_000.0,
        "spec": TaskSpec(title="t", commands=["echo hi"]),
        "mesh_id": "m",
        "attempts": [
            Attempt(attempt=1, worker="p-a", worker_name="agent-a", granted_at=1_700_000_001.0, ended="accepted")
        ],
        "result": result if ended else None,
        "confirmed": ended,
        "announced_delivery": {"stored": True, "sent": True, "held_by": 2},
    }
    return TaskView(**{**fields, **changes})


def chunk(request):
    """Seven bytes of the file, from where the request begins."""
    data = FILE[request.offset : request.offset + 7]
    return BlobChunk(digest=request.digest, size=len(FILE), offset=request.offset, data=base64.b64encode(data).decode())
