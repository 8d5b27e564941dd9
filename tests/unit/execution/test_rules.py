"""Frames, images, globs, profile, verdicts, CPU shares: rules that need no Docker."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_result import Artifact, Change, CommandResult, Spent, TaskResult
from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from chorus_tui.engine.ai.agent.actions import INPUT
from chorus_tui.engine.execution.attempt import DETAIL_SHOWN
from chorus_tui.engine.execution.collect import MOST_FILES, NAMES_BYTES
from chorus_tui.engine.execution.cpus import spread
from chorus_tui.engine.execution.errors import ImageUnusable
from chorus_tui.engine.execution.fitting import MOST_BYTES, fitted
from chorus_tui.engine.execution.frames import BrokenStream, FrameDecoder
from chorus_tui.engine.execution.globs import matches
from chorus_tui.engine.execution.images import (
    Reference,
    allowed,
    candidates,
    parse_reference,
    present_languages,
    pull_error,
)
from chorus_tui.engine.execution.interface import ShellResult
from chorus_tui.engine.execution.output import TAIL_SHOWN, Window, readable
from chorus_tui.engine.execution.profile import (
    Origin,
    bounds,
    container,
    expired,
    labels,
    lifeline_user,
    seccomp_profile,
    task_user,
)
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.verdict import judge, naming
from chorus_tui.engine.execution.workspace import COMMAND_SHOWN
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import MAX_MESSAGE
from chorus_tui.engine.tasks import ids
from tests.unit.tasks.boards import WORKER, entry

SETTINGS = ExecutionSettings(owner="me", max_cpus=1.0)
ORIGIN = Origin("T", 1, "me", "run", 1000)


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50)), max_size=10), st.integers(1, 60))
def test_frames_are_put_together_from_any_pieces(frames, step):
    """The bytes of each kind come in order whatever the cuts."""
    wire = b"".join(bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data for kind, data in frames)
    decoder = FrameDecoder()
    got = [piece for at in range(0, len(wire), step) for piece in decoder.feed(wire[at : at + step])]

    for kind in (1, 2):
        assert b"".join(d for k, d in got if k == kind) == b"".join(d for k, d in frames if k == kind)


def test_a_stream_of_another_kind_is_refused():
    """Not mistaken for output."""
    with pytest.raises(BrokenStream):
        list(FrameDecoder().feed(b"HTTP/1.1 200 OK"))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("alpine", Reference("docker.io", "library/alpine", "latest")),
        ("me/tool:2", Reference("docker.io", "me/tool", "2")),
        ("ghcr.io/a/b/c:1.2", Reference("ghcr.io", "a/b/c", "1.2")),
        ("127.0.0.1:5000/x", Reference("127.0.0.1:5000", "x", "latest")),
        ("localhost/x:1", Reference("localhost", "x", "1")),
        ("r.example/x@sha256:" + "a" * 64, Reference("r.example", "x", "sha256:" + "a" * 64)),
    ],
)
def test_image_names_are_read_as_docker_reads_them(name, reference):
    """Registry, path, tag or digest."""
    assert reference == parse_reference(name)


def test_only_listed_registries_are_pulled_from():
    """By host, or by host and namespace; a host that merely begins alike is another."""
    assert allowed(parse_reference("alpine"), ("docker.io",))
    assert allowed(parse_reference("docker.io/me/x"), ("docker.io/me",))
    assert not allowed(parse_reference("docker.io/mean/x"), ("docker.io/me",))
    assert not allowed(parse_reference("docker.io.evil.example/x"), ("docker.io",))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("pull access denied for x, repository does not exist or may require 'docker login'", "image_absent"),
        ("manifest for x:1 not found: manifest unknown", "image_absent"),
        ("unauthorized: authentication required", "image_denied"),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
            "registry_unreachable",
        ),
        ('Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "registry_unreachable"),
        ("toomanyrequests: rate limit", "pull_failed"),
    ],
)
def test_each_way_a_registry_fails_has_its_reason(said, reason):
    """Told apart by the engine's words; the image is named."""
    error = pull_error("x:1", parse_reference("x:1"), said)

    assert error.reason == reason
    assert "x:1" in str(error)


def test_the_image_of_a_language_comes_from_the_settings_then_the_table():
    """In this order; local names before the public namespace; other names of a language mean the same."""
    settings = ExecutionSettings(owner="me", images={"python": "mine:1"})

    assert candidates("py", settings) == ["mine:1"]
    assert candidates("golang", settings)[0] == "chorus-go-dev:latest"
    assert candidates("", SETTINGS)[0] == "chorus-base:latest"


