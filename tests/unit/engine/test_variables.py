"""Each environment variable has an effect, seen at the part of the engine that it changes.

One engine is built with all of them set, by the same call as the real one (no port is open yet). A row says what a variable is
set to, where its effect is looked for, and what must be there; another engine, built with none of them, must show something
else. A variable that is added without a row turns the first test red.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from chorus_tui.contract.variables import VARIABLES
from chorus_tui.engine.ai.interface import Ask
from chorus_tui.engine.api.doors import Address
from chorus_tui.engine.runtime import serve
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.service_manager import ServiceManager
from chorus_tui.engine.settings import SettingsError, load

HEX = "ab" * 32
PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"
BOOTSTRAP = "/ip4/192.0.2.1/tcp/9000"
MIB = 1 << 20
SECRETS = [variable.name for variable in VARIABLES if variable.secret]


@dataclass(frozen=True)
class Built:
    """An engine that is about to run, and how its log was set up."""

    engine: Engine
    running: serve._Running
    log: tuple[str, str]


@dataclass(frozen=True)
class Effect:
    """``see`` looks at the built engine; ``expected`` is what it finds when the variable is ``value``."""

    value: str
    see: Callable[[Built], Any]
    expected: Any


def mesh(field: str) -> Callable[[Built], Any]:
    return lambda built: getattr(built.engine.mesh._config, field)


def control(field: str) -> Callable[[Built], Any]:
    return lambda built: getattr(built.engine.control.settings, field)


def sandbox(field: str) -> Callable[[Built], Any]:
    return lambda built: getattr(built.engine.executor._settings, field)


def said(field: str) -> Callable[[Built], Any]:
    return lambda built: getattr(built.engine.peers.me, field)


def chain(built: Built) -> list[Any]:
    return [link.provider for link in built.engine.models._links]


def model(built: Built, role: str, provider: str) -> str:
    if not built.engine.models._links:
        return ""
    return built.engine.models._choice.model(Ask(messages=(), schema={}, max_tokens=1, role=role), provider)


def endpoint(number: int) -> Callable[[Built], Any]:
    return lambda built: chain(built)[number].endpoint if chain(built) else ""


def door(name: str) -> Callable[[Built], Address]:
    return lambda built: getattr(built.running.api._doors, name)


def setting(field: str) -> Callable[[Built], Any]:
    """What the service of that name is given; its own tests see it at work."""
    return lambda built: getattr(built.engine.settings, field)


OVER_SSH = {
    "CHORUS_SSH_HOST": "127.0.0.2",
    "CHORUS_SSH_PORT": "2223",
    "CHORUS_SSH_KEYS": "/k",
    "CHORUS_SSH_SESSIONS": "3",
    "CHORUS_SSH_SESSIONS_PER_KEY": "2",
    "CHORUS_SSH_SESSIONS_PER_ADDRESS": "2",
    "CHORUS_SSH_IDLE_S": "60",
}


def effects(folder) -> dict[str, Effect]:
    """The table. Files that some of them name lie in ``folder``."""
    roles = folder / "roles"
    roles.mkdir(exist_ok=True)
    role = {"name": "T", "description": "d", "system_prompt": "Mind the gap.", "defaults": {"expertise": ["rails"]}}
    (roles / "tester.yaml").write_text(json.dumps({"roles": {"tester2": role}}))
    (folder / "instructions.md").write_text("Follow the yellow line.")
    rule = {"name": "mine", "severity": "high", "keywords": ["mine_"], "pattern": "mine_[0-9]{8}"}
    (folder / "rules.toml").write_text(
        "[[rules]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rule.items())
    )
    data = folder / "data"
    return {
        "CHORUS_LICENSE_ID": Effect("dev-other", lambda b: b.engine.settings.license_id, "dev-other"),
        "CHORUS_AGENT_ID": Effect("ada", lambda b: b.engine.agent_id, "ada"),
        "CHORUS_AGENT_ROLE": Effect("reviewer", said("role"), "reviewer"),
        "CHORUS_AGENT_EXPERTISE": Effect("rust, sql", said("expertise"), ("rust", "sql")),
        "CHORUS_AGENT_REPORTS_TO": Effect("grace", said("reports_to"), "grace"),
        "CHORUS_AGENT_SPECIALIZATION": Effect("parsers", said("specialization"), "parsers"),
        "CHORUS_DATA_DIR": Effect(str(data), lambda b: b.engine.folder.path, data),
        "CHORUS_EPHEMERAL": Effect("true", control("ephemeral"), True),
        "CHORUS_NETWORK_KEY": Effect(HEX, mesh("network_key"), bytes.fromhex(HEX)),
        "CHORUS_BOOTSTRAP_PEERS": Effect(BOOTSTRAP, mesh("bootstrap"), [BOOTSTRAP]),
        "CHORUS_P2P_HOST": Effect("127.0.0.9", mesh("listen_host"), "127.0.0.9"),
        "CHORUS_P2P_PORT": Effect("9123", mesh("p2p_port"), 9123),
        "CHORUS_ANNOUNCE_ADDRESSES": Effect("/ip4/192.0.2.9/tcp/1", mesh("announce_addresses"), ["/ip4/192.0.2.9/tcp/1"]),
        "CHORUS_MDNS_ENABLED": Effect("false", mesh("mdns"), False),
        "CHORUS_DHT_ENABLED": Effect("true", lambda b: b.engine.mesh.values is not None, True),
        "CHORUS_DHT_CACHE_SIZE": Effect("7", lambda b: b.engine.mesh.values._limit, 7 * MIB),
        "CHORUS_DHT_TTL": Effect("77", lambda b: b.engine.mesh.values._ttl_s, 77.0),
        "CHORUS_DISCOVERY_GRACE": Effect("42", control("grace_s"), 42.0),
        "CHORUS_ELECTION_EXPECT": Effect("5", control("expect"), 5),
        "CHORUS_ELECTION_PROFILE": Effect("fast", lambda b: len(b.engine.control.settings.parameters) > 1, True),
        "CHORUS_AGENT_MAX_TASKS": Effect("11", lambda b: b.engine.tasks.worker.skills.max_tasks, 11),
        "CHORUS_APPROVAL": Effect("always", lambda b: b.engine.tasks.worker.skills.approval, "always"),
        "CHORUS_TASK_LEASE_S": Effect("99", lambda b: b.engine.control.settings.parameters.get("lease_s"), 99.0),
        "CHORUS_FEED_PER_MINUTE": Effect("17", lambda b: b.engine.journal.flow.limits.per_minute, 17),
        "CHORUS_FEED_TOTAL_MB": Effect("18", lambda b: b.engine.journal.flow.limits.total_bytes, 18 * MIB),
        "CHORUS_BLOB_QUOTA_MB": Effect("19", lambda b: b.engine.blobs.keeping.quota, 19 * MIB),
        "CHORUS_DRAIN_TIMEOUT": Effect("3.5", lambda b: b.running._drain_s, 3.5),
        "DOCKER_HOST": Effect("unix:///tmp/other.sock", sandbox("docker_host"), "unix:///tmp/other.sock"),
        "CHORUS_IMAGES": Effect('{"python": "p:1"}', sandbox("images"), {"python": "p:1"}),
        "CHORUS_IMAGE_REGISTRIES": Effect("r.example", sandbox("registries"), ("r.example",)),
        "CHORUS_REPOSITORY_HOSTS": Effect("git.example", sandbox("repository_hosts"), ("git.example",)),
        "CHORUS_REPOSITORY_CREDENTIALS": Effect('{"git.example": "token-of-git"}', sandbox("repository_credentials"), {"git.example": "token-of-git"}),
        "CHORUS_REPOSITORY_CA": Effect(PEM, sandbox("repository_ca"), PEM),
        "CHORUS_SANDBOX_CPUS": Effect("0.7", sandbox("max_cpus"), 0.7),
        "CHORUS_SANDBOX_MEMORY_MB": Effect("333", sandbox("max_memory_mb"), 333),
        "CHORUS_SANDBOX_WARM": Effect("4", sandbox("warm"), 4),
        "CHORUS_SANDBOX_HOSTS": Effect("h.example", sandbox("sandbox_hosts"), ("h.example:443",)),
        "CHORUS_AI_PROVIDER": Effect("resetdata,ollama", lambda b: [one.name for one in chain(b)], ["resetdata", "ollama"]),
        "OLLAMA_ENDPOINT": Effect("http://127.0.0.1:1", endpoint(1), "http://127.0.0.1:1"),
        "OLLAMA_MODEL": Effect("small", lambda b: model(b, "", "ollama"), "small"),
        "RESETDATA_BASE_URL": Effect("https://m.example/v1", endpoint(0), "https://m.example/v1"),
        "RESETDATA_MODEL": Effect("large", lambda b: model(b, "", "resetdata"), "large"),
        "RESETDATA_API_KEY": Effect("key-of-resetdata-1", lambda b: "key-of-resetdata-1" in b.engine.redactor.text("key-of-resetdata-1"), False),
        "CHORUS_MODELS": Effect('{"reviewer": "careful"}', lambda b: model(b, "reviewer", "resetdata"), "careful"),
        "CHORUS_MODEL_TIMEOUT_S": Effect("12", lambda b: b.engine.models._timeouts.whole, 12.0),
        "CHORUS_PROMPTS_DIR": Effect(str(roles), lambda b: "tester2" in b.engine.prompts.roles, True),
        "CHORUS_DEFAULT_INSTRUCTIONS_PATH": Effect(str(folder / "instructions.md"), lambda b: b.engine.prompts.instructions, "Follow the yellow line."),
        "CHORUS_TEMPLATES_DIR": Effect(str(folder), lambda b: b.engine.hmmm.parts.templates_dir, str(folder)),
        "CHORUS_API_HOST": Effect("127.0.0.2", lambda b: door("api")(b).host, "127.0.0.2"),
        "CHORUS_API_PORT": Effect("8123", lambda b: door("api")(b).port, 8123),
        "CHORUS_API_HOSTS": Effect("portal.example", lambda b: b.running._doors().allowed_hosts, frozenset({"portal.example"})),
        "CHORUS_API_CORS_ORIGINS": Effect("https://p.example", lambda b: b.running._doors().cors_origins, frozenset({"https://p.example"})),
        "CHORUS_API_RATE": Effect("7", lambda b: b.running._doors().rate, 7.0),
        "CHORUS_CALLBACK_HOSTS": Effect("ci.example", lambda b: [str(one) for one in b.engine.callbacks._parts.listed], ["ci.example:443"]),
        "CHORUS_CALLBACK_SECRET": Effect("secret-of-callbacks-1", lambda b: b.engine.callbacks._parts.secret, "secret-of-callbacks-1"),
        "CHORUS_UCXI_ENABLED": Effect("true", lambda b: b.running.api._routes._ucxi, True),
        "CHORUS_HEALTH_HOST": Effect("127.0.0.3", lambda b: door("health")(b).host, "127.0.0.3"),
        "CHORUS_HEALTH_PORT": Effect("8124", lambda b: door("health")(b).port, 8124),
        "CHORUS_KACHING_URL": Effect("https://k.example", setting("kaching_url"), "https://k.example"),
        "CHORUS_KACHING_PUBLIC_KEY": Effect(HEX, setting("kaching_public_key"), HEX),
        "CHORUS_KACHING_TIMEOUT_S": Effect("6", setting("kaching_timeout_s"), 6.0),
        "CHORUS_CLUSTER_ID": Effect("blue", setting("cluster_id"), "blue"),
        "ASSIGN_URL": Effect("http://127.0.0.1:1/a", setting("assign_url"), "http://127.0.0.1:1/a"),
        "CHORUS_ASSIGN_TIMEOUT_S": Effect("7", setting("assign_timeout_s"), 7.0),
        "CHORUS_SERVICE_NAME": Effect("svc", setting("service_name"), "svc"),
        "CHORUS_TASK_SLOT": Effect("3", setting("task_slot"), "3"),
        "CHORUS_BACKBEAT_ENABLED": Effect("false", setting("backbeat_enabled"), False),
        "CHORUS_BACKBEAT_ENDPOINT": Effect("http://127.0.0.1:5", setting("backbeat_endpoint"), "http://127.0.0.1:5"),
        "CHORUS_BACKBEAT_TEMPO_BPM": Effect("30", setting("backbeat_tempo_bpm"), 30.0),
        "CHORUS_BACKBEAT_BAR": Effect("16", setting("backbeat_bar"), 16),
        "CHORUS_SHHH_RULES_FILE": Effect(str(folder / "rules.toml"), lambda b: "mine_12" in b.engine.redactor.text("mine_12345678"), False),
        "CHORUS_SHHH_DENY": Effect("high", setting("shhh_deny"), ("high",)),
        # The front obeys these (unit/cli/test_main.py, integration/system/test_web.py); an engine only takes them.
        "CHORUS_HAP_MODE": Effect("web", lambda b: "CHORUS_HAP_MODE" in b.engine.settings.given, True),
        "CHORUS_THEME": Effect("chorus-light", lambda b: "CHORUS_THEME" in b.engine.settings.given, True),
        "CHORUS_SERVE_ROOT": Effect(str(folder), lambda b: "CHORUS_SERVE_ROOT" in b.engine.settings.given, True),
        "CHORUS_WEB_HOST": Effect("127.0.0.2", lambda b: "CHORUS_WEB_HOST" in b.engine.settings.given, True),
        "CHORUS_WEB_PORT": Effect("8099", lambda b: "CHORUS_WEB_PORT" in b.engine.settings.given, True),
        # These too: unit/serve/test_ssh_settings.py.
        **{
            name: Effect(value, lambda b, name=name: name in b.engine.settings.given, True)
            for name, value in OVER_SSH.items()
        },
        "CHORUS_LOG_LEVEL": Effect("error", lambda b: b.log[0], "error"),
        "CHORUS_LOG_FORMAT": Effect("json", lambda b: b.log[1], "json"),
    }  # fmt: skip


UNSET = {"CHORUS_DHT_ENABLED": "false", "CHORUS_LICENSE_ID": "dev-test"}
"""How the second engine differs from having none of them."""
DHT_ONLY = {"CHORUS_DHT_CACHE_SIZE", "CHORUS_DHT_TTL"}
"""Seen in the DHT, which the second engine has not: their defaults are compared with the settings."""


async def build(environment: dict[str, str], folder, monkeypatch) -> Built:
    """As ``serve`` does it, up to the moment before it listens."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(serve.logs, "configure", lambda level, format_, _redact: told.append((level, format_)))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    place = environment.get("CHORUS_DATA_DIR") or str(folder / "plain")
    # It asks WHOOSH in a loop of its own, which cannot stand inside another.
    engine = await trio.to_thread.run_sync(serve.prepare, "agent", environment, place)
    return Built(engine, serve._Running(engine, None, None, ServiceManager()), told[0])


