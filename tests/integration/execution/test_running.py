"""Jobs that run: what they see, what they bring back, how their ends are told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trio

from tests.integration.execution.conftest import Bench, containers, docker
from tests.integration.execution.cycles import cycles
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker


async def test_a_job_completes_with_output_artifact_and_phases(bench):
    """Commands run in order; their output, files and the time of each phase come back; nothing is left."""
    result = await bench.run("echo one; echo two >&2", "echo hi > /workspace/output/x", env={"WHO": "me"})

    assert (result.outcome, result.exit_code, result.detail) == ("completed", 0, "")
    assert result.output_tail.split() == ["one", "two"]
    assert bench.blobs[result.log] == bytes(bench.heard.data) == b"one\ntwo\n"
    assert [(a.path, a.size, a.sha256) for a in result.artifacts] == [("x", 3, hashlib.sha256(b"hi\n").hexdigest())]
    assert [c.exit_code for c in result.commands] == [0, 0]
    assert list(result.phases) == ["pulling", "creating", "starting", "running", "collecting"]
    assert [phase for phase, _ in bench.heard.phases] == list(result.phases)
    assert result.image == "chorus-base:latest"
    assert result.image_id.startswith("sha256:")
    assert result.max_memory_mb > 0
    assert containers(bench.settings.owner) == []


@pytest.mark.parametrize(
    ("command", "code", "reason", "words"),
    [
        ("exit 7", 7, "exit_code", "exit code 7"),
        ("kill -SEGV $$", 139, "exit_code", "signal 11"),
        ("no-such-command-here", 127, "command_not_found", "no-such-command-here"),
        ("/etc/passwd", 126, "command_not_executable", "cannot be executed"),
    ],
)
async def test_exit_codes_are_told_apart(bench, command, code, reason, words):
    """The first command that fails ends the task; its code and what it means are the result's."""
    result = await bench.run("true", command, "echo never")

    assert (result.outcome, result.exit_code, result.reason) == ("failed", code, reason)
    assert words in result.detail
    assert [c.exit_code for c in result.commands] == [0, code]
    assert "never" not in result.output_tail


async def test_output_that_is_no_utf8_is_kept_raw_and_shown_safe(bench):
    """The log blob has the very bytes; the tail has neither control sequences nor undecodable bytes."""
    result = await bench.run(r"printf 'a\377b\033[31mred\033]0;title\007\n'")

    assert bench.blobs[result.log] == b"a\xffb\x1b[31mred\x1b]0;title\x07\n"
    assert result.output_tail == "a\ufffdbred\n"


async def test_time_over_is_a_failure_by_timeout_even_when_signals_are_trapped(bench):
    """Wall time counts over all commands; what was written until then is still brought back."""
    result = await bench.run(
        "trap '' TERM INT; echo early > /workspace/output/early; while :; do sleep 1; done", timeout_s=5
    )

    assert (result.outcome, result.reason) == ("budget_exhausted", "timeout")
    assert "5 s" in result.detail
    assert bench.artifact(result, "early") == b"early\n"
    assert result.phases["running"] < 5 + 2 * PATIENCE


async def test_a_flood_of_output_is_cut_in_the_middle_and_said(bench):
    """Beginning and end are kept, the middle counted; the live stream stops where the beginning is full."""
    result = await bench.run(
        "echo begin; head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo end", limits={"log_mb": 1}
    )
    log = bench.blobs[result.log]

    assert (result.outcome, result.output_cut) == ("completed", True)
    assert result.output_bytes == 3_000_011
    assert log.startswith(b"begin\n")
    assert log.endswith(b"\nend\n")
    assert b"bytes of output left out here" in log
    assert len(log) < 1_050_000
    assert len(bench.heard.data) < 1_050_000


async def test_endless_output_ends_the_task(bench):
    """Nobody reads more than a multiple of the kept size; the task fails and says so."""
    result = await bench.run("yes", limits={"log_mb": 1}, timeout_s=60)

    assert (result.outcome, result.reason) == ("failed", "output_flood")
    assert result.phases["running"] < 30


