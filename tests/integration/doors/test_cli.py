"""The commands, as people and scripts run them: real processes against a real API server."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chorus_tui.contract.models.assistance import QuestionList, QuestionView
from chorus_tui.contract.models.blobs import BlobChunk
from chorus_tui.contract.models.journal import ExportPage, JournalPage, Verification
from chorus_tui.contract.models.patches import PatchView
from chorus_tui.contract.models.peers import Invitation, Peer, PeerList
from chorus_tui.contract.models.status import Admin, Check, Status
from chorus_tui.contract.models.task_result import Artifact, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Attempt, OutputChunk, TaskList, TaskRef, TaskView
from tests.integration.doors.served import TASK, refuse, serve
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


STATUS = Status(
    agent_id="me",
    peer_id="p-me",
    kind="human",
    version="0.1.0",
    started_at=1_700_000_000.0,
    addresses=["/ip4/127.0.0.1/tcp/9000"],
    data_dir="/d",
    mesh_id="m1",
    mesh_state="member",
    admin=Admin(agent_id="boss", peer_id="p-b", term=3),
    voters=["p-b"],
    failover="one voter: no failover",
    peers=1,
    members=2,
    tasks={"completed": 1},
    running=0,
    max_tasks=2,
    network="key",
    health="degraded",
    checks=[Check(name="docker", level="failing", detail=HOSTILE)],
)


def test_status_and_peers(tmp_path):
    """Human text neutralises what came from the network; JSON is the model, whole."""
    peer = Peer(peer_id="p-a", agent_id="a", name=HOSTILE, kind="agent", state="connected", member=True, is_admin=True)
    with serve(tmp_path / "d", {"status.show": STATUS, "peers.list": PeerList(peers=[peer])}):
        human = run(tmp_path / "d", "status")
        machine = run(tmp_path / "d", "status", "--json")
        peers = run(tmp_path / "d", "peers")
        raw = run(tmp_path / "d", "peers", "--json")

    assert human.returncode == machine.returncode == peers.returncode == 0, human.stderr
    assert "one voter: no failover" in human.stdout
    assert "boss (term 3)" in human.stdout
    for text in (human.stdout, peers.stdout):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "[bold]markup[/bold]" in text
    assert Status.model_validate_json(machine.stdout) == STATUS
    assert json.loads(raw.stdout)["peers"][0]["name"] == HOSTILE


def test_no_engine(tmp_path):
    """Without an engine: exit 4, one clear text with the line that starts one, and nothing was started."""
    result = run(tmp_path / "d", "status")

    assert result.returncode == 4
    assert "chorus-tui" in result.stderr
    assert "--headless" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("lock", "told", "not_told"),
    [
        ("12 (human, socket /s)\n", "(portal).", "--headless"),
        ("12 (agent, socket /s)\n", "--headless' (agent).", "(portal)"),
        ("", "(portal) or ", "nothing"),
    ],
)
def test_the_way_to_start_an_engine_fits_the_folder(tmp_path, lock, told, not_told):
    """Of a folder on which somebody's engine ran before, only the way that fits is told; of a fresh one both."""
    (tmp_path / "engine.lock").write_text(lock)
    result = run(tmp_path, "status", "--data-dir", str(tmp_path))

    assert result.returncode == 4
    assert told in result.stderr
    assert not_told not in result.stderr
    assert f"--data-dir {tmp_path}" in result.stderr


def test_a_question_that_nobody_answers_in_time_is_said_to_stay_open(tmp_path):
    """With the time that was waited, and where an answer is seen later; exit code 1."""
    asked = QuestionView(request="ab" * 32, kind="expertise", text="How?", by="p-me", name="me", at=1.0)
    answers = {"assistance.ask": asked, "assistance.requests": QuestionList(questions=[asked])}
    with serve(tmp_path / "d", answers):
        result = run(tmp_path / "d", "ask", "How?", "--expertise", "python", "--wait", "0.1")

    assert result.returncode == 1
    assert "no answer in 0.1 s; the question stays open, 'chorus-tui questions --all'" in result.stderr


