"""The log never holds a secret, whoever writes into it and however an error ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

from chorus_tui.engine.runtime.serve import CannotStart, prepare

PROGRAM = """
import logging, threading, structlog
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.telemetry import logs
logs.configure("debug", "{form}", Redactor().at("log").text)
secret = "ghp_" + "a1B2" * 9
def fail(): raise ValueError("no such token: " + secret)
structlog.get_logger("x").info("says " + secret, field=dict(a=[secret]))
logging.getLogger("library").warning("says %s", secret)
try: fail()
except ValueError: structlog.get_logger("x").exception("caught")
try: fail()
except ValueError: logging.getLogger("library").exception("caught")
thread = threading.Thread(target=fail); thread.start(); thread.join()
fail()
"""

ONE_LINE = """
import structlog
from chorus_tui.engine.telemetry import logs
logs.configure("info", "{form}", str)
structlog.get_logger("x").info("it says")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_lines_tracebacks_and_what_nobody_caught_are_redacted(form):
    """Ours and a library's, caught and uncaught, in a thread and in the end; on both streams."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=False, timeout=60
    )
    written = done.stdout + done.stderr

    assert done.returncode == 1
    assert "a1B2a1B2" not in written
    assert written.count("[REDACTED:github-token:") >= 7
    assert "An error that nobody caught" in done.stdout


@pytest.mark.parametrize(
    ("form", "written"),
    [("json", '{"event": "it says"'), ("auto", "[info     ] it says"), ("text", "[info     ] it says")],
)
def test_on_a_terminal_the_log_is_text_unless_json_is_asked_for(form, written):
    """On a real one: what a person reads, or what a program that runs under one does."""
    told = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(ONE_LINE.format(form=form)))

    assert written in told


OBEYED = "\x1b]0;title\x07\x1b[8m\x9b31m\x9d52;c;eA==\x9c\u202eturned\nfake line"
FOREIGN = f"""
import logging, structlog
from chorus_tui.engine.telemetry import logs
logs.configure("info", "{{form}}", str)
structlog.get_logger("x").info("it says", title={OBEYED!r}, many=[{OBEYED!r}])
logging.getLogger("library").warning("says %s", {OBEYED!r})
try: raise ValueError({OBEYED!r})
except ValueError: structlog.get_logger("x").exception("caught", title={OBEYED!r})
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_terminal_obeys_nothing_of_what_others_wrote(form):
    """Titles, library's words and errors, in both forms: no sequence, no mark of direction, no line of its own; JSON says them whole."""
    told = on_a_terminal(FOREIGN.format(form=form)).replace("\r\n", "\n")
    bare = re.sub(r"\x1b\[[0-9;]*m", "", told)
    ours = bare[: bare.index("Traceback")] if form == "text" else bare

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", bare)
    assert "\x1b[8m" not in told
    assert "fake line" in bare and not any(line.startswith("fake line") for line in ours.splitlines())
    if form == "json":
        assert [json.loads(line).get("title", OBEYED) for line in told.splitlines()] == [OBEYED] * 3


def test_what_is_remembered_has_no_colours(tmp_path):
    """Of an engine that writes to a terminal, whoever asks for its last lines gets words, not what coloured them there."""
    kept = tmp_path / "kept"
    told = on_a_terminal(f"{ONE_LINE.format(form='text')}\nopen({str(kept)!r}, 'w').write(logs.recent(1)[0])")

    assert "\x1b[" in told
    assert "\x1b" not in kept.read_text() and "it says" in kept.read_text()


def on_a_terminal(program: str) -> str:
    """What a program writes to its terminal."""
    ours, its = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as ours_read:
        try:
            subprocess.run([sys.executable, "-c", program], stdout=its, stdin=its, check=True, timeout=60)
        finally:
            os.close(its)
        return ours_read.read(16384).decode()


def test_bad_rules_end_the_start_with_the_reason(tmp_path):
    """Nothing is left behind, and the exit code is that of wrong settings."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nname = 'x'\npattern = '('\n")
    environment = {
        "CHORUS_LICENSE_ID": "dev-test",
        "CHORUS_SHHH_RULES_FILE": str(rules),
        "CHORUS_DATA_DIR": str(tmp_path / "data"),
    }

    with pytest.raises(CannotStart, match=r"line 1, rule 1 \(x\)") as error:
        prepare("agent", environment, None)

    assert error.value.code == 2
    assert not (tmp_path / "data").exists()