def test_languages_present_are_those_whose_image_is_here():
    """By local name, public name, or the name in the settings."""
    tags = ["chorus-base:latest", "anthonyrawlins/chorus-go-dev:latest", "mine:1"]

    assert present_languages(tags, ExecutionSettings(owner="me", images={"perl": "mine:1"})) == ("base", "go", "perl")


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("x.txt", "*.txt", True),
        ("a/x.txt", "*.txt", False),
        ("a/x.txt", "**/*.txt", True),
        ("x.txt", "**/*.txt", True),
        ("a/b/c", "a", True),
        ("a/b/c", "a/*", False),
        ("a/b/c", "a/**", True),
        ("ab", "a", False),
        ("a/b", "a/[bc]", True),
    ],
)
def test_globs(path, pattern, expected):
    """Stars stay in a folder, double stars cross, a name takes all below it."""
    assert matches(path, pattern) is expected


@given(st.builds(Limits, memory_mb=st.integers(16, 8192), disk_mb=st.integers(1, 8192)), st.integers(0, 16))
def test_writable_folders_never_add_up_to_the_memory(limits, volumes):
    """Three folders, shm and the image's volumes together stay below the memory limit; ceilings hold."""
    settings = ExecutionSettings(owner="me", max_memory_mb=2048)
    got = bounds(limits, settings)
    image = {"Config": {"Volumes": {f"/v{n}": {} for n in range(volumes)}}}
    host = container("i", image, got, ORIGIN, pair=0, lifetime_s=1)["HostConfig"]
    sizes = [int(options.split("size=")[1].split("k")[0]) for options in host["Tmpfs"].values()]

    assert host["Memory"] == host["MemorySwap"] <= 2048 << 20
    assert sum(sizes) * 1024 + host["ShmSize"] < host["Memory"]
    assert got.folder_mb <= limits.disk_mb


@pytest.mark.parametrize(
    "path", ["/", "/usr", "/usr/lib/x", "relative", "/a/../b", "/proc/x", "/workspace/else", "/a:b"]
)
def test_a_volume_where_none_may_be_refuses_the_image(path):
    """System folders, odd paths."""
    with pytest.raises(ImageUnusable):
        container("i", {"Config": {"Volumes": {path: {}}}}, bounds(Limits(), SETTINGS), ORIGIN, pair=0, lifetime_s=1)


@given(st.integers(0, 1 << 20))
def test_task_and_lifeline_have_ids_of_their_own(pair):
    """Never root, never each other's, within what a mapped user namespace has."""
    task, life = (int(user(pair).split(":")[0]) for user in (task_user, lifeline_user))

    assert 0 < task < 65_536
    assert 0 < life < 65_536
    assert task != life


def test_the_filter_is_an_allow_list_without_the_dangerous_calls():
    """What is not named is refused; none of these is named."""
    profile = json.loads(seccomp_profile())
    named = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}

    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"read", "execve", "futex", "openat"} <= named
    assert not named & {
        "io_uring_setup", "io_uring_enter", "keyctl", "add_key", "request_key", "userfaultfd", "bpf", "perf_event_open",
        "mount", "umount2", "move_mount", "mount_setattr", "fsopen", "pivot_root", "unshare", "setns", "clone3",
        "kexec_load", "init_module", "finit_module", "kcmp", "open_by_handle_at", "process_vm_writev", "reboot",
    }  # fmt: skip


def test_only_full_labels_past_their_time_or_from_an_earlier_run_are_reaped():
    """A fresh sandbox of another peer, or half a set of labels, is left alone."""
    mine = labels(ORIGIN)

    assert not expired(mine, 999, owner="me", run="run")
    assert expired(mine, 1001, owner="someone", run="other")
    assert expired(mine, 999, owner="me", run="next")
    assert not expired(mine, 999, owner="other", run="next")
    assert not expired({k: v for k, v in mine.items() if k != "chorus.task"}, 1001, owner="me", run="run")
    assert not expired(mine | {"chorus.deadline": "soon"}, 1001, owner="me", run="run")


@given(st.floats(0.5, 64), st.dictionaries(st.text(max_size=3), st.floats(0.1, 64), min_size=1, max_size=8))
def test_cpus_are_shared_fairly_within_the_sum(total, wishes):
    """Nobody gets more than the wish; together not more than there is (but for the least share each)."""
    shares = spread(total, wishes)

    assert all(0 < shares[name] <= wish + 1e-9 for name, wish in wishes.items())
    assert sum(shares.values()) <= total + 0.05 * len(wishes) + 1e-6