def test_a_peer_that_takes_no_tasks_is_not_said_to_be_busy(tmp_path):
    """The portal's word for it, and no 0 of 0."""
    idle = Peer(
        peer_id="p-a",
        agent_id="a",
        name="ana",
        kind="human",
        state="connected",
        member=True,
        status="busy",
        running=0,
        max_tasks=0,
    )
    agent = idle.model_copy(update={"name": "ben", "kind": "agent", "max_tasks": 3, "status": "available"})
    with serve(tmp_path / "d", {"peers.list": PeerList(peers=[idle, agent])}):
        lines = run(tmp_path / "d", "peers").stdout.splitlines()

    assert "no tasks" in lines[1]
    assert not {"busy", "0/0"} & set(lines[1].split())
    assert {"available", "0/3"} <= set(lines[2].split())


def test_remote_engine(tmp_path):
    """--attach with a token file reaches an engine over TCP; without one it is a usage error."""
    with serve(tmp_path / "d", {"status.show": STATUS}) as served:
        tokens = str(tmp_path / "d" / "api.tokens")
        inner = run(tmp_path / "none", "status", "--json", "--attach", served.url, "--token-file", tokens)
        outer = run(tmp_path / "none", "--attach", served.url, "--token-file", tokens, "status", "--json")
        without = run(tmp_path / "none", "status", "--attach", served.url)
        read_only = tmp_path / "token"
        read_only.write_text(next(iter(served.tokens.secrets())) + "\n")
        refused = run(tmp_path / "none", "stop", "--attach", served.url, "--token-file", str(read_only))

    assert (inner.returncode, outer.returncode) == (0, 0), inner.stderr + outer.stderr
    assert without.returncode == 2
    assert refused.returncode == 1
    assert "admin" in refused.stderr


def test_announce_from_options_file_and_stdin(tmp_path):
    """A task comes from a file or stdin, options win; a local repository becomes absolute; stdout is the id alone."""
    task = {"title": "from file", "commands": ["true"], "limits": {"cpus": 0.5}, "env": {"A": "1", "B": "1"}}
    (tmp_path / "task.json").write_text(json.dumps(task))
    options = [
        "--title",
        "over",
        "--env",
        "B=2",
        "--memory-mb",
        "64",
        "--repository",
        ".",
        "--output",
        "*.x",
        "--timeout",
        "9",
    ]
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        plain = run(tmp_path / "d", "task", "announce", "--command", "echo hi", "--command", "true")
        first = served.seen[-1][1].spec
        as_json = run(tmp_path / "d", "task", "announce", str(tmp_path / "task.json"), *options, "--json")
        second = served.seen[-1][1].spec
        stdin = run(tmp_path / "d", "task", "announce", "-", stdin=json.dumps({"spec": task}))
        third = served.seen[-1][1].spec

    assert plain.stdout == f"{TASK}\n", plain.stderr
    assert (first.title, first.commands) == ("echo hi", ["echo hi", "true"])
    assert json.loads(as_json.stdout) == {"task_id": TASK}
    assert (second.title, second.env, second.limits.memory_mb, second.limits.cpus) == (
        "over",
        {"A": "1", "B": "2"},
        64,
        0.5,
    )
    assert (second.repository, second.outputs, second.timeout_s) == (str(Path.cwd()), ["*.x"], 9)
    assert stdin.returncode == 0
    assert third == TaskSpec.model_validate(task)


@pytest.mark.parametrize(
    ("arguments", "stdin", "names"),
    [
        (["--title", "x"], None, "commands"),
        (["--command", "true", "--timeout", "0"], None, "timeout_s"),
        (["--command", "true", "--env", "A"], None, "NAME=VALUE"),
        (["-"], "{", "JSON"),
        (["-"], "[]", "object"),
        (["-"], '{"title":"t","commands":["true"],"colour":1}', "colour"),
        (["/nonexistent.json"], None, "nonexistent"),
        (["--command", "true", "--priority", "soon"], None, "priority"),
    ],
)
def test_wrong_announcements(served, arguments, stdin, names):
    """Wrong input is exit 2 and names what is wrong; the engine is not asked."""
    result = run(served.data, "task", "announce", *arguments, stdin=stdin)

    assert result.returncode == 2, result.stderr
    assert names in result.stderr
    assert "Traceback" not in result.stderr
    assert "tasks.announce" not in [name for name, _, _ in served.seen]


