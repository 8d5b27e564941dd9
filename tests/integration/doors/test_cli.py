"""The commands, as people and scripts run them: real processes against a real API server."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from chorus_tui.contract.models.assistance import QuestionList, QuestionView
from chorus_tui.contract.models.journal import ExportPage, JournalPage, Verification
from chorus_tui.contract.models.patches import PatchView
from chorus_tui.contract.models.peers import Invitation, Peer, PeerList
from chorus_tui.contract.models.status import Admin, Check, Status
from tests.integration.doors.asking import HOSTILE, run, view
from tests.integration.doors.served import TASK, refuse, serve
from tests.support import warm

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
