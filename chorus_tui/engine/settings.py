"""Settings from the environment: the only reader of it in the engine. All faults are told at once."""

from __future__ import annotations

import base64
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chorus_tui.contract import hosts
from chorus_tui.contract.variables import HUMAN_DEFAULTS, VARIABLES, Variable
from chorus_tui.engine import model_settings, service_settings

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MULTIADDR = re.compile(r"/(ip4|ip6|dns|dns4|dns6)/[^/\s]+/tcp/\d{1,5}(/p2p/[1-9A-HJ-NP-Za-km-z]{20,80})?")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_CREDENTIAL = re.compile(r"([^\s:\x00-\x1f\x7f]{1,256}:)?[\x21-\x7e]{1,4096}")
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


class SettingsError(Exception):
    """The environment cannot be used. ``problems`` are all faults, one line each, without secrets; ``warnings`` the notes beside them."""

    def __init__(self, problems: list[str], warnings: list[str]) -> None:
        lines = ["The settings cannot be used:", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join([*lines, *(f"  note: {warning}" for warning in warnings)]))
        self.problems = problems
        self.warnings = warnings


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person or an operator set, checked; times in seconds, sizes in MiB."""

    license_id: str = field(repr=False)
    kaching_url: str
    kaching_public_key: str
    kaching_timeout_s: float
    cluster_id: str
    assign_url: str = field(repr=False)
    assign_timeout_s: float
    service_name: str
    task_slot: str
    agent_id: str
    role: str
    expertise: tuple[str, ...]
    reports_to: str
    specialization: str
    data_dir: str
    network_key: str = field(repr=False)
    bootstrap_peers: tuple[str, ...]
    p2p_host: str
    p2p_port: int
    announce_addresses: tuple[str, ...]
    mdns_enabled: bool
    dht_enabled: bool
    dht_cache_mb: int
    dht_ttl_s: float
    discovery_grace_s: float | None
    election_expect: int
    election_profile: str
    ephemeral: str
    max_tasks: int
    task_lease_s: float | None
    task_approval: Literal["auto", "risky", "always"]
    feed_per_minute: int
    feed_total_mb: int
    blob_quota_mb: int
    drain_timeout_s: float
    docker_host: str
    images: dict[str, str]
    image_registries: tuple[str, ...]
    repository_hosts: tuple[str, ...]
    repository_credentials: dict[str, str] = field(repr=False)
    repository_ca: str
    sandbox_max_cpus: float | None
    sandbox_max_memory_mb: int
    sandbox_warm: int
    sandbox_hosts: tuple[str, ...]
    ai_providers: tuple[str, ...]
    ollama_endpoint: str
    ollama_model: str
    resetdata_base_url: str
    resetdata_model: str
    resetdata_api_key: str = field(repr=False)
    models: dict[str, str | dict[str, str]]
    model_timeout_s: float
    prompts_dir: str
    templates_dir: str
    default_instructions_path: str
    api_host: str
    api_port: int
    api_hosts: tuple[str, ...]
    api_cors_origins: tuple[str, ...]
    api_rate: float
    callback_hosts: tuple[str, ...]
    callback_secret: str = field(repr=False)
    ucxi_enabled: bool
    health_host: str
    health_port: int
    backbeat_enabled: bool
    backbeat_endpoint: str
    backbeat_tempo_bpm: float
    backbeat_bar: int
    log_level: str
    log_format: str
    shhh_rules_file: str
    shhh_deny: tuple[str, ...]
    given: frozenset[str] = frozenset()
    """Names of the variables that were set, whatever to."""
    warnings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


_FIELDS = {
    "license_id": "CHORUS_LICENSE_ID", "kaching_url": "CHORUS_KACHING_URL", "kaching_public_key": "CHORUS_KACHING_PUBLIC_KEY",
    "kaching_timeout_s": "CHORUS_KACHING_TIMEOUT_S", "cluster_id": "CHORUS_CLUSTER_ID", "assign_url": "ASSIGN_URL",
    "assign_timeout_s": "CHORUS_ASSIGN_TIMEOUT_S", "service_name": "CHORUS_SERVICE_NAME", "task_slot": "CHORUS_TASK_SLOT",
    "agent_id": "CHORUS_AGENT_ID", "role": "CHORUS_AGENT_ROLE",
    "expertise": "CHORUS_AGENT_EXPERTISE", "reports_to": "CHORUS_AGENT_REPORTS_TO",
    "specialization": "CHORUS_AGENT_SPECIALIZATION", "data_dir": "CHORUS_DATA_DIR", "network_key": "CHORUS_NETWORK_KEY",
    "bootstrap_peers": "CHORUS_BOOTSTRAP_PEERS", "p2p_host": "CHORUS_P2P_HOST", "p2p_port": "CHORUS_P2P_PORT",
    "announce_addresses": "CHORUS_ANNOUNCE_ADDRESSES", "mdns_enabled": "CHORUS_MDNS_ENABLED",
    "dht_enabled": "CHORUS_DHT_ENABLED", "dht_cache_mb": "CHORUS_DHT_CACHE_SIZE", "dht_ttl_s": "CHORUS_DHT_TTL",
    "discovery_grace_s": "CHORUS_DISCOVERY_GRACE", "election_expect": "CHORUS_ELECTION_EXPECT",
    "election_profile": "CHORUS_ELECTION_PROFILE", "ephemeral": "CHORUS_EPHEMERAL",
    "max_tasks": "CHORUS_AGENT_MAX_TASKS", "task_lease_s": "CHORUS_TASK_LEASE_S", "task_approval": "CHORUS_APPROVAL",
    "drain_timeout_s": "CHORUS_DRAIN_TIMEOUT", "feed_per_minute": "CHORUS_FEED_PER_MINUTE",
    "feed_total_mb": "CHORUS_FEED_TOTAL_MB", "blob_quota_mb": "CHORUS_BLOB_QUOTA_MB",
    "docker_host": "DOCKER_HOST", "images": "CHORUS_IMAGES", "image_registries": "CHORUS_IMAGE_REGISTRIES",
    "repository_hosts": "CHORUS_REPOSITORY_HOSTS", "repository_credentials": "CHORUS_REPOSITORY_CREDENTIALS",
    "repository_ca": "CHORUS_REPOSITORY_CA",
    "sandbox_max_cpus": "CHORUS_SANDBOX_CPUS",
    "sandbox_max_memory_mb": "CHORUS_SANDBOX_MEMORY_MB", "sandbox_warm": "CHORUS_SANDBOX_WARM",
    "sandbox_hosts": "CHORUS_SANDBOX_HOSTS",
    "ai_providers": "CHORUS_AI_PROVIDER",
    "ollama_endpoint": "OLLAMA_ENDPOINT", "ollama_model": "OLLAMA_MODEL", "resetdata_base_url": "RESETDATA_BASE_URL",
    "resetdata_model": "RESETDATA_MODEL", "resetdata_api_key": "RESETDATA_API_KEY", "models": "CHORUS_MODELS",
    "model_timeout_s": "CHORUS_MODEL_TIMEOUT_S", "prompts_dir": "CHORUS_PROMPTS_DIR", "templates_dir": "CHORUS_TEMPLATES_DIR",
    "default_instructions_path": "CHORUS_DEFAULT_INSTRUCTIONS_PATH", "api_host": "CHORUS_API_HOST", "api_port": "CHORUS_API_PORT",
    "api_hosts": "CHORUS_API_HOSTS", "api_cors_origins": "CHORUS_API_CORS_ORIGINS", "api_rate": "CHORUS_API_RATE",
    "callback_hosts": "CHORUS_CALLBACK_HOSTS", "callback_secret": "CHORUS_CALLBACK_SECRET",
    "ucxi_enabled": "CHORUS_UCXI_ENABLED",
    "health_host": "CHORUS_HEALTH_HOST", "health_port": "CHORUS_HEALTH_PORT",
    "backbeat_enabled": "CHORUS_BACKBEAT_ENABLED", "backbeat_endpoint": "CHORUS_BACKBEAT_ENDPOINT",
    "backbeat_tempo_bpm": "CHORUS_BACKBEAT_TEMPO_BPM", "backbeat_bar": "CHORUS_BACKBEAT_BAR", "log_level": "CHORUS_LOG_LEVEL",
    "log_format": "CHORUS_LOG_FORMAT",
    "shhh_rules_file": "CHORUS_SHHH_RULES_FILE", "shhh_deny": "CHORUS_SHHH_DENY",
}  # fmt: skip


def load(environ: Mapping[str, str], kind: Literal["agent", "human"]) -> Settings:
    """Read and check everything. Raises :class:`SettingsError` with all faults."""
    problems: list[str] = []
    values: dict[str, Any] = {}
    secrets: list[str] = []
    for variable in VARIABLES:
        try:
            text, values[variable.name] = read(variable, environ, kind)
            if variable.secret and text:
                secrets.extend(_secrets(values[variable.name], text))
        except ValueError as error:
            problems.append(f"{variable.name}: {error}")
    problems += [*model_settings.incomplete(values), *service_settings.incomplete(values)]
    warnings = [*_unknown(environ), *model_settings.unencrypted(values), *service_settings.unencrypted(values)]
    if problems:
        raise SettingsError(problems, warnings)
    fields = {field: values[name] for field, name in _FIELDS.items()}
    given = frozenset(
        name for name in values if environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip()
    )
    return Settings(**fields, given=given, warnings=tuple(warnings), secrets=tuple(secrets))


def read(variable: Variable, environ: Mapping[str, str], kind: str) -> tuple[str, Any]:
    """One variable as text and as value. Raises ValueError with the fault and what would be right."""
    text = _text(variable, environ, kind)
    return text, _parse(variable, text)


def variable_of(field: str) -> str:
    """The variable that a field of :class:`Settings` comes from."""
    return _FIELDS[field]


def _text(variable: Variable, environ: Mapping[str, str], kind: str) -> str:
    """The value as text: set, from its file, or the default."""
    given, file = environ.get(variable.name, "").strip(), environ.get(f"{variable.name}_FILE", "").strip()
    if given and file:
        raise ValueError(f"set both directly and by {variable.name}_FILE; use one of them")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ValueError(f"the file {file} that {variable.name}_FILE names cannot be read: {why}") from None
    if given:
        return given
    return HUMAN_DEFAULTS.get(variable.name, variable.default) if kind == "human" else variable.default


def _parse(variable: Variable, text: str) -> Any:
    """Typed value. Raises ValueError with the fault and what would be right."""
    if variable.name in _READERS:
        return _READERS[variable.name](text)
    if variable.kind in ("list", "multiaddrs"):
        return _items(variable, text)
    if not text:
        return None if variable.kind in ("float", "int") else ""
    if variable.kind in ("int", "float", "port"):
        return _number(variable, text)
    if variable.kind == "bool":
        return _bool(text)
    if variable.kind == "id" and not ID.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name: small letters, digits, '.', '_' and '-', at most 63, a letter or digit first"
        )
    if variable.kind == "choice" and text not in variable.choices:
        raise ValueError(f"{text!r} is none of {', '.join(variable.choices)}")
    return text


def _number(variable: Variable, text: str) -> float | int:
    whole = variable.kind in ("int", "port")
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no {'whole number' if whole else 'number'}") from None
    low, high = (0, 65535) if variable.kind == "port" else (variable.low, variable.high)
    if (low is not None and number < low) or (high is not None and number > high) or math.isnan(number):
        raise ValueError(f"{text} is out of range; {low:g} to {high:g} is allowed")
    return number


def _bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _items(variable: Variable, text: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    if variable.kind == "multiaddrs":
        for item in items:
            if not MULTIADDR.fullmatch(item):
                raise ValueError(
                    f"{item!r} is no multiaddr such as /ip4/192.0.2.1/tcp/9000 or /dns4/host/tcp/9000/p2p/12D3Koo…"
                )
    for item in items:
        if variable.choices and item not in variable.choices:
            raise ValueError(f"{item!r} is none of {', '.join(variable.choices)}")
    if len(set(items)) < len(items) and variable.choices:
        raise ValueError("one of them is named twice")
    return items


def _images(text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from None
    if not isinstance(value, dict) or not all(isinstance(v, str) and v for v in value.values()):
        raise ValueError('an object of language and image is expected, such as {"python": "python:3.12-slim"}')
    return {str(language).lower(): image for language, image in value.items()}


def _credentials(text: str) -> dict[str, str]:
    """Host to token or ``user:token``. Never repeats a value, nor JSON's complaint about one."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(value, dict):
        # A wrong value, not a wrong use of ours: all faults of settings are of one kind.
        raise ValueError('an object of host and token is expected, such as {"github.com": "…"}')  # noqa: TRY004 - as above
    for host, credential in value.items():
        if not _HOST.fullmatch(host):
            raise ValueError("a host is expected before each token, such as code.example or code.example:8443")
        if not isinstance(credential, str) or not _CREDENTIAL.fullmatch(credential):
            raise ValueError(f"{host}: a token or user:token is expected, without blanks")
    return value