@pytest.mark.parametrize(("state", "code"), [("completed", 0), ("failed", 1), ("cancelled", 1), ("running", 3)])
def test_wait_and_announce_wait(tmp_path, state, code):
    """The exit code of 'task wait' says how it ended; 'announce --wait' says the same of an ended task."""
    with serve(tmp_path / "d", {"tasks.wait": view(state), "tasks.announce": TaskRef(task_id=TASK)}):
        waited = run(tmp_path / "d", "task", "wait", TASK, "--timeout", "0", "--json")
        if state != "running":
            announced = run(tmp_path / "d", "task", "announce", "--command", "true", "--wait", "--json")
            assert announced.returncode == code
            assert json.loads(announced.stdout)["task_id"] == TASK

    assert waited.returncode == code
    assert json.loads(waited.stdout)["state"] == state


def test_who_waits_is_told_for_what(tmp_path):
    """On stderr, once for each reason, in the words of the list; stdout stays the task alone. The time that was given ends it with 3."""
    reasons = iter(["", "nobody fits", "nobody fits", "offers are gathered", "", "nobody fits"])
    answers = {
        "tasks.announce": TaskRef(task_id=TASK),
        "tasks.wait": lambda _: (
            view("waiting", waiting_for=why) if (why := next(reasons, None)) is not None else view()
        ),
        "tasks.show": view("waiting", waiting_for="no agent is in reach"),
    }
    with serve(tmp_path / "d", answers):
        waited = run(tmp_path / "d", "task", "announce", "--command", "true", "--wait", "--json")
        left = run(tmp_path / "d", "task", "announce", "--command", "true")
    with serve(tmp_path / "d", {**answers, "tasks.wait": view("waiting", waiting_for="nobody fits")}):
        over = run(tmp_path / "d", "task", "announce", "--command", "true", "--wait-at-most", "0.1")

    assert (waited.returncode, json.loads(waited.stdout)["state"]) == (0, "completed")
    told = [line for line in waited.stderr.splitlines() if "it waits" in line]
    assert told == [f"chorus-tui: it waits: {why}" for why in ("nobody fits", "offers are gathered", "nobody fits")]
    assert (left.returncode, left.stdout, left.stderr) == (
        0,
        f"{TASK}\n",
        "chorus-tui: it waits: no agent is in reach\n",
    )
    assert over.returncode == 3
    assert over.stderr.count("it waits: nobody fits") == 1
    assert f"not ended after 0.1 s; it goes on, 'chorus-tui task wait {TASK}' waits again" in over.stderr


def test_show_list_output(tmp_path):
    """The human views show everything and obey nothing that came from a task."""
    output = [OutputChunk(task_id=TASK, attempt=1, offset=0, text=HOSTILE + "\n", next=40)]
    answers = {
        "tasks.show": view(),
        "tasks.list": TaskList(tasks=[view("running")]),
        "tasks.output": lambda r: (
            output[0] if r.offset == 0 else output[0].model_copy(update={"offset": 40, "text": ""})
        ),
        "tasks.cancel": view("cancelled"),
    }
    with serve(tmp_path / "d", answers):
        commands = (["show", TASK], ["list"], ["output", TASK], ["cancel", TASK])
        results = [run(tmp_path / "d", "task", *arguments) for arguments in commands]

    for result in results:
        assert result.returncode == 0, result.stderr
        assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)
    assert "confirmed" in results[0].stdout
    assert DIGEST in results[0].stdout
    assert "hello" in results[0].stdout
    assert "agent-a" in results[0].stdout


