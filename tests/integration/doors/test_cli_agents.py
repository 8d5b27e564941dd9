"""The commands for goals, steering and what came of them: real processes against a real API server."""

import base64
import hashlib
import json
import os
import pty
import re
import subprocess
import sys

import pytest

from chorus_tui.contract.models.blobs import BlobChunk
from chorus_tui.contract.models.collab import CollabRow, CollabView
from chorus_tui.contract.models.journal import ExportPage
from chorus_tui.contract.models.task_result import Artifact, Change, CommandResult, Spent, TaskResult
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import Delivered, TaskRef, TaskWord, Verification
from tests.integration.doors.asking import HOSTILE, run, view
from tests.integration.doors.served import TASK, refuse, serve

PATCH = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\x1b[2Jold \xff\n+new\r\n"
STEPS = (
    '{"at":1.0,"step":0,"kind":"goal","text":"mend it"}\n'
    + json.dumps({"at": 2.0, "step": 1, "kind": "answer", "text": json.dumps({"thought": HOSTILE, "action": "shell", "input": "ls"})})
    + "\n"
).encode()  # fmt: skip
SUB = "01ARZ3NDEKTSV4RRFFQ69G5FAW"


def digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blobs(*known):
    """Answers for ``blobs.read``, nine bytes at a time."""
    held = {digest(data): data for data in known}

    def answer(request):
        data = held[request.digest]
        piece = base64.b64encode(data[request.offset : request.offset + 9]).decode()
        return BlobChunk(digest=request.digest, size=len(data), offset=request.offset, data=piece)

    return answer


CHANGE = Change(
    base="a" * 40,
    patch=digest(PATCH),
    size=len(PATCH),
    files=2,
    insertions=1,
    deletions=1,
    names=["x"],
    left_out="y: too big",
)
SPEC = TaskSpec(
    title="Mend",
    goal="make the tests pass",
    checks=["true", "pytest -q"],
    repository="/r",
    parent=SUB,
    budget={"steps": 9},
)
RESULT = TaskResult(
    outcome="completed", summary="mended the sum", change=CHANGE, model="ollama/small", transcript=digest(STEPS),
    spent=Spent(steps=3, prompt_tokens=4000, answer_tokens=210, seconds=35),
)  # fmt: skip


def agents(state="completed", **changes):
    """A task an agent worked on, as the engine shows it."""
    fields = {
        "spec": SPEC, "result": RESULT, "spent": RESULT.spent, "subtasks": [SUB],
        "verification": Verification(
            state="failed", by="p-g", by_name="grace", output_tail="1 failed\n",
            checks=[CommandResult(command="true", exit_code=0, seconds=0.1), CommandResult(command="pytest -q", exit_code=1, seconds=2)],
        ),
        "words": [TaskWord(by="p-me", name="me", at=1.0, kind="word", text=f"use sum\n{HOSTILE}"), TaskWord(by="p-a", name="ada", at=2.0, kind="help", text="which?", attempt=1)],
        "delivered": [Delivered(by="p-a", name="ada", at=3.0, where="https://h/r", ref="chorus/x", commit="c" * 40)],
    }  # fmt: skip
    return view(state, **{**fields, **changes})


def test_announcing_a_goal(tmp_path):
    """Goal, kind, checks, delivery and budget arrive as given; the title is the goal's first line; the file's budget stays."""
    file = tmp_path / "task.json"
    file.write_text(json.dumps({"title": "t", "goal": "g", "budget": {"steps": 5, "tokens": 900}}))
    options = ["--goal", "Mend it\nall of it", "--kind", "code", "--check", "a", "--check", "b", "--deliver", "bundle"]
    with serve(tmp_path / "d", {"tasks.announce": TaskRef(task_id=TASK)}) as served:
        first = run(tmp_path / "d", "task", "announce", *options, "--steps", "7", "--containers", "2", "--depth", "0")
        asked = served.seen[-1][1].spec
        run(tmp_path / "d", "task", "announce", str(file), "--tokens", "1000", "--approve-within", "60")
        over = served.seen[-1][1].spec
        both = run(tmp_path / "d", "task", "announce", "--goal", "x", "--command", "true")
        many = run(tmp_path / "d", "task", "announce", "--goal", "x", "--steps", "9999")

    assert first.stdout == f"{TASK}\n", first.stderr
    assert (asked.title, asked.goal, asked.kind, asked.checks, asked.deliver) == (
        "Mend it",
        "Mend it\nall of it",
        "code",
        ["a", "b"],
        "bundle",
    )
    assert asked.budget.model_dump() == {"steps": 7, "tokens": 200_000, "containers": 2, "depth": 0}
    assert (over.goal, over.budget.steps, over.budget.tokens, over.approve_within_s) == ("g", 5, 1000, 60)
    assert (both.returncode, many.returncode) == (2, 2)
    assert "not both" in both.stderr
    assert "budget.steps" in many.stderr


@pytest.mark.parametrize("act", ["pause", "resume", "stop"])
def test_steering(tmp_path, act):
    """The reason arrives; the answer is the task; a refusal is exit 1 with the engine's own words."""
    with serve(tmp_path / "d", {f"tasks.{act}": agents("running", result=None)}) as served:
        done = run(tmp_path / "d", "task", act, TASK, "--reason", "lunch", "--json")
        seen = served.seen[-1][1]
    with serve(tmp_path / "d", {f"tasks.{act}": refuse(409, "ended", "It has ended")}):
        late = run(tmp_path / "d", "task", act, TASK)

    assert done.returncode == 0, done.stderr
    assert (seen.task_id, seen.reason) == (TASK, "lunch")
    assert json.loads(done.stdout)["task_id"] == TASK
    assert late.returncode == 1
    assert "It has ended" in late.stderr


def test_saying_a_word(tmp_path):
    """The text arrives, and the thread is shown with its signers; nothing said is usage."""
    with serve(tmp_path / "d", {"tasks.say": agents("running", result=None)}) as served:
        said = run(tmp_path / "d", "task", "say", TASK, "use sum")
        seen = served.seen[-1][1]
        empty = run(tmp_path / "d", "task", "say", TASK, "")

    assert seen.text == "use sum"
    assert "me:\n  use sum" in said.stdout
    assert "ada, attempt 1 asks for help:\n  which?" in said.stdout
    assert empty.returncode == 2


def test_show_says_what_is_shown_and_no_more(tmp_path):
    """Execution, change and verification side by side; budget, model, files, the failed check, thread, parent, delivery."""
    with serve(tmp_path / "d", {"tasks.show": agents("failed")}):
        human = run(tmp_path / "d", "task", "show", TASK)
        machine = run(tmp_path / "d", "task", "show", TASK, "--json")
    with serve(tmp_path / "e", {"tasks.show": view()}):
        unchecked = run(tmp_path / "e", "task", "show", TASK)

    rows = {line.split("  ")[0]: line for line in human.stdout.splitlines()}
    assert "its agent says that the goal is reached" in rows["execution"]
    assert "2 files, +1 -1: x and 1 more; left out: y: too big" in rows["change"]
    assert "check 2 of 2 ended with exit code 1, run by grace, another member" in rows["verification"]
    assert "3 of 9 steps, 4,210 of 200,000 tokens, 35 of 600 s" in rows["budget"]
    assert rows["model"].endswith("ollama/small")
    assert rows["summary"].endswith("mended the sum")
    assert rows["part of"].endswith(SUB)
    assert rows["subtasks"].endswith(SUB)
    assert "chorus/x of https://h/r, commit cccccccccccc" in rows["delivered"]
    assert "output of the checks, its end:\n  1 failed" in human.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(human.stdout)
    assert json.loads(machine.stdout) == json.loads(agents("failed").model_dump_json())
    assert "no checks: nothing is verified" in unchecked.stdout


def test_diff_is_byte_for_byte(tmp_path):
    """On a pipe and in a file: what the result promised, every byte of it; a file that differs is kept unless forced."""
    target = tmp_path / "x.patch"
    with serve(tmp_path / "d", {"tasks.show": agents(), "blobs.read": blobs(PATCH)}):
        environment = {**os.environ, "CHORUS_DATA_DIR": str(tmp_path / "d")}
        command = [sys.executable, "-m", "chorus_tui", "task", "diff", TASK]
        piped = subprocess.run(command, env=environment, capture_output=True, timeout=240, check=False)
        filed = run(tmp_path / "d", "task", "diff", TASK, "--to", str(target))
        written = target.read_bytes()
        target.write_text("mine")
        kept = run(tmp_path / "d", "task", "diff", TASK, "--to", str(target))
        mine = target.read_text()
        machine = run(tmp_path / "d", "task", "diff", TASK, "--json")

    assert piped.stdout == PATCH, piped.stderr
    assert (filed.returncode, written) == (0, PATCH)
    assert (kept.returncode, mine) == (1, "mine")
    assert json.loads(machine.stdout)["change"]["patch"] == digest(PATCH)


def on_a_terminal(data, *arguments, **environment):
    """What a command writes to its terminal."""
    outer, inner = pty.openpty()
    given = {**os.environ, "CHORUS_DATA_DIR": str(data), "PYTHONIOENCODING": "utf-8", "TERM": "xterm"}
    given.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "chorus_tui", *arguments]
    subprocess.run(command, env=given | environment, stdout=inner, timeout=240, check=True)
    os.close(inner)
    with os.fdopen(outer, "rb", buffering=0) as shown:
        return shown.read(1 << 16).decode()


