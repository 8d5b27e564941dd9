"""Settings: one table, all faults at once, no secret in any word."""

from __future__ import annotations

import pytest

from chorus_tui.contract.variables import HUMAN_DEFAULTS, VARIABLES
from chorus_tui.engine.runtime.engine import _execution_settings
from chorus_tui.engine.settings import _FIELDS, SettingsError, load


def test_every_variable_of_the_table_is_read():
    """No dead name: each variable fills a field of the settings."""
    assert {variable.name for variable in VARIABLES} == set(_FIELDS.values())


def test_an_empty_environment_gives_the_defaults_of_the_kind():
    """An agent has the original's ports; a person's engine takes free ones."""
    agent, human = load({}, "agent"), load({}, "human")

    assert (agent.p2p_port, agent.api_port, agent.health_port) == (9000, 8080, 8081)
    assert (human.p2p_port, human.api_port, human.health_port) == (0, 0, 0)
    assert set(HUMAN_DEFAULTS) <= {variable.name for variable in VARIABLES}


def test_all_faults_are_told_at_once_and_secrets_never():
    """Each wrong variable is named; the value of a secret is not repeated; a misspelt one is met with the nearest."""
    wrong = {
        "CHORUS_P2P_PORT": "70000", "CHORUS_MDNS_ENABLED": "perhaps", "CHORUS_BOOTSTRAP_PEERS": "here", "CHORUS_IMAGES": "[]",
        "CHORUS_NETWORK_KEY": "hunter2hunter2", "CHORUS_AGENT_ID": "No Good", "CHORUS_DRAIN_TIMEOUT": "nan", "CHORUS_AGENT_MAX_TASK": "3",
    }  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        load(wrong, "agent")
    said = str(caught.value)

    for name in wrong.keys() - {"CHORUS_AGENT_MAX_TASK"}:
        assert f"{name}: " in said
    assert "did you mean CHORUS_AGENT_MAX_TASKS?" in said
    assert "hunter2" not in said


def test_a_value_can_come_from_a_file_but_not_twice(tmp_path):
    """``NAME_FILE`` works for any variable; both at once, or a file that is none, are faults that name it."""
    file = tmp_path / "key"
    file.write_text("ab" * 32 + "\n")

    assert load({"CHORUS_NETWORK_KEY_FILE": str(file)}, "agent").network_key == "ab" * 32
    for broken in (
        {"CHORUS_NETWORK_KEY": "open", "CHORUS_NETWORK_KEY_FILE": str(file)},
        {"CHORUS_AGENT_ROLE_FILE": str(tmp_path / "no")},
    ):
        with pytest.raises(SettingsError, match="_FILE"):
            load(broken, "agent")


def test_credentials_are_read_by_host_and_kept_out_of_every_word():
    """Each token is a secret by itself, with and without its user; the map is in no representation of what uses it."""
    text = '{"code.example": "tokentoken1", "127.0.0.1:8443": "user:passpass1"}'
    settings = load({"CHORUS_REPOSITORY_CREDENTIALS": text}, "agent")

    assert settings.repository_credentials == {"code.example": "tokentoken1", "127.0.0.1:8443": "user:passpass1"}
    assert {text, "tokentoken1", "user:passpass1", "passpass1"} <= set(settings.secrets)
    assert "passpass1" not in repr(settings)
    assert "passpass1" not in repr(_execution_settings(settings, "me"))


@pytest.mark.parametrize(
    "text",
    [
        "hunter2hunter2",
        '["hunter2hunter2"]',
        '{"https://x": "hunter2hunter2"}',
        '{"a.b": "hunter2hunter2 "}',
        '{"a.b": {"hunter2hunter2": 1}}',
    ],
)
def test_wrong_credentials_are_named_and_never_repeated(text):
    """The variable, what is wrong, and not a letter of the value."""
    with pytest.raises(SettingsError, match="CHORUS_REPOSITORY_CREDENTIALS: ") as caught:
        load({"CHORUS_REPOSITORY_CREDENTIALS": text}, "agent")

    assert "hunter2" not in str(caught.value)


def test_authorities_are_given_as_a_file(tmp_path):
    """The file's content is the setting; what is no certificate is refused."""
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n…\n")

    assert load({"CHORUS_REPOSITORY_CA_FILE": str(file)}, "agent").repository_ca.startswith("-----BEGIN")
    with pytest.raises(SettingsError, match="CHORUS_REPOSITORY_CA: no certificate"):
        load({"CHORUS_REPOSITORY_CA": "x"}, "agent")