@pytest.fixture
async def both(tmp_path, monkeypatch):
    """(with all of them, with none, the table)."""
    table = effects(tmp_path)
    with_all = await build({name: effect.value for name, effect in table.items()}, tmp_path, monkeypatch)
    with_none = await build(UNSET, tmp_path, monkeypatch)
    yield with_all, with_none, table
    for built in (with_all, with_none):
        built.engine.close()
        built.engine.folder.close()


ORIGINAL = (
    "CHORUS_LICENSE_ID", "CHORUS_AGENT_ID", "CHORUS_P2P_PORT", "CHORUS_API_PORT", "CHORUS_HEALTH_PORT", "CHORUS_DHT_ENABLED",
    "CHORUS_DHT_CACHE_SIZE", "CHORUS_BOOTSTRAP_PEERS", "OLLAMA_ENDPOINT", "CHORUS_AGENT_ROLE", "CHORUS_AGENT_EXPERTISE",
    "CHORUS_AGENT_REPORTS_TO", "CHORUS_AGENT_SPECIALIZATION", "CHORUS_AGENT_MAX_TASKS", "CHORUS_AI_PROVIDER", "RESETDATA_API_KEY",
    "RESETDATA_BASE_URL", "RESETDATA_MODEL", "ASSIGN_URL", "CHORUS_BACKBEAT_ENABLED", "CHORUS_BACKBEAT_ENDPOINT", "CHORUS_HAP_MODE",
    "CHORUS_PROMPTS_DIR",
)  # fmt: skip
"""What the original CHORUS is set by."""