@pytest.mark.parametrize("colours", [True, False])
def test_diff_on_a_terminal_is_coloured_and_harmless(tmp_path, colours):
    """Added, removed and hunk in colours of ours, none with NO_COLOR; what the patch would do to the terminal is shown."""
    with serve(tmp_path / "d", {"tasks.show": agents(), "blobs.read": blobs(PATCH)}):
        shown = on_a_terminal(tmp_path / "d", "task", "diff", TASK, **({} if colours else {"NO_COLOR": "1"}))

    assert "\x1b[2J" not in shown
    assert ("\x1b[32m+new" in shown) is colours
    assert ("\x1b[31m-" in shown) is colours
    assert "+new" in shown


def test_a_shared_text_is_not_obeyed_by_a_terminal(tmp_path):
    """Byte for byte through a pipe; on a terminal what members wrote into it is shown, line by line."""
    text = f"first\n{HOSTILE}\x1b]52;c;eA==\x07\nlast"
    shared = CollabView(
        row=CollabRow(session="5" * 64, title="t", state="open", owner="x", owner_name="ana", since=1.0, last_at=1.0),
        participants=[],
        chat=[],
        text=text,
    )
    with serve(tmp_path / "d", {"collab.show": shared}):
        shown = on_a_terminal(tmp_path / "d", "collab", "show", "5555", "--text")
        piped = run(tmp_path / "d", "collab", "show", "5555", "--text").stdout

    assert piped == text
    assert "\x1b" not in shown and "\x07" not in shown
    assert shown.splitlines()[0] == "first" and shown.splitlines()[-1] == "last"