async def test_a_repository_is_read_only_input_and_writable_working_copy(bench, tmp_path):
    """/workspace/input holds it and cannot be written; /workspace/data starts as a copy; links stay links."""
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("content\n")
    (folder / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("/etc/hostname")

    result = await bench.run(
        "cat sub/a.txt && ./run.sh && cat link && echo new > sub/a.txt",
        "! echo x > /workspace/input/sub/a.txt",
        "! touch /workspace/input/y && ! rm /workspace/input/run.sh && cat /workspace/input/sub/a.txt",
        repository=folder,
    )

    assert result.outcome == "completed", result.output_tail
    assert "content\nran\nsandbox\n" in result.output_tail
    assert result.output_tail.splitlines()[-1] == "content"
    assert (folder / "sub" / "a.txt").read_text() == "content\n"


def python_bundle(folder: Path) -> Path:
    """A git bundle of a repository with one Python test."""
    work = folder / "work"
    work.mkdir()
    (work / "test_it.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(2, 1 + 1)\n"
    )
    git = ["git", "-C", str(work), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run([*git, "bundle", "create", "-q", str(folder / "b"), "HEAD", "main"], check=True)
    return folder / "b"


async def test_a_bundle_is_checked_out_and_tests_run_in_it(bench, tmp_path):
    """A git bundle of Python code: the unit tests of the repository run in the python image."""
    result = await bench.run("python3 -m unittest -v test_it", repository=python_bundle(tmp_path), language="python")

    assert result.outcome == "completed", (result.detail, result.output_tail)
    assert "OK" in result.output_tail
    assert result.image == "chorus-python-dev:latest"


async def test_a_repository_that_does_not_fit_is_refused_before_it_starts(bench, tmp_path):
    """The error names both sizes and the limit to raise."""
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "x").write_bytes(bytes(3 << 20))

    result = await bench.run("true", repository=folder, limits={"disk_mb": 2})

    assert (result.outcome, result.reason) == ("error", "repository_too_large")
    assert "limits.disk_mb" in result.detail


async def test_globs_pick_the_artifacts_and_the_rest_is_silent(bench):
    """Only what matches is brought back."""
    result = await bench.run(
        "cd /workspace/output; mkdir -p a/b; echo 1 > a/b/x.txt; echo 2 > y.txt; echo 3 > z.log", outputs=["*.txt", "a"]
    )

    assert sorted(a.path for a in result.artifacts) == ["a/b/x.txt", "y.txt"]


async def test_artifacts_beyond_the_limit_are_left_out_and_said(bench):
    """The sum is bounded; what was left out and why is in the detail."""
    result = await bench.run(
        "cd /workspace/output; head -c 900000 /dev/zero > a; head -c 900000 /dev/zero > b", limits={"output_mb": 1}
    )

    assert result.outcome == "completed"
    assert len(result.artifacts) == 1
    assert "1 left out: more than 1 MiB" in result.detail


@pytest.mark.parametrize(
    ("image", "reason", "words"),
    [
        ("localhost/no-such-image:1", "registry_not_allowed", "CHORUS_IMAGE_REGISTRIES"),
        ("Not An Image", "bad_image_name", "Not An Image"),
        ("-x", "bad_image_name", "-x"),
    ],
)
async def test_an_image_that_cannot_be_had_is_an_error_with_its_reason(bench, image, reason, words):
    """Nothing is created; the error names the image and the way out."""
    result = await bench.run("true", image=image)

    assert (result.outcome, result.reason) == ("error", reason)
    assert words in result.detail
    assert image in result.detail


async def test_an_unknown_language_names_the_known_ones(bench):
    """The error lists what there is."""
    result = await bench.run("true", language="cobol")

    assert (result.outcome, result.reason) == ("error", "unknown_language")
    assert "python" in result.detail


async def test_probe_names_version_and_languages(bench):
    """Docker is there, with the languages whose image is."""
    state = await bench.executor.probe()

    assert state.available
    assert {"base", "python"} <= set(state.languages)
    assert isinstance(state.weaknesses, tuple)
    assert state.version in docker("version", "--format", "{{.Server.Version}}")


@pytest.mark.slow
async def test_a_hundred_cycles_leave_nothing(bench):
    """Tasks that end in every way, three at once, cold and warm: no container, volume, network, folder or open file stays."""
    done = await cycles(bench, 100)

    assert done.faults == []
    assert len(done.seconds) == 30


class Registry(BaseHTTPRequestHandler):
    """A registry that answers one status to everything, in the registry protocol's words."""

    answer = (404, {"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]})

    def do_GET(self) -> None:
        """Whatever is asked."""
        status, body = (200, {}) if self.path == "/v2/" else self.answer
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_GET  # noqa: N815 - the name http.server calls

    def log_message(self, *_: object) -> None:
        """Not a word."""


class Closed(Registry):
    """One that wants a password."""

    answer = (401, {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]})


@pytest.mark.parametrize(
    ("handler", "reason"), [(Registry, "image_absent"), (Closed, "image_denied"), (None, "registry_unreachable")]
)
async def test_each_way_a_registry_fails_is_told_apart(bench, handler, reason):
    """Absent, refused, not there: by the engine's real pull from a registry on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler or Registry)
    host = f"127.0.0.1:{server.server_address[1]}"
    if handler is None:
        server.server_close()
    else:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = dataclasses.replace(bench.settings, registries=(host,))
    try:
        result = await Bench(settings, bench.folder).run("true", image=f"{host}/some/image:1")
    finally:
        if handler is not None:
            await trio.to_thread.run_sync(server.shutdown)
            server.server_close()

    assert (result.outcome, result.reason) == ("error", reason), result.detail
    assert host in result.detail