def test_every_name_of_the_original_is_known():
    """A deployment of the original is taken as it is: none of its names is unknown here."""
    assert set(ORIGINAL) - {variable.name for variable in VARIABLES} == set()


def test_every_variable_has_a_row(tmp_path):
    """None is without an effect that a test sees."""
    assert sorted(effects(tmp_path)) == sorted(variable.name for variable in VARIABLES)


async def test_every_variable_has_its_effect(both):
    """What was set is where it works; without it something else is there."""
    with_all, with_none, table = both
    wrong = {name: effect.see(with_all) for name, effect in table.items() if effect.see(with_all) != effect.expected}
    same = [name for name, effect in table.items() if name not in DHT_ONLY and effect.see(with_none) == effect.expected]

    assert wrong == {}
    assert same == []
    assert with_none.engine.settings.dht_cache_mb * MIB != table["CHORUS_DHT_CACHE_SIZE"].expected
    assert with_none.engine.settings.dht_ttl_s != table["CHORUS_DHT_TTL"].expected


async def test_every_secret_is_redacted_wherever_the_engine_writes(both):
    """The redactor that logs, feeds and answers pass knows each secret's value."""
    with_all, _, table = both
    values = {name: table[name].value for name in SECRETS if name != "CHORUS_REPOSITORY_CREDENTIALS"}
    values["CHORUS_REPOSITORY_CREDENTIALS"] = "token-of-git"

    shown = [name for name, value in values.items() if value in with_all.engine.redactor.text(f"it is {value} here")]
    assert shown == []


