"""The commands of tasks, as people and scripts run them: real processes against a real API server."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from chorus_tui.contract.models.blobs import BlobChunk
from chorus_tui.contract.models.task_result import Artifact
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import OutputChunk, TaskList, TaskRef
from tests.integration.doors.asking import DIGEST, FILE, HOSTILE, chunk, run, view
from tests.integration.doors.served import TASK, serve


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


@pytest.mark.parametrize(("complete", "told"), [(True, ""), (False, "nobody in reach has it")])
def test_following_output_ends_with_the_task(tmp_path, complete, told):
    """When nothing more comes, and when what was kept is out of reach, which is said."""
    silent = OutputChunk(task_id=TASK, attempt=1, offset=0, text="", next=0, complete=complete)
    with serve(tmp_path / "d", {"tasks.output": silent, "tasks.show": view("cancelled")}):
        followed = run(tmp_path / "d", "task", "output", TASK, "--follow")

    assert (followed.returncode == 0, followed.stdout) == (complete, "")
    assert told in followed.stderr


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
