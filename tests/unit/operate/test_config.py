"""``config check``: origins, hidden secrets, every fault at once, clashes between two deployments."""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.variables import VARIABLES
from chorus_tui.engine.runtime.config import page, rules
from chorus_tui.engine.runtime.config.effective import HIDDEN, EnvironmentFileError, check, environment_file, look
from chorus_tui.engine.settings import load
from chorus_tui.locations import data_dir

ROOT = Path(__file__).parents[3]
KEY = "ab" * 32
OTHER_KEY = "cd" * 32


def by_name(answer):
    return {one.name: one for one in answer.settings}


def test_each_value_says_where_it_comes_from(tmp_path):
    """Environment, a file, or the default of the kind; every variable of the table is there."""
    (tmp_path / "role").write_text("reviewer\n")
    answer = check({"CHORUS_AGENT_ID": "ana", "CHORUS_AGENT_ROLE_FILE": str(tmp_path / "role")}, "agent")
    found = by_name(answer)

    assert list(found) == [variable.name for variable in VARIABLES]
    assert (found["CHORUS_AGENT_ID"].value, found["CHORUS_AGENT_ID"].origin) == ("ana", "environment")
    role = found["CHORUS_AGENT_ROLE"]
    assert (role.value, role.origin, role.file) == ("reviewer", "file", str(tmp_path / "role"))
    assert (found["CHORUS_P2P_PORT"].value, found["CHORUS_P2P_PORT"].origin) == ("9000", "default")
    assert by_name(check({}, "human"))["CHORUS_P2P_PORT"].value == "0"


def test_what_was_assigned_stands_above_the_environment_and_says_so():
    """With the value that counts; what the assignment leaves out keeps its origin."""
    given = {"CHORUS_AGENT_ROLE": "writer", "CHORUS_AGENT_MAX_TASKS": "1"}
    said = {"CHORUS_AGENT_ROLE": "reviewer", "CHORUS_AGENT_EXPERTISE": ("go", "sql")}
    found = by_name(check(given, "agent", assigned=said))

    assert (found["CHORUS_AGENT_ROLE"].value, found["CHORUS_AGENT_ROLE"].origin) == ("reviewer", "assignment")
    assert (found["CHORUS_AGENT_EXPERTISE"].value, found["CHORUS_AGENT_EXPERTISE"].origin) == ("go,sql", "assignment")
    assert found["CHORUS_AGENT_MAX_TASKS"].origin == "environment"


def test_no_secret_is_ever_shown_even_when_others_are_wrong(tmp_path):
    """Only that it is set."""
    secret = {variable.name: "hunter2-" * 4 for variable in VARIABLES if variable.secret}
    answer = check({**secret, "CHORUS_NETWORK_KEY": KEY, "CHORUS_P2P_PORT": "x"}, "agent")
    found = by_name(answer)

    assert "hunter2" not in answer.model_dump_json()
    assert KEY not in answer.model_dump_json()
    assert found["CHORUS_NETWORK_KEY"].value == found["RESETDATA_API_KEY"].value == HIDDEN
    assert found["CHORUS_REPOSITORY_CREDENTIALS"].origin == "wrong"


def test_all_faults_are_told_at_once_and_unknown_names_with_the_nearest():
    """As at the start of an engine."""
    answer = check({"CHORUS_P2P_PORT": "x", "CHORUS_MDNS_ENABLED": "perhaps", "CHORUS_AGENT_ROL": "y"}, "agent")

    assert [problem.partition(":")[0] for problem in answer.problems] == ["CHORUS_P2P_PORT", "CHORUS_MDNS_ENABLED"]
    assert answer.warnings == ["CHORUS_AGENT_ROL is not known and has no effect; did you mean CHORUS_AGENT_ROLE?"]


MEET = {"CHORUS_NETWORK_KEY": KEY, "CHORUS_BOOTSTRAP_PEERS": "/ip4/10.0.0.1/tcp/9000", "CHORUS_AGENT_ID": "one"}
CLASHES = [
    ({}, {"CHORUS_NETWORK_KEY": OTHER_KEY}, "CHORUS_NETWORK_KEY", True),
    ({}, {"CHORUS_NETWORK_KEY": ""}, "CHORUS_NETWORK_KEY", True),
    (
        {"CHORUS_BOOTSTRAP_PEERS": ""}, {"CHORUS_BOOTSTRAP_PEERS": "", "CHORUS_MDNS_ENABLED": "false"}, "CHORUS_BOOTSTRAP_PEERS", True,
    ),
    ({"CHORUS_ELECTION_EXPECT": "3"}, {}, "CHORUS_ELECTION_EXPECT", True),
    ({"CHORUS_ELECTION_EXPECT": "3"}, {"CHORUS_ELECTION_EXPECT": "5"}, "CHORUS_ELECTION_EXPECT", False),
    ({"CHORUS_ELECTION_PROFILE": "fast"}, {}, "CHORUS_ELECTION_PROFILE", False),
    ({"CHORUS_TASK_LEASE_S": "5"}, {}, "CHORUS_TASK_LEASE_S", False),
    ({"CHORUS_P2P_HOST": "127.0.0.1"}, {}, "CHORUS_P2P_HOST", False),
    ({"CHORUS_DHT_ENABLED": "false"}, {}, "CHORUS_DHT_ENABLED", False),
]  # fmt: skip
APART = {
    "CHORUS_P2P_PORT": "9100",
    "CHORUS_API_PORT": "9101",
    "CHORUS_HEALTH_PORT": "0",
    "CHORUS_AGENT_ID": "two",
    "CHORUS_DATA_DIR": "/srv/two",
}