def test_artifacts(tmp_path):
    """Files arrive whole and verified, also on a second run; another file in the way is kept unless forced."""
    to = tmp_path / "out"
    with serve(tmp_path / "d", {"tasks.show": view(), "blobs.read": chunk}):
        first = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to), "--json")
        again = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to))
        content = (to / "sub" / "x.txt").read_bytes()
        (to / "sub" / "x.txt").write_text("mine")
        kept = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to))
        mine = (to / "sub" / "x.txt").read_text()
        forced = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to), "--force")

    assert (first.returncode, again.returncode, kept.returncode, forced.returncode) == (0, 0, 1, 0), first.stderr
    assert content == FILE
    assert mine == "mine"
    assert "--force" in kept.stderr
    assert json.loads(first.stdout)["artifacts"][0]["sha256"] == DIGEST
    assert (to / "sub" / "x.txt").read_bytes() == FILE
    assert [path.name for path in (to / "sub").iterdir()] == ["x.txt"]


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "link/x", "a\0b"])
def test_artifact_paths_stay_inside(tmp_path, path):
    """A path that leads out of the folder, by dots, root or a link, is refused and nothing is written."""
    to, outside = tmp_path / "out", tmp_path / "outside"
    to.mkdir()
    outside.mkdir()
    (to / "link").symlink_to(outside)
    evil = view(
        result=view().result.model_copy(update={"artifacts": [Artifact(path=path, size=len(FILE), sha256=DIGEST)]})
    )
    with serve(tmp_path / "d", {"tasks.show": evil, "blobs.read": chunk}):
        result = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to))

    assert result.returncode == 1
    assert "out of the folder" in result.stderr
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "x").exists()


RUNS = b"[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = touch it-ran; false\n"
REPOSITORIES = {
    "its own folder": [(".git/HEAD", b"ref: refs/heads/x\n"), (".git/config", RUNS), (".git/objects/x", b""), (".git/refs/x", b"")],
    "a folder below": [("a/.git/HEAD", b"ref: refs/heads/x\n"), ("a/.git/config", RUNS), ("a/.git/objects/x", b""), ("a/.git/refs/x", b"")],
    "another case": [("a/.Git/HEAD", b"ref: refs/heads/x\n")],
    "a file that leads to one": [("a/.git", b"gitdir: ../b\n")],
    "none of that name": [("b/config", RUNS), ("b/HEAD", b"ref: refs/heads/x\n"), ("b/objects/x", b""), ("b/refs/x", b"")],
    "the repository that is there": [(".git/commondir", b"x\n"), (".git/x/config", RUNS)],
}  # fmt: skip


@pytest.mark.parametrize("files", REPOSITORIES.values(), ids=REPOSITORIES.keys())
@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "forced"])
def test_an_artifact_is_never_what_git_obeys(tmp_path, files, force):
    """A result that holds a repository, whatever its names and wherever it lies, is refused: git finds no program of it to run."""
    to, contents = tmp_path / "out", {f"sha256:{hashlib.sha256(data).hexdigest()}": data for _, data in files}
    subprocess.run(["git", "init", "--quiet", str(to)], check=True)
    made = [Artifact(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest()) for path, data in files]
    evil = view(result=view().result.model_copy(update={"artifacts": made}))

    def piece(request):
        data = contents[request.digest]
        given = base64.b64encode(data[request.offset :]).decode()
        return BlobChunk(digest=request.digest, size=len(data), offset=request.offset, data=given)

    with serve(tmp_path / "d", {"tasks.show": evil, "blobs.read": piece}):
        result = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(to), *force)
    for folder in (to, *(one for one in to.rglob("*") if one.is_dir())):
        subprocess.run(["git", "status"], cwd=folder, check=False, capture_output=True)

    assert not list(tmp_path.rglob("it-ran"))
    assert (result.returncode, "obeyed by git" in result.stderr) == (1, True), result.stderr


