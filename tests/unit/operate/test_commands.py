"""The commands as a script meets them: exit codes, what goes to which stream, JSON, and no word that a terminal obeys."""

from __future__ import annotations

import argparse
import json

import pytest

from chorus_tui.engine.runtime.bundle import command as bundle
from chorus_tui.engine.runtime.config import command as config
from chorus_tui.engine.runtime.doctor import command as doctor

KEY = "ab" * 32


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Only what a test sets."""
    import os

    for name in [name for name in os.environ if name.startswith("CHORUS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "CHORUS_LICENSE_ID": "dev-test", "CHORUS_DATA_DIR": str(tmp_path / "data"), "CHORUS_NETWORK_KEY": KEY,
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock", "CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return monkeypatch


def run(module, *words: str) -> int:
    """As ``python -m chorus_tui.engine`` does it."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args(list(words)))


@pytest.mark.parametrize(
    ("mine", "other", "more", "code"),
    [
        ({}, None, [], 0),
        ({"CHORUS_API_PORT": "x"}, None, [], 2),
        ({}, f"CHORUS_NETWORK_KEY={KEY}\nCHORUS_BOOTSTRAP_PEERS=/ip4/10.0.0.1/tcp/1\n", [], 0),
        ({}, f"CHORUS_NETWORK_KEY={'cd' * 32}\n", [], 1),
        ({"CHORUS_AGENT_ID": "one"}, f"CHORUS_NETWORK_KEY={KEY}\nCHORUS_AGENT_ID=one\n", [], 0),
        ({"CHORUS_AGENT_ID": "one"}, f"CHORUS_NETWORK_KEY={KEY}\nCHORUS_AGENT_ID=one\n", ["--same-machine"], 1),
        ({}, "CHORUS_P2P_PORT=x\n", [], 2),
        ({}, "nonsense", [], 2),
    ],
)
def test_config_check_ends_with_what_it_found(environment, tmp_path, capsys, mine, other, more, code):
    """0: all can be used; 1: the two clash; 2: one cannot be used. No secret in either form."""
    for name, value in mine.items():
        environment.setenv(name, value)
    words = ["check", *more]
    if other is not None:
        (tmp_path / "other.env").write_text(other)
        words += ["--with", str(tmp_path / "other.env")]

    assert run(config, *words) == code
    assert run(config, *words, "--json") == code
    said = capsys.readouterr()
    assert KEY not in said.out + said.err
    assert "cd" * 32 not in said.out + said.err


def test_what_an_environment_holds_does_not_reach_the_terminal_as_a_command(environment, capsys):
    """Escape sequences in a value are shown as marks."""
    environment.setenv("CHORUS_AGENT_ROLE", "\x1b[31mred\x07")
    run(config, "check")
    run(doctor)

    assert "\x1b" not in capsys.readouterr().out


def test_doctor_ends_with_1_when_something_fails_and_json_says_the_same(environment, capsys):
    """A person's own engine needs no Docker; an agent does."""
    assert run(doctor, "--kind", "human") == 0
    assert "✗" not in capsys.readouterr().out
    assert run(doctor, "--json") == 1
    found = json.loads(capsys.readouterr().out)

    assert [one["name"] for one in found["findings"] if one["verdict"] == "fail"] == ["Docker"]
    assert found["engine"] is False


def test_a_bundle_says_where_it_is_and_refuses_to_overwrite(environment, tmp_path, capsys):
    """0 and the file's name; 1 and why not."""
    file = tmp_path / "b.tar.gz"

    assert run(bundle, "--to", str(file), "--json") == 0
    assert json.loads(capsys.readouterr().out)["size"] == file.stat().st_size
    assert run(bundle, "--to", str(file)) == 1
    assert "--to names another" in capsys.readouterr().err