def test_json_on_a_terminal_is_not_obeyed(tmp_path):
    """Answers, exported lines and a transcript as its worker made it: no sequence of seven or eight bits, no mark of direction; the
    answer still says the same."""
    evil = "a\x9b31m\x9d52;c;eA==\x9c\u202eb"
    steps = json.dumps({"at": 2.0, "kind": "end", "text": evil}, ensure_ascii=False).encode() + b" \x1b[2J\x07\n"
    task = agents(title=evil, result=RESULT.model_copy(update={"transcript": digest(steps)}))
    line = json.dumps({"said": evil}, ensure_ascii=False)
    answers = {"tasks.show": task, "blobs.read": blobs(steps), "journal.export": ExportPage(lines=[line], next=None)}
    with serve(tmp_path / "d", answers):
        shown = on_a_terminal(tmp_path / "d", "task", "show", TASK, "--json")
        others = [
            on_a_terminal(tmp_path / "d", *command)
            for command in (["task", "transcript", TASK, "--json"], ["journal", "export"])
        ]

    assert json.loads(shown)["title"] == evil
    assert all("52;c;eA==" in one for one in others)
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", shown + "".join(others))


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (agents("running", result=None), "has no change yet: it is running"),
        (agents(result=RESULT.model_copy(update={"change": None})), "its result came without one"),
        (view(), "it has no repository"),
    ],
    ids=["running", "unchanged", "no repository"],
)
def test_no_diff_is_said_and_exit_1(tmp_path, task, why):
    """Why there is none, on stderr; stdout stays empty."""
    with serve(tmp_path / "d", {"tasks.show": task}):
        result = run(tmp_path / "d", "task", "diff", TASK)

    assert (result.returncode, result.stdout) == (1, "")
    assert why in result.stderr