def test_damaged_artifact(tmp_path):
    """Content that is not what the result promised is refused, and no part of it stays."""
    lie = view(
        result=view().result.model_copy(update={"artifacts": [Artifact(path="x", size=len(FILE), sha256="0" * 64)]})
    )
    with serve(tmp_path / "d", {"tasks.show": lie, "blobs.read": chunk}):
        result = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(tmp_path / "out"))

    assert result.returncode == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_journal(tmp_path):
    """Export follows the cursor to the end and writes lines as stored; verify's exit code is its finding."""
    pages = {None: ExportPage(lines=['{"n":1}', '{"n":2}'], next="c"), "c": ExportPage(lines=['{"n":3}'], next=None)}
    found = Verification(ok=False, feeds=1, entries=3, control_entries=0, problems=["entry 3: signature"])
    answers = {
        "journal.export": lambda request: pages[request.after],
        "journal.verify": found,
        "journal.tail": JournalPage(entries=[]),
    }
    with serve(tmp_path / "d", answers):
        out = run(tmp_path / "d", "journal", "export")
        file = run(tmp_path / "d", "journal", "export", "--to", str(tmp_path / "j.jsonl"))
        verify = run(tmp_path / "d", "journal", "verify")
        tail = run(tmp_path / "d", "journal", "tail", "--json")

    assert out.stdout.splitlines()[:3] == ['{"n":1}', '{"n":2}', '{"n":3}']
    end = {"kind": "end", "lines": 3, "sha256": hashlib.sha256(b'{"n":1}\n{"n":2}\n{"n":3}\n').hexdigest()}
    assert [json.loads(line) for line in out.stdout.splitlines()[3:]] == [end]
    assert (tmp_path / "j.jsonl").read_text() == out.stdout, file.stderr
    assert verify.returncode == 1
    assert "signature" in verify.stdout
    assert json.loads(tail.stdout) == {"entries": [], "next": None}


def test_network_commands(tmp_path):
    """An invitation is lines a shell can take; connect and stop ask the engine."""
    peer = Peer(peer_id="p-a", agent_id="a", name="a", kind="agent", state="connected", member=False)
    invitation = Invitation(
        addresses=[], network="key", environment={"CHORUS_NETWORK_KEY": "a b$c"}, note="until restart"
    )
    with serve(tmp_path / "d", {"network.invite": invitation, "peers.connect": peer}) as served:
        invite = run(tmp_path / "d", "invite")
        connect = run(tmp_path / "d", "connect", "/ip4/127.0.0.1/tcp/9000")
        stop = run(tmp_path / "d", "stop", "--drain", "3")
        asked = [request for name, request, _ in served.seen if name == "engine.stop"]

    assert invite.stdout == "export CHORUS_NETWORK_KEY='a b$c'\n"
    assert connect.stdout == "a: connected\n", connect.stderr
    assert stop.returncode == 0
    assert asked[0].drain_s == 3


@pytest.mark.parametrize(("state", "submits"), [("draft", True), ("in_review", True), ("rejected", False)])
def test_a_patch_that_is_not_submitted_names_the_command_that_submits_it(tmp_path, state, submits):
    """Where that is the way on; nothing is applied."""
    patch = PatchView.model_validate(
        {
            "key": f"m/{TASK}", "patch_id": TASK, "entry": "0" * 64, "title": "t", "kind": "code", "state": state, "author": "p-me",
            "author_name": "me", "made_at": 1.0, "changed_at": 1.0, "mesh_id": "m", "digest": "sha256:0", "may": [],
            "files": 0, "added": 0, "removed": 0, "size": 0, "names": [], "reviews": [], "applied": [], "revisions": [],
        }
    )  # fmt: skip
    with serve(tmp_path / "d", {"patches.show": patch}):
        result = run(tmp_path / "d", "patch", "apply", TASK[:8])

    assert result.returncode == 1
    assert f"the patch is {state.replace('_', ' ')}" in result.stderr
    assert (f"chorus-tui patch submit {TASK}" in result.stderr) == submits


