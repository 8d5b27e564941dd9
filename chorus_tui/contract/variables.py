"""The one table of environment variables: settings, ``--help`` and the README are made from it.

Pure data from the standard library, because the command line's help imports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "id", "int", "float", "bool", "port", "list", "multiaddrs", "json", "choice", "url"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable. ``default`` is text as a person would set it; empty means unset. Secrets never show their value.

    Every variable can also be given as ``NAME_FILE``, the path of a file that holds the value.
    """

    name: str
    kind: Kind
    default: str
    group: str
    help: str
    secret: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


_IDENTITY, _NETWORK, _WORK, _SANDBOX, _DOORS = "Identity", "Network", "Work", "Sandbox", "Doors and logs"
_MODELS = "Models"

VARIABLES: tuple[Variable, ...] = (
    Variable("CHORUS_LICENSE_ID", "text", "", _IDENTITY, "The licence; required. dev-… for development", secret=True),
    Variable("CHORUS_KACHING_URL", "url", "", _IDENTITY, "The licence server; unset: development licences only"),
    Variable("CHORUS_KACHING_PUBLIC_KEY", "text", "", _IDENTITY, "The licence server's public key (Ed25519), 32 bytes as hex or base64"),
    Variable("CHORUS_KACHING_TIMEOUT_S", "float", "5", _IDENTITY, "Seconds the licence server may take for one answer", low=0.1, high=60),
    Variable("CHORUS_CLUSTER_ID", "text", "chorus", _IDENTITY, "The cluster that the licence is for; also named in beats"),
    Variable("ASSIGN_URL", "text", "", _IDENTITY, "WHOOSH's assignment of this agent, as JSON over HTTP; read at the start and on SIGHUP, "
             "stands above the environment. {{.Service.Name}}, {{.Task.Slot}}, {{.Agent.ID}} in it are filled in"),
    Variable("CHORUS_ASSIGN_TIMEOUT_S", "float", "10", _IDENTITY, "Seconds the assignment may take to come", low=0.1, high=120),
    Variable("CHORUS_SERVICE_NAME", "text", "", _IDENTITY, "What {{.Service.Name}} in ASSIGN_URL stands for outside Docker Swarm"),
    Variable("CHORUS_TASK_SLOT", "text", "", _IDENTITY, "What {{.Task.Slot}} in ASSIGN_URL stands for outside Docker Swarm"),
    Variable("CHORUS_AGENT_ID", "id", "", _IDENTITY, "The name others see; made from the peer's key when unset"),
    Variable("CHORUS_AGENT_ROLE", "text", "", _IDENTITY, "Role, such as developer or reviewer"),
    Variable("CHORUS_AGENT_EXPERTISE", "list", "", _IDENTITY, "Areas of expertise, with commas between; "
             "unset: those of the role"),
    Variable("CHORUS_AGENT_REPORTS_TO", "text", "", _IDENTITY, "Agent id of the supervisor"),
    Variable("CHORUS_AGENT_SPECIALIZATION", "text", "general", _IDENTITY, "Kind of tasks it is best at"),
    Variable("CHORUS_DATA_DIR", "text", "", _IDENTITY, "Data folder; one per kind in the user's data folder when unset"),
    Variable("CHORUS_EPHEMERAL", "choice", "auto", _IDENTITY, "Whether this identity is lost with its container, so that the mesh "
             "retires it after 10 minutes of silence; auto: when the data folder is on an overlay or in memory",
             choices=("auto", "true", "false")),
    Variable("CHORUS_NETWORK_KEY", "text", "", _NETWORK, "Who is on one network: 32 bytes as hex or base64, or 'open'. "
             "Unset: a key of your user's own, this machine only", secret=True),
    Variable("CHORUS_BOOTSTRAP_PEERS", "multiaddrs", "", _NETWORK, "Multiaddrs to dial first, with commas between"),
    Variable("CHORUS_P2P_HOST", "text", "0.0.0.0", _NETWORK, "Address to listen on for peers"),  # noqa: S104 - peers are elsewhere
    Variable("CHORUS_P2P_PORT", "port", "9000", _NETWORK, "Port for peers; 0 takes any free one"),
    Variable("CHORUS_ANNOUNCE_ADDRESSES", "multiaddrs", "", _NETWORK, "Addresses to tell others, first of all"),
    Variable("CHORUS_MDNS_ENABLED", "bool", "true", _NETWORK, "Find peers on the local network"),
    Variable("CHORUS_DHT_ENABLED", "bool", "true", _NETWORK, "Keep records in the mesh's DHT too; they can be found without it"),
    Variable("CHORUS_DHT_CACHE_SIZE", "int", "100", _NETWORK, "What this peer holds of the DHT at most, MiB of memory",
             low=1, high=1 << 14),
    Variable("CHORUS_DHT_TTL", "float", "86400", _NETWORK, "Seconds the DHT keeps a record that nobody puts anew; its maker does at a "
             "third of that", low=30, high=30 * 86_400),
    Variable("CHORUS_DISCOVERY_GRACE", "float", "", _NETWORK, "Seconds to look for a mesh before founding one; 3, or 10 "
             "with bootstrap peers", low=0, high=3600),
    Variable("CHORUS_ELECTION_EXPECT", "int", "1", _NETWORK, "Found a mesh only when this many peers are here", low=1, high=1000),
    Variable("CHORUS_ELECTION_PROFILE", "choice", "default", _NETWORK, "Times of the mesh this peer founds: an admin that is "
             "silent for 15 s is replaced, or with 'fast' for 1.2 s", choices=("default", "fast")),
    Variable("CHORUS_AGENT_MAX_TASKS", "int", "3", _WORK, "Tasks at once; 0 takes none; a role file may have "
             "another default", low=0, high=1000),
    Variable("CHORUS_APPROVAL", "choice", "auto", _WORK, "Tasks this peer takes only after people approved them: none, "
             "risky ones, or always; a task may ask for more", choices=("auto", "risky", "always")),
    Variable("CHORUS_TASK_LEASE_S", "float", "", _WORK, "Seconds a grant holds without renewal; counts for the mesh this "
             "peer founds (60)", low=1, high=3600),
    Variable("CHORUS_FEED_PER_MINUTE", "int", "600", _WORK, "New announcements and discussion this peer may say a minute; results, "
             "votes and cancellations always pass", low=1, high=1_000_000),
    Variable("CHORUS_FEED_TOTAL_MB", "int", "512", _WORK, "What this peer announces may fill on every member's disk, MiB; erasing "
             "makes room", low=1, high=1 << 20),
    Variable("CHORUS_BLOB_QUOTA_MB", "int", "10240", _WORK, "Disk share of files by hash, MiB; what is pinned may go beyond it",
             low=1, high=1 << 30),
    Variable("CHORUS_DRAIN_TIMEOUT", "float", "30", _WORK, "Seconds running tasks may go on after SIGTERM", low=0, high=3600),
    Variable("DOCKER_HOST", "text", "unix:///var/run/docker.sock", _SANDBOX, "The Docker Engine"),
    Variable("CHORUS_IMAGES", "json", "", _SANDBOX, 'Images by language, as JSON: {"python": "python:3.12-slim"}'),
    Variable("CHORUS_IMAGE_REGISTRIES", "list", "docker.io", _SANDBOX, "Registries images may be pulled from"),
    Variable("CHORUS_REPOSITORY_HOSTS", "list", "github.com,gitlab.com,codeberg.org", _SANDBOX, "Hosts repositories may be "
             "cloned from"),
    Variable("CHORUS_REPOSITORY_CREDENTIALS", "json", "", _SANDBOX, 'Credentials of such hosts, as JSON: {"github.com": '
             '"a token, or user:token"}; each goes to its own host only', secret=True),
    Variable("CHORUS_REPOSITORY_CA", "text", "", _SANDBOX, "Certificates (PEM) of authorities such hosts may have besides the "
             "system's; CHORUS_REPOSITORY_CA_FILE names their file"),
    Variable("CHORUS_SANDBOX_CPUS", "float", "", _SANDBOX, "CPUs of all sandboxes together; all cores but one", low=0.1, high=1024),
    Variable("CHORUS_SANDBOX_MEMORY_MB", "int", "2048", _SANDBOX, "Memory of one sandbox at most, MiB", low=16, high=1 << 20),
    Variable("CHORUS_SANDBOX_WARM", "int", "1", _SANDBOX, "Sandboxes that wait started for the next tasks; 0: none", low=0, high=16),
    Variable("CHORUS_SANDBOX_HOSTS", "list", "", _SANDBOX, "Hosts (host or host:port, without a port 443) tasks may be let out "
             "to, when people approved it; unset: none"),
    Variable("CHORUS_AI_PROVIDER", "list", "", _MODELS, "Who answers questions to a model, in the order in which they are asked: "
             "ollama, resetdata, or both with a comma; unset: no task with a goal is taken", choices=("ollama", "resetdata")),
    Variable("OLLAMA_ENDPOINT", "url", "http://127.0.0.1:11434", _MODELS, "The Ollama server"),
    Variable("OLLAMA_MODEL", "text", "", _MODELS, "Its model, such as qwen2.5-coder:7b"),
    Variable("RESETDATA_BASE_URL", "url", "", _MODELS, "ResetData or any service with OpenAI's chat completions; ends with its "
             "version, such as https://host/v1"),
    Variable("RESETDATA_MODEL", "text", "", _MODELS, "Its model"),
    Variable("RESETDATA_API_KEY", "text", "", _MODELS, "Its key; sent nowhere else", secret=True),
    Variable("CHORUS_MODELS", "json", "", _MODELS, "Models by role and kind of task, as JSON: "
             '{"reviewer": "qwen2.5-coder:14b", "*/plan": {"resetdata": "a-model"}}'),
    Variable("CHORUS_MODEL_TIMEOUT_S", "float", "300", _MODELS, "Seconds one try at one provider may take", low=1, high=3600),
    Variable("CHORUS_PROMPTS_DIR", "text", "", _MODELS, "Folder of role files (*.yaml) that add to the presets or replace them"),
    Variable("CHORUS_DEFAULT_INSTRUCTIONS_PATH", "text", "", _MODELS, "Text that follows every role's prompt, instead of ours"),
    Variable("CHORUS_TEMPLATES_DIR", "text", "", _DOORS, "Folder of templates for messages in rooms (*.json)"),
    Variable("CHORUS_API_HOST", "text", "127.0.0.1", _DOORS, "Address of the HTTP API"),
    Variable("CHORUS_API_PORT", "port", "8080", _DOORS, "Port of the HTTP API and /metrics; 0 takes any free one"),
    Variable("CHORUS_API_HOSTS", "list", "", _DOORS, "Further names the Host header of a request may have, with commas between; "
             "addresses, localhost and names without a dot always may"),
    Variable("CHORUS_API_CORS_ORIGINS", "list", "", _DOORS, "Sites whose pages may call the API, such as https://portal.example; "
             "unset: none"),
    Variable("CHORUS_API_RATE", "float", "100", _DOORS, "Requests a second one token may make", low=0.1, high=1_000_000),
    Variable("CHORUS_CALLBACK_HOSTS", "list", "", _DOORS, "Hosts (host or host:port, without a port 443) that finished tasks may call; "
             "unset: none"),
    Variable("CHORUS_CALLBACK_SECRET", "text", "", _DOORS, "What such calls are signed with, 16 characters at least", secret=True),
    Variable("CHORUS_UCXI_ENABLED", "bool", "false", _DOORS, "UCXI on the HTTP API: content under addresses at /ucxi/v1"),
    Variable("CHORUS_HEALTH_HOST", "text", "127.0.0.1", _DOORS, "Address of the health endpoints"),
    Variable("CHORUS_HEALTH_PORT", "port", "8081", _DOORS, "Port of the health endpoints; 0 takes any free one"),
    Variable("CHORUS_BACKBEAT_ENABLED", "bool", "true", _DOORS, "Follow the mesh's beat and claim a state on each"),
    Variable("CHORUS_BACKBEAT_ENDPOINT", "url", "", _DOORS, "A BACKBEAT service: beats are read there, claims and bar reports go there; "
             "unset: the admin gives the beat"),
    Variable("CHORUS_BACKBEAT_TEMPO_BPM", "float", "2", _DOORS, "Beats a minute that this peer gives as admin", low=0.1, high=1000),
    Variable("CHORUS_BACKBEAT_BAR", "int", "120", _DOORS, "Beats a bar that this peer gives as admin", low=1, high=10_000),
    Variable("CHORUS_HAP_MODE", "choice", "terminal", _DOORS, "Where people see the portal: in the terminal; web: 'chorus-tui' serves it "
             "to browsers, as 'chorus-tui web' does", choices=("terminal", "web")),
    Variable("CHORUS_SERVE_ROOT", "text", "", _DOORS, "Folder of this machine that people at a served portal may open; unset: no file"),
    Variable("CHORUS_SSH_HOST", "text", "127.0.0.1", _DOORS, "Address of the portal over SSH"),
    Variable("CHORUS_SSH_PORT", "port", "2222", _DOORS, "Port of the portal over SSH; 0 takes any free one"),
    Variable("CHORUS_SSH_KEYS", "text", "", _DOORS, "File of the keys that may come in over SSH; ssh/authorized_keys in the data folder "
             "when unset"),
    Variable("CHORUS_SSH_SESSIONS", "int", "40", _DOORS, "Sessions over SSH at once", low=1, high=1000),
    Variable("CHORUS_SSH_SESSIONS_PER_KEY", "int", "8", _DOORS, "Sessions of one key at once", low=1, high=1000),
    Variable("CHORUS_SSH_SESSIONS_PER_ADDRESS", "int", "24", _DOORS, "Sessions from one address at once", low=1, high=1000),
    Variable("CHORUS_SSH_IDLE_S", "int", "3600", _DOORS, "Seconds without a key after which a session over SSH ends; 0: it stays", low=0,
             high=86_400),
    Variable("CHORUS_WEB_HOST", "text", "127.0.0.1", _DOORS, "Address of the portal for browsers"),
    Variable("CHORUS_WEB_PORT", "port", "8090", _DOORS, "Port of the portal for browsers; 0 takes any free one"),
    Variable("CHORUS_THEME", "text", "", _DOORS, "Colours of the portal: chorus-dark, chorus-light, chorus-mono, ansi-dark, ansi-light or "
             "another of the palette; unset: what was chosen last. NO_COLOR counts more"),
    Variable("CHORUS_LOG_LEVEL", "choice", "info", _DOORS, "How much is logged", choices=("debug", "info", "warning", "error")),
    Variable("CHORUS_LOG_FORMAT", "choice", "auto", _DOORS, "json, text, or auto: text on a terminal", choices=("auto", "json", "text")),
    Variable("CHORUS_SHHH_RULES_FILE", "text", "", _DOORS, "Rules of your own for what is a secret, as TOML (docs/shhh.md)"),
    Variable("CHORUS_SHHH_DENY", "list", "", _DOORS, "Severities of secrets for which a request is refused, with commas between; what "
             "is not refused is redacted", choices=("critical", "high", "medium", "low")),
)  # fmt: skip

HUMAN_DEFAULTS = {"CHORUS_P2P_PORT": "0", "CHORUS_API_PORT": "0", "CHORUS_HEALTH_PORT": "0"}
"""Where a person's own engine differs, so that both kinds live on one machine."""


def named(name: str) -> Variable:
    """The row of a variable. Raises KeyError."""
    found = [variable for variable in VARIABLES if variable.name == name]
    if not found:
        raise KeyError(name)
    return found[0]