@pytest.mark.parametrize("command", [["diff"], ["transcript"], ["diff", "--to"]])
def test_what_was_not_promised_is_not_shown(tmp_path, command):
    """A blob with other content than its digest says is refused whole."""

    def lie(request):
        data = base64.b64encode(b"x" * len(PATCH)).decode()
        return BlobChunk(digest=request.digest, size=len(PATCH), offset=0, data=data)

    target = [str(tmp_path / "out")] if "--to" in command else []
    with serve(tmp_path / "d", {"tasks.show": agents(), "blobs.read": lie}):
        result = run(tmp_path / "d", "task", command[0], TASK, *command[1:], *target)

    assert (result.returncode, result.stdout) == (1, "")
    assert "promised" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_reported_result_is_told_to_be_not_accepted(tmp_path):
    """Its change can be read, with that word beside it."""
    attempt = view().attempts[0].model_copy(update={"result": RESULT})
    with serve(
        tmp_path / "d", {"tasks.show": agents("failed", result=None, attempts=[attempt]), "blobs.read": blobs(PATCH)}
    ):
        diff = run(tmp_path / "d", "task", "diff", TASK, "--to", str(tmp_path / "x"))
        show = run(tmp_path / "d", "task", "show", TASK)

    assert (tmp_path / "x").read_bytes() == PATCH
    assert "not accepted" in diff.stderr
    assert "Reported, not accepted:" in show.stdout


def test_transcript(tmp_path):
    """Step by step for people, as stored with --json and in a file; without one exit 1 and why."""
    with serve(tmp_path / "d", {"tasks.show": agents(), "blobs.read": blobs(STEPS)}):
        human = run(tmp_path / "d", "task", "transcript", TASK)
        machine = run(tmp_path / "d", "task", "transcript", TASK, "--json")
        run(tmp_path / "d", "task", "transcript", TASK, "--to", str(tmp_path / "t"))
        again = run(tmp_path / "d", "task", "transcript", TASK, "--to", str(tmp_path / "t"))
    with serve(tmp_path / "e", {"tasks.show": view()}):
        none = run(tmp_path / "e", "task", "transcript", TASK)

    assert "── step 1" in human.stdout, human.stderr
    assert "shell: ls" in human.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(human.stdout)
    assert machine.stdout.encode() == STEPS
    assert (tmp_path / "t").read_bytes() == STEPS
    assert again.returncode == 1
    assert none.returncode == 1
    assert "no agent worked on it" in none.stderr


def test_the_patch_comes_with_the_artifacts_and_over_none(tmp_path):
    """As changes.patch, or under another name where an artifact is called so."""
    mine = b"mine"
    named = Artifact(path="changes.patch", size=len(mine), sha256=digest(mine).removeprefix("sha256:"))
    both = agents(result=RESULT.model_copy(update={"artifacts": [named]}))
    with serve(tmp_path / "d", {"tasks.show": agents(), "blobs.read": blobs(PATCH)}):
        alone = run(tmp_path / "d", "task", "artifacts", TASK, "--to", str(tmp_path / "a"), "--json")
    with serve(tmp_path / "e", {"tasks.show": both, "blobs.read": blobs(PATCH, mine)}):
        beside = run(tmp_path / "e", "task", "artifacts", TASK, "--to", str(tmp_path / "b"))

    assert (tmp_path / "a" / "changes.patch").read_bytes() == PATCH, alone.stderr
    assert json.loads(alone.stdout)["patch"]["path"] == "changes.patch"
    assert json.loads(alone.stdout)["artifacts"] == []
    assert beside.returncode == 0
    assert (tmp_path / "b" / "changes.patch").read_bytes() == mine
    assert (tmp_path / "b" / "changes-2.patch").read_bytes() == PATCH
