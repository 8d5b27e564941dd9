"""Settings: one table, all faults at once, no secret in any word."""

from __future__ import annotations

import pytest

from chorus_tui.contract.variables import HUMAN_DEFAULTS, VARIABLES
from chorus_tui.engine.runtime.settings_of_parts import execution_settings
from chorus_tui.engine.settings import _FIELDS, SettingsError, load


def test_every_variable_of_the_table_is_read():
    """No dead name: each variable fills a field of the settings, or is obeyed by the front before any engine is."""
    of_the_front = {"CHORUS_HAP_MODE", "CHORUS_SERVE_ROOT", "CHORUS_THEME", "CHORUS_WEB_HOST", "CHORUS_WEB_PORT"}

    of_the_front |= {variable.name for variable in VARIABLES if variable.name.startswith("CHORUS_SSH_")}

    assert {variable.name for variable in VARIABLES} == set(_FIELDS.values()) | of_the_front


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
    assert "passpass1" not in repr(execution_settings(settings, "me"))


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


MODELS = {"CHORUS_AI_PROVIDER": "ollama, resetdata", "OLLAMA_MODEL": "one", "RESETDATA_BASE_URL": "https://models.example/v1/",
          "RESETDATA_MODEL": "two", "RESETDATA_API_KEY": "k" * 20}  # fmt: skip


def test_the_chain_of_providers_is_read_in_its_order():
    """Addresses lose their last slash, an address of this machine may lack its scheme, the key is known as a secret."""
    settings = load({**MODELS, "OLLAMA_ENDPOINT": "localhost:1234"}, "agent")

    assert settings.ai_providers == ("ollama", "resetdata")
    assert (settings.ollama_endpoint, settings.resetdata_base_url) == (
        "http://localhost:1234",
        "https://models.example/v1",
    )
    assert "k" * 20 in settings.secrets
    assert "k" * 20 not in repr(settings)
    assert settings.warnings == ()


def test_a_provider_elsewhere_is_unencrypted_only_when_the_address_says_so():
    """Without a scheme another machine is refused; with http:// it is taken and warned of."""
    with pytest.raises(SettingsError, match=r"OLLAMA_ENDPOINT: say https://models\.example:1"):
        load({"OLLAMA_ENDPOINT": "models.example:1"}, "agent")

    settings = load({**MODELS, "RESETDATA_BASE_URL": "http://models.example/v1"}, "agent")
    assert "go unencrypted to models.example" in settings.warnings[0]
    assert load({"OLLAMA_ENDPOINT": "http://models.example"}, "agent").warnings == (), "nobody asks there"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"CHORUS_AI_PROVIDER": "openai"}, "'openai' is none of ollama, resetdata"),
        ({"CHORUS_AI_PROVIDER": "ollama,ollama", "OLLAMA_MODEL": "m"}, "named twice"),
        ({"CHORUS_AI_PROVIDER": "ollama"}, "OLLAMA_MODEL: needed"),
        ({"CHORUS_AI_PROVIDER": "resetdata", "RESETDATA_MODEL": "m"}, "RESETDATA_BASE_URL: needed"),
        ({"CHORUS_MODELS": '{"reviewer": "m"}'}, "CHORUS_MODELS: 'reviewer' is for a provider"),
        ({**MODELS, "CHORUS_MODELS": '{"reviewer": {"other": "m"}}'}, "for other, which CHORUS_AI_PROVIDER does not name"),
        ({"CHORUS_MODELS": '{"reviewer": 3}'}, "CHORUS_MODELS: an object of role and model"),
        ({"CHORUS_MODELS": "["}, "CHORUS_MODELS: no JSON"),
        ({"OLLAMA_ENDPOINT": "ftp://host"}, "OLLAMA_ENDPOINT: no address"),
        ({"OLLAMA_ENDPOINT": "http://me:hunter2@host"}, "an address holds no user or password"),
        ({"RESETDATA_API_KEY": "hunter2\nhunter2"}, "RESETDATA_API_KEY: holds a space, a line end"),
        ({"CHORUS_MODEL_TIMEOUT_S": "0"}, "CHORUS_MODEL_TIMEOUT_S: 0 is out of range"),
    ],
)  # fmt: skip
def test_settings_of_models_that_cannot_work_are_told(wrong, said):
    """Each names its variable and what would be right; no key and no password is repeated."""
    with pytest.raises(SettingsError) as caught:
        load(wrong, "agent")

    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_hosts_of_the_way_out_are_read_in_one_form_or_named_as_wrong():
    """Each once, with its port; what is no plain host is told with the reason. Unset: no task is let out."""
    read = load({"CHORUS_SANDBOX_HOSTS": "Example.com, example.com:443,127.0.0.1:8080"}, "agent")

    assert read.sandbox_hosts == ("example.com:443", "127.0.0.1:8080")
    assert load({}, "agent").sandbox_hosts == ()
    with pytest.raises(SettingsError, match=r"CHORUS_SANDBOX_HOSTS: '\*\.example': no host name"):
        load({"CHORUS_SANDBOX_HOSTS": "*.example"}, "agent")
