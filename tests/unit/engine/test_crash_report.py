"""What is left of an engine that failed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from chorus_tui.engine.runtime import crash_report
from chorus_tui.engine.shhh.redactor import Redactor

SECRET = "correct-horse-battery-staple-9876"


def failed(depth: int = 3) -> BaseException:
    """A group of errors with causes, whose words and variables carry a secret."""

    def inner(password: str, left: int) -> None:
        if left:
            inner(password, left - 1)
        try:
            raise ValueError(f"login with {password} failed")
        except ValueError as error:
            raise RuntimeError("no connection\n" + "x" * 10_000 + password) from error

    try:
        inner(SECRET, depth)
    except RuntimeError as error:
        return ExceptionGroup("several", [error, KeyError(SECRET)])
    raise AssertionError


def test_a_report_says_where_and_holds_no_secret(tmp_path):
    """Types, places, redacted words; no variable, no environment, no path of the machine; private, and small."""
    path = crash_report.write(tmp_path, failed(), Redactor([SECRET]).text)
    text = path.read_text()
    told = json.loads(text)

    assert [error["type"] for error in told["errors"]] == ["RuntimeError", "ValueError", "KeyError"]
    assert told["errors"][0]["at"][-1].startswith("tests/unit/engine/test_crash_report.py:")
    assert "login with [REDACTED" in told["errors"][1]["words"]
    assert SECRET not in text
    assert str(Path.cwd()) not in text
    assert str(os.environ.get("HOME")) not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(text) < 20_000


def test_reports_are_bounded_in_number_and_depth(tmp_path):
    """The newest ten are kept; an endless recursion is told by its innermost places."""
    for _ in range(crash_report.KEPT + 5):
        crash_report.write(tmp_path, failed(depth=500), str)
    kept = crash_report.reports(tmp_path)

    assert len(kept) == crash_report.KEPT
    assert all(file.stat().st_size < 30_000 for file in kept)


def test_a_report_that_cannot_be_written_is_none(tmp_path):
    """No folder, a file in its place: the engine's own error is what counts."""
    (tmp_path / crash_report.FOLDER).write_text("in the way")

    assert crash_report.write(tmp_path, failed(), str) is None


def test_an_engine_that_fails_says_so_in_a_line_and_leaves_a_report(tmp_path):
    """The real command with a planted fault: exit 1, no traceback, no secret on stderr or in the report; the folder is free again."""
    plant = (
        "import sys\n"
        "from chorus_tui.engine.runtime import serve\n"
        "async def broken(engine, **_):\n"
        "    raise ExceptionGroup('x', [RuntimeError('the key is ' + engine.settings.network_key)])\n"
        "serve.serve = broken\n"
        "from chorus_tui.engine.__main__ import main\n"
        "sys.exit(main())\n"
    )
    key = "ab12" * 16
    environment = {
        **os.environ,
        "CHORUS_LICENSE_ID": "dev-test",
        "CHORUS_NETWORK_KEY": key,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", plant, "serve", "--data-dir", str(tmp_path / "data")],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    (report,) = crash_report.reports(tmp_path / "data")

    assert done.returncode == 1
    assert "✗ The engine failed: RuntimeError: the key is [REDACTED" in done.stderr
    assert str(report) in done.stderr
    assert "Traceback" not in done.stderr
    assert key not in done.stderr + done.stdout + report.read_text()