def _secrets(value: Any, text: str) -> list[str]:
    """What of a secret variable must never be shown: a map's tokens one by one, since each is seen by itself."""
    if not isinstance(value, dict):
        return [text]
    return [
        text,
        *value.values(),
        *(credential.partition(":")[2] for credential in value.values() if ":" in credential),
    ]


def _network_key(text: str) -> str:
    """The form only; what it stands for is the mesh's affair. Never repeats the value."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or text.lower() == "open":
        return text
    if lines[0] == "/key/swarm/psk/1.0.0/" and len(lines) == 3:
        return text
    bare = lines[0] if len(lines) == 1 else ""
    if re.fullmatch(r"[0-9a-fA-F]{64}", bare):
        return text
    try:
        if len(base64.b64decode(bare, validate=True)) == 32:
            return text
    except ValueError:
        pass
    raise ValueError("not a key; 32 bytes as 64 hex digits or as base64, a swarm.key file's text, or the word open")


def _certificates(text: str) -> str:
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        raise ValueError("no certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----")
    return text


def _hosts(text: str) -> tuple[str, ...]:
    """Hosts with their ports, each once."""
    found: list[str] = []
    for item in filter(None, (item.strip() for item in text.split(","))):
        try:
            found.append(str(hosts.target(item)))
        except ValueError as error:
            raise ValueError(f"{item!r}: {error}") from None
    return tuple(dict.fromkeys(found))


def _names(text: str) -> tuple[str, ...]:
    """Host names as they stand in a Host header, without a port."""
    found = [item.strip().lower() for item in text.split(",") if item.strip()]
    for name in found:
        if not _HOST.fullmatch(name) or ":" in name:
            raise ValueError(f"{name!r} is no host name; write it without scheme, port and wildcard")
    return tuple(dict.fromkeys(found))


def _origins(text: str) -> tuple[str, ...]:
    """Sites as browsers name them in an Origin header."""
    found = [item.strip().lower() for item in text.split(",") if item.strip()]
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin such as https://portal.example or http://localhost:3000")
    return tuple(dict.fromkeys(found))


def _signing(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError("too short to sign with; 16 characters at least, such as from: openssl rand -hex 32")
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "CHORUS_NETWORK_KEY": _network_key,
    "CHORUS_IMAGES": _images,
    "CHORUS_MODELS": model_settings.models,
    "OLLAMA_ENDPOINT": model_settings.address,
    "RESETDATA_BASE_URL": model_settings.address,
    "RESETDATA_API_KEY": model_settings.key,
    "CHORUS_REPOSITORY_CREDENTIALS": _credentials,
    "CHORUS_REPOSITORY_CA": _certificates,
    "CHORUS_SANDBOX_HOSTS": _hosts,
    "CHORUS_CALLBACK_HOSTS": _hosts,
    "CHORUS_CALLBACK_SECRET": _signing,
    "CHORUS_API_HOSTS": _names,
    "CHORUS_API_CORS_ORIGINS": _origins,
    **service_settings.READERS,
}
"""Variables that are read in a way of their own; all others by their kind."""


def _unknown(environ: Mapping[str, str]) -> list[str]:
    """A misspelt variable has no effect; say which one was probably meant."""
    known = [variable.name for variable in VARIABLES]
    known += [f"{name}_FILE" for name in known]
    notes = []
    for name in sorted(environ):
        if name.startswith("CHORUS_") and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            notes.append(f"{name} is not known and has no effect{f'; did you mean {near[0]}?' if near else ''}")
    return notes
