"""The one table of parsers that read bytes of others: what they may raise, what must hold of what they take, where to begin.

A target is a function of bytes that raises nothing but its own typed refusals. Seeds lie in ``corpus/<name>/``, inputs that
once broke one in ``regressions/<name>/``; the seeds written here are made by the product itself.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nacl.signing import SigningKey

from chorus_tui.contract import diff, hosts, ssh_key, state_vector, ucxl
from chorus_tui.contract.models.tasks import AnnounceTask
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.variables import VARIABLES
from chorus_tui.engine import settings
from chorus_tui.engine.ai import server_events
from chorus_tui.engine.api import following, token_file
from chorus_tui.engine.collab import update
from chorus_tui.engine.control import entries, join, raft_wire
from chorus_tui.engine.control.log import Gap, Log
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.execution import tar_reader
from chorus_tui.engine.journal import frames
from chorus_tui.engine.journal.hlc import Hlc
from chorus_tui.engine.licensing import statement
from chorus_tui.engine.mesh import address_book, discovery, network_key
from chorus_tui.engine.protocol import canonical, envelope, identity, messages, sshsig, topics
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.runtime import verifying
from chorus_tui.engine.shhh import custom
from chorus_tui.engine.shhh.archives import Inspector
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.tasks import wire
from chorus_tui.engine.vault import armor, header
from chorus_tui.engine.whoosh import rules as assigning
from tests.support.ssh_signing import NAMESPACE, Key

FOLDER = Path(__file__).parent
NAMES = [variable.name for variable in VARIABLES]
ME = identity.Identity(bytes([1]) * 32)
PERSON = Key(1)


@dataclass(frozen=True)
class Target:
    """``run`` takes any bytes; ``refusals`` are what it may raise."""

    run: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = ()
    seeds: list[bytes] = field(default_factory=list)

    def __call__(self, data: bytes) -> None:
        """Raises whatever is no refusal."""
        try:
            self.run(data)
        except self.refusals:
            return


def text(data: bytes) -> str:
    """Any bytes as text, lone surrogates among it as JSON and the environment may bring them."""
    return data.decode("utf-8", "surrogateescape")


def value(data: bytes) -> object:
    """What JSON may bring, canonical or not. Raises ValueError or RecursionError."""
    return json.loads(data)


def _canonical(data: bytes) -> None:
    assert canonical.encode(canonical.decode(data)) == data


def _gossip(data: bytes) -> None:
    found = envelope.parse(data)
    envelope.author_of(found)
    messages.check(envelope.type_of(found), envelope.data_of(found))


def _entry(data: bytes) -> None:
    entry = envelope.entry_from_wire(data, topics.COORDINATION)
    again = envelope.entry_from_header(entry.header.encode(), entry.sig, entry.body)
    assert again.hash == entry.hash


def _message(data: bytes) -> None:
    """The first line names the type, the rest is its data."""
    type_, _, rest = data.partition(b"\n")
    fields = canonical.decode(rest)
    if isinstance(fields, dict):
        messages.check(text(type_), fields)


def _stored_entry(data: bytes) -> None:
    signed, _, rest = data.partition(b"\n")
    sig, _, body = rest.partition(b"\n")
    envelope.entry_from_header(signed, text(sig), body)


def _diff(data: bytes) -> None:
    for file in diff.parse(data):
        assert file.added >= 0
        assert file.removed >= 0


def _address(data: bytes) -> None:
    found = ucxl.parse(text(data))
    assert ucxl.parse(str(found)) == found


def _update(data: bytes) -> None:
    shape = update.read(data)
    assert all(start < end for start, end in shape.inserted.values())


def _public_key(data: bytes) -> None:
    """One form of each: what is taken is taken again as it was written."""
    key = ssh_key.signing_key(data.decode("utf-8", "replace"))
    assert ssh_key.signing_key(key) == key
    assert ssh_key.fingerprint_of(key).startswith("SHA256:")


def _signature(data: bytes) -> None:
    """Only who has the key signs, in whatever form it comes."""
    who, why = sshsig.signer("x", NAMESPACE, base64.b64encode(data).decode())
    assert bool(who) != bool(why)
    assert who in ("", PERSON.public)
    sshsig.unarmored(data.decode("utf-8", "replace"))


def _vector(data: bytes) -> None:
    assert state_vector.read(state_vector.write(state_vector.read(data))) == state_vector.read(data)


def _control_entry(data: bytes) -> None:
    entries.parse_entry(data, "00" * 64, ME.peer_id)


def _commit(data: bytes) -> None:
    entries.Commit.from_json(value(data))


def _election(data: bytes) -> None:
    entries.Election.from_json(value(data))


def _control_page(data: bytes) -> None:
    """A page of the log, or the state a follower begins with: items, elections and a certificate from somebody else."""
    page = value(data)
    if isinstance(page, dict):
        Log("ab" * 32).admit(*(page.get(key) for key in ("entries", "elections", "certificate")))


def _journal_frame(data: bytes) -> None:
    frame = canonical.decode_frame(data)
    if isinstance(frame, dict) and isinstance(frame.get("kind"), str):  # as frames.receive makes sure
        for read in (frames.frontier, frames.entry):
            try:
                read(frame.get("feeds"))
            except WireError:
                continue
        for told in (frames.known, frames.marks):
            try:
                told(frame)
            except WireError:
                continue
        for one in frames.items(frame):
            frames.entry(one)


def _join(data: bytes) -> None:
    join.read_request(value(data), "ab" * 32, ME.peer_id)


def _held(data: bytes) -> None:
    wire.held(value(data))


def _tar(data: bytes) -> None:
    reader = tar_reader.TarReader()
    for at in range(0, len(data), 700):
        list(reader.feed(data[at : at + 700]))


def _armor(data: bytes) -> None:
    armor.to_binary(data)


def _tokens(data: bytes) -> None:
    token_file._parse(text(data), Path("api.tokens"))


def _topics(data: bytes) -> None:
    following.parse_topics(text(data))


def _position(data: bytes) -> None:
    found = following.parse_position(text(data))
    assert found is None or following.parse_position(str(found)) == found


def _assignment(data: bytes) -> None:
    document = json.loads(data)
    if isinstance(document, dict):
        assigning.read(document)


def _licence(data: bytes) -> None:
    """What a licence server may have signed."""
    signed = f"{statement.PREFIX}.{base64.urlsafe_b64encode(data).decode().rstrip('=')}"
    sig = base64.urlsafe_b64encode(KACHING.sign(signed.encode()).signature).decode().rstrip("=")
    statement.read(f"{signed}.{sig}", bytes(KACHING.verify_key))


def _archive(data: bytes) -> None:
    Inspector(REDACTOR.find, len(data)).whole(io.BytesIO(data))


def _redaction(data: bytes) -> None:
    """Twice is once, and text without a finding stays as it is."""
    clean = REDACTOR.text(text(data))
    assert REDACTOR.text(clean) == clean


def _own_rules(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(data)
        file.flush()
        custom.load(Path(file.name))


def _server_events(data: bytes) -> None:
    async def read() -> None:
        async def parts():
            for at in range(0, len(data), 7):
                yield data[at : at + 7]

        async for line in server_events.data_lines(parts()):
            assert isinstance(line, str)

    asyncio.run(read())


def _setting(data: bytes) -> None:
    """The first line names the variable, the rest is its value; a line that names none picks one."""
    line, _, given = data.partition(b"\n")
    if b"\0" not in given:
        name = text(line) if text(line) in NAMES else NAMES[sum(line) % len(NAMES)]
        settings.load({name: text(given)}, "agent")


def _host(data: bytes) -> None:
    found = hosts.target(text(data))
    assert hosts.target(str(found)) == found


def _network_key(data: bytes) -> None:
    network_key.parse(text(data))


def _mdns(data: bytes) -> None:
    parts = data.split(b"\n")
    discovery.read_properties(dict(zip(parts[::2], parts[1::2], strict=False)), "00000000")


def _statement(data: bytes) -> None:
    address_book.AddressBook(Path("/nonexistent/book"), ME, lambda: 1.7e9).merge([data])


def _export(data: bytes) -> None:
    verifying.verify(data.splitlines(keepends=True))


def _clock(data: bytes) -> None:
    found = Hlc.parse(text(data))
    assert Hlc.parse(str(found)) == found


def _task(data: bytes) -> None:
    AnnounceTask.model_validate_json(data)


def packed(kind: str) -> bytes:
    """A small archive of one file."""
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("a.txt", "token = ghp_" + "a1" * 18)
        return made.getvalue()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    return made.getvalue()


KACHING = SigningKey(bytes([3]) * 32)
REDACTOR = Redactor(["a-secret-of-this-node-0123"])
SAID = envelope.make("goodbye", ME.peer_id, {"reason": "stopped in order"}, 1.0)
SEALED = envelope.seal(SAID, topics.COORDINATION, ME, epoch="a" * 32, seq=0, prev=None, hlc="1:0:x")
VOTE = entries.vote_for_self(ME, "ab" * 32, 1, Position(0, 0))
DIFF = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n"
JSON = (WireError, ValueError, RecursionError)
AGE = b"age-encryption.org/v1\n-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n" + bytes(40)

TARGETS: dict[str, Target] = {
    "address": Target(_address, (ValueError,), [b"ucxl://a:r@p:t/*^/x.md", b"ucxl://any:any@p:any/@2026-01-01T00:00:00Z/"]),
    "archive": Target(_archive, (), [packed("tar"), packed("zip"), gzip.compress(b"a" * 100)]),
    "assignment": Target(_assignment, (*JSON, assigning.Unusable), [b'{"role":"tester","expertise":["sql"],"max_tasks":2,"join_stagger_ms":5}']),
    "address-statement": Target(_statement, (), [b'{"addresses":["/ip4/1.2.3.4/tcp/1"],"counter":1,"peer_id":"x","sig":"00"}']),
    "age-armor": Target(_armor, (armor.BadArmor,), [b"-----BEGIN AGE ENCRYPTED FILE-----\nQUFB\n-----END AGE ENCRYPTED FILE-----\n"]),
    "age-header": Target(lambda data: header.check(data) and None, (header.BadHeader,), [AGE]),
    "canonical": Target(_canonical, (WireError,), [canonical.encode({"a": [1, 2.5, None, "x"]})]),
    "clock": Target(_clock, (ValueError,), [b"1700000000000:0:abc"]),
    "commit": Target(_commit, JSON, [json.dumps(entries.acknowledge(ME, "ab" * 32, 1, 1, "cd" * 32).as_json()).encode()]),
    "control-entry": Target(_control_entry, (WireError,), [b'{"data":{},"hlc":"1:0:x","index":1,"mesh_id":"x","prev":"","term":1,"type":"x"}']),
    "control-page": Target(_control_page, (*JSON, Gap), [b'{"entries":[{"entry":"{}","sig":""}],"elections":[],"certificate":null}']),
    "diff": Target(_diff, (diff.BadDiff,), [DIFF]),
    "election": Target(_election, JSON, [json.dumps(VOTE.as_json()).encode()]),
    "envelope": Target(_gossip, (WireError,), [canonical.encode(SAID)]),
    "export": Target(_export, (), [b'{"kind":"end"}\n', b'{"kind":"feed","topic":"x"}\n']),
    "feed-entry": Target(_entry, (WireError,), [SEALED.wire()]),
    "host": Target(_host, (ValueError,), [b"example.com:8443", b"[::1]:1"]),
    "join-request": Target(_join, JSON, [json.dumps(join.make_request(ME, "ab" * 32, join.Newcomer(ME.peer_id, "a", "agent", "r", [], False), "1")).encode()]),
    "journal-frame": Target(_journal_frame, (WireError,), [canonical.encode({"kind": "sync", "feeds": {"a": {"b": [1, "cd" * 32]}}, "digests": {}, "marks": ["ab", 1]})]),
    "licence": Target(_licence, (statement.NotSigned,), [b'{"kind":"lease","license":"a","cluster":"c","node":"n"}']),
    "mdns": Target(_mdns, (), [b"peer\n" + ME.peer_id.encode() + b"\nnet\n00000000\na0\n/ip4/1.2.3.4/tcp/1"]),
    "message": Target(_message, (WireError,), [b'discussion\n{"message":"x"}', b'task_result\n{"task_id":"x"}']),
    "network-key": Target(_network_key, (network_key.NetworkKeyError,), [b"00" * 32, b"/key/swarm/psk/1.0.0/\n/base16/\n" + b"00" * 32]),
    "own-rules": Target(_own_rules, (custom.RulesError,), [b'[[rules]]\nname = "acme"\nseverity = "high"\nkeywords = ["acme_"]\npattern = "acme_[0-9]{8}"\n']),
    "position": Target(_position, (Problem,), [b"0123abcd-42"]),
    "public-key": Target(_public_key, (ValueError,), [PERSON.public.encode(), PERSON.public.encode() + b" ana@laptop"]),
    "raft-frame": Target(lambda data: raft_wire.decode(data) and None, (WireError,), [b'{"kind":"append","term":1}', b'{"kind":"vote"}']),
    "redaction": Target(_redaction, (), [b"password=hunter2hunter2", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", b"ghp_" + b"a1" * 18]),
    "server-events": Target(_server_events, (), [b'data: {"a":1}\n\ndata: [DONE]\n\n', b": hello\r\n\r\n"]),
    "setting": Target(_setting, (settings.SettingsError,), [name.encode() + b"\n1" for name in NAMES]),
    "ssh-signature": Target(_signature, (sshsig.BadSignature,), [base64.b64decode(PERSON.sign("x")), sshsig.armored(PERSON.sign("x")).encode()]),
    "state-vector": Target(_vector, (ValueError,), [state_vector.write({1: 5, 2**40: 7})]),
    "stored-entry": Target(_stored_entry, (WireError,), [b"\n".join((SEALED.header.encode(), SEALED.sig.encode(), SEALED.body or b""))]),
    "tar": Target(_tar, (tar_reader.HostileTar,), [b"x" + bytes(123) + b"00000000010\0" + bytes(376) + bytes(512)]),
    "task": Target(_task, (ValueError,), [b'{"spec":{"title":"t","commands":["true"]}}']),
    "tasks-held": Target(_held, JSON, [b'[["01ARZ3NDEKTSV4RRFFQ69G5FA1",1]]']),
    "tokens": Target(_tokens, (token_file.TokenFileError,), [b"read " + b"a" * 32 + b"\noperate " + b"b" * 32 + b"\nadmin " + b"c" * 32]),
    "topics": Target(_topics, (Problem,), [b"tasks,peers,status"]),
    "update": Target(_update, (update.BadUpdate,), [bytes([1, 1, 1, 0, 4, 1, 1, 116, 1, 97, 0])]),
}  # fmt: skip


def inputs(name: str) -> list[bytes]:
    """All that is kept for a target: seeds of the table, of the corpus, and what once broke it."""
    folders = (FOLDER / "corpus" / name, FOLDER / "regressions" / name)
    return [*TARGETS[name].seeds, *(file.read_bytes() for folder in folders for file in sorted(folder.glob("*")))]
