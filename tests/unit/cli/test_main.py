"""The ways in that need no engine: help, version, usage, the agent."""

import json
import os
import subprocess
import sys
import time

import pytest

from chorus_tui import __version__
from chorus_tui.cli.main import COMMANDS

HEAVY = ("pydantic", "aiohttp", "textual", "trio", "rich", "asyncio", "libp2p", "platformdirs")


def run(*arguments, **env):
    """``chorus-tui`` in an environment without any setting."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CHORUS_")}
    return subprocess.run(
        [sys.executable, "-m", "chorus_tui", *arguments],
        env={**clean, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("option", ["--version", "-v"])
def test_version(option):
    """The version names the program, its version and its build; no setting is needed."""
    result = run(option)

    assert result.stdout.startswith(f"chorus-tui {__version__} (build: ")
    assert result.returncode == 0


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(option):
    """Help lists every command, the environment, an example, features and exit codes."""
    result = run(option)

    assert result.returncode == 0, result.stderr
    for word in (*COMMANDS, "CHORUS_LICENSE_ID", "CHORUS_DATA_DIR", "Examples", "Features", "Exit codes", "--headless"):
        assert word in result.stdout


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_light(option):
    """Help and version import nothing heavy, and so answer in a moment."""
    script = (
        "import sys\nsys.argv = ['chorus-tui', sys.argv[1]]\nfrom chorus_tui.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"import json\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, option], capture_output=True, text=True, timeout=30, check=True
    )

    assert json.loads(result.stdout.splitlines()[-1]) == []


def test_quick():
    """The best of five runs of --version stays well below what a person notices (0.15 s is the aim)."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        run("--version")
        best = min(best, time.perf_counter() - start)

    assert best < 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["--nope"],
        ["--headless", "status"],
        ["--headless", "--attach", "http://x"],
        ["--read-only", "--headless"],
        ["--read-only", "--plain"],
        ["--read-only", "status"],
        ["task"],
        ["task", "wait"],
        [],
    ],
)
def test_usage(arguments):
    """Wrong usage, and a portal without a terminal, is exit 2 with a word on stderr and nothing on stdout but help."""
    result = run(*arguments)

    assert result.returncode == 2
    assert result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nope", "--json"], "--nope"),
        (["nosuch", "--json"], "nosuch"),
        (["task", "wait", "--json"], "TASK_ID"),
        (["task", "announce", "--nope", "--json"], "--nope"),
        (["--read-only", "status", "--json"], "--read-only"),
        (["status", "--attach", "http://x", "--json"], "--token-file"),
    ],
)
def test_wrong_usage_in_json(arguments, said):
    """Who asks for JSON gets wrong usage as a problem in one line of it, with the same exit code."""
    result = run(*arguments)
    problem = json.loads(result.stderr)

    assert (result.returncode, result.stdout) == (2, "")
    assert said in problem["title"]
    assert problem["type"] == "urn:chorus:problem:usage"


def test_who_may_only_look_serves_who_may_only_look(monkeypatch):
    """--read-only holds where the portal is served to browsers, too: its guests have the scope read."""
    from click.testing import CliRunner

    from chorus_tui.cli import main, web

    served = []
    monkeypatch.setenv("CHORUS_HAP_MODE", "web")
    monkeypatch.setattr(web.web, "callback", lambda **given: served.append(given["scope"]))
    for arguments in (["--read-only"], []):
        CliRunner().invoke(main.cli, arguments, catch_exceptions=False)

    assert served == ["read", "operate"]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_every_command_has_help(name):
    """Every command loads and explains itself without an engine."""
    result = run(name, "--help")

    assert result.returncode == 0, result.stderr
    assert "Usage: chorus-tui" in result.stdout


def test_headless_becomes_the_engine(monkeypatch):
    """--headless replaces this process by the engine, so that signals reach it directly."""
    from click.testing import CliRunner

    from chorus_tui.cli import main

    became = []

    def exec_(path, arguments):
        became.append((path, arguments))
        raise SystemExit(0)

    monkeypatch.setattr(main.os, "execv", exec_)
    CliRunner().invoke(main.cli, ["--headless", "--data-dir", "/d"])

    expected = [sys.executable, "-P", "-m", "chorus_tui.engine", "serve", "--kind", "agent", "--data-dir", "/d"]
    assert became == [(sys.executable, expected)]


@pytest.mark.parametrize(
    "arguments", [["--data-dir", "/d", "journal", "rebuild"], ["journal", "rebuild", "--data-dir", "/d"]]
)
def test_commands_without_an_engine_take_the_folder_from_either_place(monkeypatch, arguments):
    """A data folder given before the command is meant as much as one given after it."""
    from click.testing import CliRunner

    from chorus_tui.cli import journal, main

    became = []

    def exec_(_path, arguments):
        became.append(arguments[arguments.index("journal") :])
        raise SystemExit(0)

    monkeypatch.setattr(journal.os, "execv", exec_)
    CliRunner().invoke(main.cli, arguments)

    assert became == [["journal", "rebuild", "--kind=agent", "--data-dir", "/d"]]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CHORUS_HAP_MODE": "web", "CHORUS_SERVE_ROOT": "/nowhere"}, "CHORUS_SERVE_ROOT: /nowhere is no folder"),
        ({"CHORUS_HAP_MODE": "paper"}, "'paper' is none of: terminal, web"),
        ({"CHORUS_HAP_MODE_FILE": "/nowhere"}, "/nowhere"),
        ({"CHORUS_HAP_MODE_FILE": "/etc/hostname", "CHORUS_HAP_MODE": "terminal"}, "use one of them"),
        ({"CHORUS_HAP_MODE": "terminal"}, "The portal needs a terminal"),
        ({}, "The portal needs a terminal"),
    ],
)
def test_mode_of_the_portal(variables, words):
    """The portal opens in the terminal, or is served to browsers; what is wrong is told before anything is started."""
    result = run(**variables)

    assert (result.returncode, words in result.stderr) == (2, True), result.stderr


def test_mode_of_the_portal_from_a_file(tmp_path):
    """As every variable, it can stand in a file."""
    (tmp_path / "mode").write_text("web\n")
    served = run(CHORUS_HAP_MODE_FILE=str(tmp_path / "mode"), CHORUS_SERVE_ROOT="/nowhere")

    assert "CHORUS_SERVE_ROOT: /nowhere is no folder" in served.stderr