@pytest.mark.parametrize(
    ("code", "ended_by", "outcome", "reason"),
    [
        (1, "", "failed", "exit_code"),
        (137, "memory", "failed", "out_of_memory"),
        (137, "timeout", "budget_exhausted", "timeout"),
        (137, "", "failed", "exit_code"),
        (127, "", "failed", "command_not_found"),
        (137, "flood", "failed", "output_flood"),
    ],
)
def test_an_end_is_judged_by_what_ended_the_command(code, ended_by, outcome, reason):
    """What ended it from outside before its code; the command is named."""
    spec = TaskSpec(title="t", commands=["make"])
    result = ShellResult(code, "", 0, cut=False, seconds=1.0, ended_by=ended_by)
    ending = judge(naming(1, 1, "make"), result, spec=spec, bounds=bounds(Limits(), SETTINGS), image="i")

    assert (ending.outcome, ending.reason) == (outcome, reason)
    assert "make" in ending.detail


@given(st.lists(st.binary(max_size=6000), max_size=8))
def test_a_window_shows_the_beginning_and_the_end_and_says_what_is_missing(pieces):
    """However the bytes are split: whole while they fit, else head, a count, tail."""
    window, whole = Window(), b"".join(pieces)
    for piece in pieces:
        window.add(piece)

    assert window.total == len(whole)
    if window.cut:
        assert f"[… {len(whole) - Window.HEAD - Window.TAIL} bytes left out …]" in window.text()
        assert len(window.text().encode()) < 4 * (Window.HEAD + Window.TAIL)
    else:
        assert window.text() == readable(whole)


def test_the_largest_result_fits_into_one_message():
    """Everything at its bound, made of characters JSON has to escape: it is sealed into one entry of a feed; what is left out of it is told, or
    stands elsewhere."""
    name = NAMES_BYTES // MOST_FILES
    spec = TaskSpec(title="t", commands=["x"] * 64)
    result = TaskResult(
        outcome="failed",
        reason="command_not_executable",
        detail='"' * DETAIL_SHOWN,
        exit_code=255,
        output_tail="\n" * TAIL_SHOWN,
        output_bytes=1 << 40,
        output_cut=True,
        log="sha256:" + "f" * 64,
        artifacts=[Artifact(path='"' * name, size=1 << 30, sha256="f" * 64)] * MOST_FILES,
        commands=[CommandResult(command='"' * COMMAND_SHOWN, exit_code=255, seconds=86399.999) for _ in spec.commands],
        image="i" * 256,
        image_id="sha256:" + "f" * 64,
        phases=dict.fromkeys(["pulling", "creating", "starting", "running", "collecting"], 86399.999),
        max_memory_mb=2048.1,
        summary='"' * INPUT,
        model="m" * 200,
        transcript="sha256:" + "f" * 64,
        spent=Spent(seconds=86399.999, steps=10**6, prompt_tokens=10**9, answer_tokens=10**9, containers=99),
        held_by=200,
        change=Change(
            base="f" * 40, patch="sha256:" + "f" * 64, size=1 << 30, files=10**6, insertions=10**6, deletions=10**6,
            names=['"' * 64] * 64, left_out='"' * 300,
        ),
    )  # fmt: skip
    said = fitted(result)
    sealed = entry(
        WORKER, 0, "task_complete", {"task_id": ids.ulid(1.0, b"1" * 10), "attempt": 1, "result": said.model_dump()}
    )

    assert len(sealed.wire()) <= MAX_MESSAGE
    assert said.change.files == result.change.files
    assert said.summary and result.summary.startswith(said.summary)
    assert (
        said.artifacts == result.artifacts
        and said.commands == result.commands
        and said.output_tail == result.output_tail
    )


@given(st.lists(st.text(max_size=60), max_size=64), st.text(max_size=2000), st.integers(0, 40))
def test_a_result_that_fits_is_left_as_it_is(names, summary, filling):
    """Whatever it holds: only one that is too large is made shorter, and only as far as it takes, names before words."""
    change = Change(base="f" * 40, patch="sha256:" + "f" * 64, size=1, files=64, insertions=1, deletions=1, names=names)
    result = TaskResult(outcome="completed", summary=summary, change=change, output_tail="x" * 1500 * filling)
    said = fitted(result)

    assert len(canonical.encode(said.model_dump())) <= MOST_BYTES or (said.change.names, said.summary) == ([], "")
    assert (said == result) == (len(canonical.encode(result.model_dump())) <= MOST_BYTES) or not (names or summary)
    assert said.summary == summary or not said.change.names
    assert said.change.names == names[: len(said.change.names)]
