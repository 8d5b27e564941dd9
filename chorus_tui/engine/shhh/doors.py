"""The one table of doors: every way on which text leaves this process or reaches its disk, and what keeps secrets in there.

A module that gets a way out (a file it writes, a stream it sends on, a process it starts) has to stand in a row here, or the test
of this table fails. ``redacted`` doors replace what is found; the ``held`` door keeps files back for a person; ``same`` doors
carry only what passed another door before; ``ours`` carry nothing that people, programs or models wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

How = Literal["redacted", "held", "same", "ours"]

ANSWER: Final = "answer"
CALLBACK: Final = "callback"
BUNDLE: Final = "support bundle"
CONTENT: Final = "content"
CONTROL: Final = "control"
CRASH: Final = "crash report"
EVENT: Final = "event"
FEED: Final = "feed"
LOG: Final = "log"
OUTPUT: Final = "output"
PROMPT: Final = "prompt"
REPLAY: Final = "replay"
SEALED: Final = "sealed"
TRANSCRIPT: Final = "transcript"
TYPED: Final = "typed"


@dataclass(frozen=True, slots=True)
class Door:
    """One way out. ``modules`` are those below ``chorus_tui.engine`` whose code opens it."""

    name: str
    carries: str
    how: How
    where: str
    """In words: what does it, at which place."""
    modules: tuple[str, ...] = ()


DOORS: tuple[Door, ...] = (
    Door(FEED, "what is said to others, durable or fleeting: feeds and gossip", "redacted",
         "the journal's speech, before anything is sealed, stored or published",
         ("journal.database", "journal.journal", "mesh.gossip", "simulation.hostile")),
    Door(CONTROL, "what the control log takes: reasons, names, parameters", "redacted",
         "requests to the admin, before they are signed", ("control.store",)),
    Door(SEALED, "parts that only some roles read", "redacted", "before they are encrypted"),
    Door(CONTENT, "content under addresses", "redacted", "before it is sealed and stored; what is no text is held as a file is"),
    Door(TYPED, "what people write into rooms, patches, votes, shared texts", "redacted",
         "as soon as it is typed, so that its writer sees it; a patch with a secret is refused"),
    Door("blob", "files: results, patches, bundles, snapshots", "held",
         "scanned when they are made here or read for somebody; one with a finding goes nowhere until a person releases it",
         ("execution.collect", "execution.patch", "journal.blobs.exchange", "journal.blobs.files", "journal.blobs.holding")),
    Door(OUTPUT, "what a task prints: live, in its log, in its result", "redacted", "as it is read from the sandbox, before it is kept",
         ("execution.output",)),
    Door(TRANSCRIPT, "what an agent asked, did and saw", "redacted", "line by line, before it is written", ("ai.agent.transcript",)),
    Door(PROMPT, "what a model is asked, and what a provider says of its errors", "redacted", "the chain of providers, its one door",
         ("ai.ollama", "ai.openai_compatible")),
    Door(ANSWER, "answers and problems of every operation: API, command line, screens; what probes say", "redacted",
         "behind every operation and every probe, whatever feature answers",
         ("api.gate", "api.probes", "api.problems", "api.routes", "api.ucxi")),
    Door(EVENT, "events that screens and subscribers follow", "redacted", "the event bus, before anybody is given them",
         ("api.sse", "api.websocket")),
    Door(LOG, "the log, with exceptions and their tracebacks", "redacted", "the log's own processor, of our lines and of libraries'",
         ("mesh.hardening.logs", "telemetry.logs")),
    Door(BUNDLE, "what an operator gives to whoever helps", "redacted", "every part, before it is packed; searched once more",
         ("runtime.bundle.gathering",)),
    Door("backup", "this peer's whole data folder, with its keys, for its operator", "same",
         "sealed with age to whom the operator names, before the first byte reaches the disk; opened into an empty folder of mode 0700",
         ("runtime.backup.making", "runtime.backup.restoring", "vault.archives")),
    Door(CALLBACK, "what is told to whoever announced a task over the API, when it has ended", "redacted", "before it is signed",
         ("callbacks.calling", "callbacks.store")),
    Door(CRASH, "what an engine that failed leaves", "redacted", "every error's words, before they are cut and written",
         ("runtime.crash_report",)),
    Door("metric", "figures", "ours", "names, numbers and labels from our own lists", ("telemetry.metrics",)),
    Door("clone URL", "addresses and credentials for git", "ours",
         "credentials go by the environment of one git process, never on a command line; its errors are redacted in log and answer",
         ("execution.git", "execution.repositories", "execution.repository_access")),
    Door("DHT", "signed records by their hash", "same", "made of what the feeds hold", ("mesh.dht",)),
    Door("members", "feeds, control log and files, brought to members", "same", "what is stored here, as it is stored",
         ("control.discovery", "control.followers", "control.join", "control.voter_streams", "control.wishes", "journal.exchange",
          "journal.frames", "journal.rebuilding", "journal.replication", "journal.signatures", "mesh.address_exchange",
          "mesh.hardening.private_network", "mesh.hardening.yamux", "mesh.ping", "mesh.streams",
          "mesh.simulated_stream", "simulation.watch", "tasks.wire")),
    Door("services", "the licence server, the assignment, the beat: who this peer is, and figures", "ours",
         "fields of our own; the licence goes to its server only", ("backbeat.service", "http_exchange")),
    Door("sandbox", "the task's own input, to its own container", "same", "what was announced, which passed the feed",
         ("execution.attempt", "execution.debian_packages", "execution.docker_api", "execution.image_build",
          "execution.letting_out", "execution.sandbox",
          "execution.store")),
    Door("portals", "what serves the portal beside the engine: where to listen, for whom", "ours",
         "a command line of our own words; its first one-time URL goes nowhere", ("runtime.portals.service",)),
    Door("own files", "keys, tokens, addresses, the audit book: mode 0600, in the data folder", "ours",
         "what they hold is theirs to hold; the audit book holds no secret",
         ("__main__", "api.token_file", "api.tokens", "data_folder", "licensing.keeping", "mesh.address_book",
          "mesh.block_list", "private_file", "runtime.secrecy.book",
          "vault.key_file")),
    Door("network key", "the key that was made here for this user's own engines: mode 0600, in the folder of its user's settings",
         "ours", "made by chance; who is to have it is given it by `chorus-tui invite`", ("mesh.network_key",)),
    Door("templates", "templates of messages that people here keep, in their folder (`CHORUS_TEMPLATES_DIR`)", "same",
         "redacted as they are typed, before they are saved; what somebody lays there by hand is only read", ("hmmm.templates",)),
)  # fmt: skip

BY_NAME = {door.name: door for door in DOORS}

REVEALING: Final = frozenset(
    {
        "blobs.read", "collab.sync", "journal.export", "network.invite", "patches.diff", "tokens.new", "ucxl.stored", "vault.recover",
        "vault.rehearse", "vault.shares", "vault.split", "web.invite",
    }
)  # fmt: skip
"""Operations whose answers are given as they are. Bytes that a hash or a signature is checked against (each passed a door when
it was made, unless its author had none: so the journal and contents as stored are the admin's, and ``blobs.read`` and
``patches.diff`` give nothing that is held), and what a caller with the right for it asked for: the invitation with
the network key, a new token, a one-time URL, the word lists of the master key."""