def test_refusal(tmp_path):
    """A refusal is exit 1 with the engine's own words, control characters neutralised."""
    with serve(tmp_path / "d", {"tasks.show": refuse(404, "not-found", f"No task {HOSTILE}")}):
        result = run(tmp_path / "d", "task", "show", TASK)

    assert result.returncode == 1
    assert "No task" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "kind", "status"),
    [
        (["task", "show", TASK], 1, "not-found", 404),
        (["task", "show", "no id"], 2, "invalid", 422),
        (["task", "cancel", TASK], 2, "invalid", 422),
        (["task", "diff", TASK[:5]], 1, "not-found", 404),
        (["--data-dir", "/nonexistent", "status"], 4, "no-engine", 503),
    ],
)
def test_a_refusal_can_be_read_by_programs(tmp_path, arguments, code, kind, status):
    """With --json it is one line of JSON on stderr, as the API gives it; stdout holds no answer, the exit code is the same as without."""
    answers = {
        "tasks.show": refuse(404, "not-found", f"No task {HOSTILE}"),
        "tasks.cancel": refuse(422, "invalid", "The request is not valid"),
    }
    with serve(tmp_path / "d", answers):
        machine = run(tmp_path / "d", *arguments, "--json")
        human = run(tmp_path / "d", *arguments)

    assert machine.returncode == human.returncode == code
    assert machine.stdout == human.stdout == ""
    problem = json.loads(machine.stderr)
    assert (problem["type"], problem["status"]) == (f"urn:chorus:problem:{kind}", status)
    assert "\x1b" not in machine.stderr
    assert human.stderr.startswith("chorus-tui: ")


def test_what_is_not_there_yet_can_be_read_by_programs_too(tmp_path):
    """A task without a result: the command's own refusal is a problem as well, with the task's whole id."""
    with serve(tmp_path / "d", {"tasks.show": view("running")}):
        found = [
            run(tmp_path / "d", "task", *words, "--json")
            for words in (["diff", TASK[:4]], ["transcript", TASK], ["artifacts", TASK, "--to", "x"])
        ]

    assert [result.returncode for result in found] == [1, 1, 1]
    assert all(TASK in json.loads(result.stderr)["title"] for result in found)


def test_broken_pipe(tmp_path):
    """A reader that has seen enough ends the command quietly."""
    many = ExportPage(lines=['{"line":"' + "x" * 900 + '"}'] * 2000, next=None)
    with serve(tmp_path / "d", {"journal.export": many}):
        command = f"{sys.executable} -m chorus_tui journal export --data-dir {tmp_path / 'd'} | head -1"
        result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=240, check=False)

    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def at_home(home, *arguments):
    """``chorus-tui`` without a word on which engine, in a user's own folders below ``home``."""
    environment = {name: value for name, value in os.environ.items() if name != "CHORUS_DATA_DIR"}
    return warm.command(list(arguments), {**environment, "XDG_DATA_HOME": str(home)}, "", 60)


def test_a_person_is_not_made_to_speak_as_the_agent(tmp_path):
    """While a person's own engine does not run, the agent's tells what it knows, and says so; nothing is done in its name. Where there
    is no person, or the agent is meant, it acts."""
    agent, human = tmp_path / "chorus-tui/agent", tmp_path / "chorus-tui/human"
    with serve(agent, {"status.show": STATUS, "tasks.cancel": view("cancelled")}) as served:
        alone = at_home(tmp_path, "task", "cancel", TASK)
        human.mkdir()
        told = at_home(tmp_path, "status", "--json")
        refused = at_home(tmp_path, "task", "cancel", TASK)
        meant = at_home(tmp_path, "task", "cancel", TASK, "--data-dir", str(agent))

    assert (alone.returncode, alone.stderr, meant.returncode, meant.stderr) == (0, "", 0, "")
    assert (told.returncode, json.loads(told.stdout)["agent_id"]) == (0, "me")
    assert told.stderr == "chorus-tui: Your own engine does not run; this is what me (agent) knows.\n"
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "Nothing was done" in refused.stderr
    assert f"--data-dir {agent}" in refused.stderr
    assert [name for name, _, _ in served.seen].count("tasks.cancel") == 2