def test_every_variable_can_come_from_a_file(tmp_path):
    """``NAME_FILE`` gives the same settings as the value itself, for secrets and all others; both at once are a fault."""
    for name, effect in effects(tmp_path).items():
        file = tmp_path / name.lower()
        file.write_text(f"{effect.value}\n")
        alone = {
            "CHORUS_AI_PROVIDER": {
                "OLLAMA_MODEL": "m",
                "RESETDATA_MODEL": "m",
                "RESETDATA_BASE_URL": "https://m.example",
            }
        }
        rest = {
            **alone.get(name, {}),
            **({"CHORUS_AI_PROVIDER": "ollama", "OLLAMA_MODEL": "m"} if name == "CHORUS_MODELS" else {}),
        }
        rest |= {"CHORUS_KACHING_PUBLIC_KEY": HEX} if name == "CHORUS_KACHING_URL" else {}
        rest = {key: value for key, value in rest.items() if key != name}
        if name == "CHORUS_AI_PROVIDER":
            rest["RESETDATA_API_KEY"] = "k" * 20

        by_file, by_value = (
            load({**rest, f"{name}_FILE": str(file)}, "agent"),
            load({**rest, name: effect.value}, "agent"),
        )
        assert by_file == by_value, name
        with pytest.raises(SettingsError, match=f"{name}: set both directly and by {name}_FILE"):
            load({**rest, name: effect.value, f"{name}_FILE": str(file)}, "agent")