def found(mine: dict, theirs: dict, *, same_machine: bool = False) -> list[tuple[str, bool]]:
    """First name and weight of each clash."""
    one, other = look({**MEET, **mine}, "agent"), look({**MEET, **APART, **theirs}, "agent")
    assert not one.problems + other.problems
    clashes = rules.clashes(one.values, other.values, same_machine=same_machine)
    assert KEY not in str(clashes)
    assert OTHER_KEY not in str(clashes)
    return [(clash.names[0], clash.fatal) for clash in clashes]


def test_two_that_go_together_have_no_clash():
    """The base of the table below."""
    assert found({}, {}, same_machine=True) == []


@pytest.mark.parametrize(("mine", "theirs", "name", "fatal"), CLASHES)
def test_each_clash_is_found_alone(mine, theirs, name, fatal):
    """One difference, one clash, with its weight; whichever of the two has it."""
    assert found(mine, theirs) == [(name, fatal)]


@pytest.mark.parametrize("same_machine", [True, False])
def test_what_two_engines_cannot_share_on_one_machine(same_machine):
    """Ports (crosswise too), folder, name; on two machines that is only worth a word."""
    shared = {
        "CHORUS_API_PORT": "9000",
        "CHORUS_HEALTH_PORT": "8081",
        "CHORUS_DATA_DIR": "/d",
        "CHORUS_AGENT_ID": "one",
    }

    assert sorted(found({"CHORUS_DATA_DIR": "/d"}, shared, same_machine=same_machine)) == sorted(
        (name, same_machine) for name in ("CHORUS_P2P_PORT", "CHORUS_HEALTH_PORT", "CHORUS_DATA_DIR", "CHORUS_AGENT_ID")
    )


def test_an_environment_file_is_read_as_shells_and_docker_read_it(tmp_path):
    """Comments, export, quotes; what is no assignment is told with its line, never with its text."""
    file = tmp_path / "other.env"
    file.write_text(
        "# a comment\n\nexport CHORUS_AGENT_ID=two\nCHORUS_AGENT_ROLE='a b' # role\nCHORUS_DATA_DIR=\"/x y\"\nEMPTY=\n"
    )

    assert environment_file(file) == {
        "CHORUS_AGENT_ID": "two", "CHORUS_AGENT_ROLE": "a b", "CHORUS_DATA_DIR": "/x y", "EMPTY": "",
    }  # fmt: skip
    for wrong in ("hunter2hunter2\n", "A='hunter2hunter2\n"):
        file.write_text(wrong)
        with pytest.raises(EnvironmentFileError, match="line 1") as caught:
            environment_file(file)
        assert "hunter2" not in str(caught.value)


@given(st.text(max_size=200))
def test_no_file_of_text_makes_it_fail_in_another_way(text):
    """Read, or refused in words."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        with contextlib.suppress(EnvironmentFileError):
            assert isinstance(environment_file(Path(file.name)), dict)


def test_the_page_and_the_example_are_made_from_the_table():
    """``make docs`` was run after the last change."""
    assert (ROOT / "docs/configuration.md").read_text() == page.markdown()
    assert (ROOT / "deploy/env.example").read_text() == page.example()


def test_every_line_of_the_example_can_be_set_as_it_stands():
    """With each # taken out an engine would start: what it shows are the defaults, once each, and no secret's value."""
    lines = [line.removeprefix("#") for line in page.example().splitlines() if re.match(r"#[A-Z]", line)]
    shown = dict(line.split("=", 1) for line in lines)

    settings = load(shown | {"CHORUS_LICENSE_ID": "dev-test"}, "agent")
    assert settings.warnings == ()
    assert replace(settings, given=frozenset()) == replace(
        load({"CHORUS_LICENSE_ID": "dev-test"}, "agent"), given=frozenset()
    )
    assert list(shown) == [row.name for row in VARIABLES]


@pytest.mark.parametrize("other", ["", "{default}", "{default}/", "~/{below}"])
def test_the_folder_is_compared_as_it_will_be_used(monkeypatch, other):
    """Unset and written out are one folder: two engines that both use it cannot run on one machine."""
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    default = data_dir("agent", None)
    below = default.relative_to(Path.home())
    theirs = {"CHORUS_DATA_DIR": other.format(default=default, below=below)}

    assert found({}, theirs, same_machine=True) == [("CHORUS_DATA_DIR", True)]
    assert found({}, {"CHORUS_DATA_DIR": "~nobody-of-that-name/x"}, same_machine=True) == []