def test_every_misspelt_name_is_met_with_the_nearest():
    """One letter lost or doubled in any of our own names: a warning that names the right one, and no effect."""
    known = {variable.name for variable in VARIABLES}
    for variable in VARIABLES:
        name = variable.name
        if not name.startswith("CHORUS_"):
            continue
        for wrong in {name[:-1], name + name[-1], f"{name[:9]}{name[10:]}"} - known:
            (warning,) = load({wrong: "1"}, "agent").warnings
            assert f"{wrong} is not known and has no effect" in warning
            assert "did you mean CHORUS_" in warning


WRONG = {
    "int": "many", "float": "nan", "port": "99999", "bool": "perhaps", "choice": "neither", "multiaddrs": "here", "json": "{",
    "id": "No Good", "url": "ftp://x",
}  # fmt: skip


def test_all_wrong_values_are_told_at_once():
    """Every variable whose kind can be wrong is wrong: each is named in one error, and no secret's value is repeated."""
    wrong = {variable.name: WRONG[variable.kind] for variable in VARIABLES if variable.kind in WRONG}
    wrong |= {
        "CHORUS_NETWORK_KEY": "hunter2hunter2",
        "RESETDATA_API_KEY": "hunter2 hunter2",
        "CHORUS_REPOSITORY_CREDENTIALS": "hunter2",
    }
    with pytest.raises(SettingsError) as caught:
        load(wrong, "agent")
    named = {problem.partition(":")[0] for problem in caught.value.problems}

    assert named == set(wrong)
    assert "hunter2" not in str(caught.value)
