"""No secret gets out: a task that prints twenty kinds, a person who pastes and types one, errors that carry one; two real engines."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
import tarfile
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from chorus_tui import locations
from chorus_tui.engine.runtime.supervision import LONGEST_PROBLEM
from tests.integration.system.alerting.world import FAULTY
from tests.integration.system.peers import CLI, Mesh, Peer, eventually, mesh
from tests.integration.system.terminal import Terminal
from tests.integration.system.test_agents import announced, drive, ended, says
from tests.integration.system.test_collab import people
from tests.support.scripted_model import Rule, ScriptedModel
from tests.support.secrets import samples

pytestmark = pytest.mark.docker

KINDS = (
    "private-key", "age-key", "jwt", "aws-access-key-id", "google-api-key", "digitalocean-token", "vault-token", "databricks-token",
    "github-token", "github-fine-token", "gitlab-token", "npm-token", "pypi-token", "docker-token", "anthropic-key", "openai-key",
    "huggingface-token", "slack-token", "sendgrid-key", "stripe-key",
)  # fmt: skip


def made_up(seed: int) -> dict[str, str]:
    """One secret of each kind."""
    found: dict[str, str] = {}
    for rule, _, secret in samples(Random(seed)):
        if rule in KINDS:
            found.setdefault(rule, secret)
    return found


PRINTED, OTHERS = made_up(11), made_up(12)
PASTED, TYPED, RAISED, ANSWERED, PACKED = (
    OTHERS[kind] for kind in ("github-token", "npm-token", "gitlab-token", "slack-token", "stripe-key")
)


def printing() -> str:
    """Commands that print each secret, whose own text holds none: each is put together of two halves, with more than blanks between
    them, which a screen's lines are read without. One goes into a file."""

    def halves(secret: str) -> str:
        return f"{shlex.quote(secret[:8])} '' {shlex.quote(secret[8:])}"

    lines = [f"printf '%s%s%s\\n' {halves(one)}" for one in PRINTED.values()]
    lines.append(f"printf 'key=%s%s%s\\n' {halves(PACKED)} > /workspace/output/config.env")
    return "\n".join(lines)


def forms(secret: str) -> Iterator[bytes]:
    """What is looked for: plain, escaped, in base64 at any place."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret, safe="").encode()
    for shift in range(3):
        yield base64.b64encode(b"x" * shift + secret.encode())[4 * (shift > 0) : len(secret) // 3 * 4 - 4]


def seen_in(data: bytes, secrets: dict[str, str]) -> list[str]:
    """The kinds of secrets that some bytes hold in clear."""
    return [kind for kind, secret in secrets.items() if any(form in data for form in forms(secret))]


async def test_no_secret_is_anywhere_afterwards(tmp_path, base_image):
    """Searched: every byte of both data folders, both logs, metrics, exports, answers, the screens of both peers, and every
    question to the model. A person pastes one into the wizard and types one letter by letter in the real portal. The one
    file that a task made of a secret is held on its worker, seen in the inbox, and goes to others only when it is released."""
    everything = {**PRINTED, "pasted": PASTED, "typed": TYPED, "raised": RAISED, "answered": ANSWERED, "packed": PACKED}

    def test(made: Mesh, model: ScriptedModel) -> None:
        (ana,) = people(made, "ana")
        alpha = made.peers[0]
        answers = [*type_and_paste(ana), provoke(ana)]
        a_rule_is_added(alpha, ana, tmp_path / "rules.toml")
        task_id = announced(alpha, tmp_path, goal="Print what you find", outputs=["*.env"])
        shown = ended(ana, task_id)
        assert shown["state"] == "completed", shown
        assert "[REDACTED:" in shown["result"]["output_tail"]

        (held,) = alpha.json("shhh", "held")["held"]
        digest = f"sha256:{shown['result']['artifacts'][0]['sha256']}"
        assert held["digest"] == digest
        assert ana.get(f"/api/v1/blobs/{digest}") is None
        assert alpha.get(f"/api/v1/blobs/{digest}") is None
        found = {one["rule"] for one in alpha.json("shhh", "audit", "--limit", "2000")["records"]}
        assert set(KINDS) - found <= {"aws-access-key-id"}, set(KINDS) - found

        for peer in (alpha, ana):
            answers += all_answers(peer, task_id)
        answers += screens(alpha, (*PLAIN, ("4", "[REDACTED:"), ("t", "[REDACTED:"), ("i", "held"), ("7", "Notes")))
        answers += screens(ana, (*PLAIN, ("4", "[REDACTED:"), ("t", "[REDACTED:"), ("7", "Notes")))
        asked = json.dumps([[text for _, text in one.messages] for one in model.asked]).encode()
        clear = {f"answer {number}": seen_in(answer, everything) for number, answer in enumerate(answers)}
        clear["prompts"] = seen_in(asked, everything)
        (item,) = [one for one in alpha.json("inbox", "list")["inbox"] if one["kind"] == "held"]
        made.stop()
        for path in sorted(tmp_path.rglob("*")):
            its_maker_holds_it = path.name == digest[7:] and alpha.data_dir in path.parents
            if path.is_file() and not its_maker_holds_it and path.name != "task.json":
                clear[str(path)] = seen_in(path.read_bytes(), everything)
        assert {place: kinds for place, kinds in clear.items() if kinds} == {}

        alpha.start().ready()
        assert "Released" in alpha.run("inbox", "answer", item["item_id"], "release").stdout
        assert alpha.get(f"/api/v1/blobs/{digest}")["size"] == len(PACKED) + 5

    await drive(test, RULES, tmp_path, "alpha", **settings(tmp_path / "rules.toml"))


RULES = [
    Rule(says("shell", printing(), "I look around."), when="Goal: Print what you find", times=1),
    Rule(lambda asked: says("finish", f"There was {ANSWERED} in it, and {len(asked.last)} letters."), when="REDACTED"),
]


def settings(rules: Path) -> dict[str, str]:
    """A first file of rules, and what is refused."""
    rules.write_text("[[rules]]\nname = 'first'\nkeywords = ['first_']\npattern = 'first_[0-9]{12}'\n")
    return {"CHORUS_SHHH_RULES_FILE": str(rules), "CHORUS_SHHH_DENY": "critical"}


def a_rule_is_added(alpha: Peer, ana: Peer, rules: Path) -> None:
    """What was said before is found by the new rules, and redacted where it is shown; bad rules change nothing; a request with a
    secret of a denied severity is refused by its field."""
    ana.post("/api/v1/hmmm/rooms/general/send", {"message": "badge acme_1234567890ab, please"})
    said = eventually("alpha has it", lambda: "acme_1234567890ab" in json.dumps(alpha.get("/api/v1/journal")), 30)
    assert said
    good = rules.read_text()
    rules.write_text(f"{good}[[rules]]\nname = 'acme-badge'\npattern = '('\n")
    refused = alpha.run("shhh", "replay")
    assert refused.returncode == 2
    assert "line 5, rule 2 (acme-badge)" in refused.stderr
    rules.write_text(f"{good}[[rules]]\nname = 'acme-badge'\nkeywords = ['acme_']\npattern = 'acme_[0-9a-f]{{12}}'\n")
    replayed = alpha.json("shhh", "replay")
    assert replayed["by_rule"]["acme-badge"] >= 1
    assert "acme_1234567890ab" not in json.dumps(alpha.get("/api/v1/journal"))
    assert "[REDACTED:acme-badge:" in json.dumps(alpha.get("/api/v1/journal"))
    status, problem = alpha.post("/api/v1/hmmm/rooms/general/send", {"message": f"use {OTHERS['private-key']} for it"})
    assert (status, problem["type"], list(problem["fields"])) == (422, "urn:chorus:problem:secret", ["message"])


def test_an_exception_that_carries_a_secret_tells_it_nobody(tmp_path):
    """Raised in a handler, in services that go on failing, and in a library, whole and where a text is cut: what the engine answers,
    shows, logs and keeps, and what the other peer of the mesh holds, has only the marker; that something failed is told."""
    faults = tmp_path / "faults"
    faults.mkdir()
    handled, cut = OTHERS["gitlab-token"], OTHERS["openai-key"]
    everything = {"raised": handled, "cut": cut[:20]}
    with mesh(tmp_path) as made:
        made.grow("alpha")
        alpha = made.peers[0]
        odd = Peer(
            tmp_path, "odd", program=FAULTY, FAULTS=str(faults), GRACE_S="600", CHORUS_BOOTSTRAP_PEERS=alpha.address
        ).start()
        made.peers.append(odd.ready())
        eventually("one mesh", made.whole, 40)
        (faults / "dht").write_text(f"the library failed with {handled}")
        where_it_is_cut = LONGEST_PROBLEM - len("RuntimeError: ") - len(everything["cut"])
        (faults / "say").write_text(f"nothing can be said with {handled} ".ljust(where_it_is_cut) + cut)

        status, answer = odd.post("/api/v1/hmmm/rooms/general/send", {"message": "hello"})
        assert (status, answer["type"]) == (500, "urn:chorus:problem:internal")
        eventually("it is logged", lambda: "RuntimeError" in odd.log.read_text(), 30)
        eventually("a service's failure is told", lambda: "RuntimeError: nothing" in odd.text("/health"), 60)
        refused = odd.run("task", "announce", "--title", "x", "--command", "true")
        assert refused.returncode != 0
        doctor = odd.run("doctor")
        bundle = odd.run("support-bundle", "--to", str(tmp_path / "bundle.tar.gz"))
        assert bundle.returncode == 0, bundle.stderr
        with tarfile.open(tmp_path / "bundle.tar.gz") as packed:
            packed.extractall(tmp_path / "bundle", filter="data")
        answers = [json.dumps(answer), *(one.stdout + one.stderr for one in (refused, doctor, bundle))]
        clear = {f"answer {number}": seen_in(text.encode(), everything) for number, text in enumerate(answers)}
        for peer in (alpha, odd):
            read = [
                *all_answers(peer, ""),
                *(peer.text(path).encode() for path in ("/health", "/ready") if peer.probe(path) < 500),
            ]
            clear |= {f"{peer.name} {number}": seen_in(one, everything) for number, one in enumerate(read)}
        clear |= {
            f"alpha's screen {number}": seen_in(one, everything) for number, one in enumerate(screens(alpha, PLAIN))
        }
        assert "[REDACTED:gitlab-token:" in odd.log.read_text()
        made.stop()
        for path in sorted(tmp_path.rglob("*")):
            if path.is_file() and path.parent != faults:
                clear[str(path)] = seen_in(path.read_bytes(), everything)
    assert {place: kinds for place, kinds in clear.items() if kinds} == {}


def type_and_paste(ana: Peer) -> list[bytes]:
    """In the real portal: a secret pasted into the wizard, and one typed letter by letter into a shared text. What the screens showed
    from the preview on, and once the text was saved."""
    session = ana.run("collab", "new", "--title", "Notes", "--text", "").stdout.strip()
    environment = {**ana.environment, "TERM": "xterm-256color"}
    with contextlib.closing(Terminal(CLI, environment)) as terminal:
        shown = pasted(terminal)
    with contextlib.closing(Terminal([*CLI, "collab", "join", session], environment)) as terminal:
        terminal.sees("Notes", 40)
        terminal.sees("① ", 30)
        for letter in f"the key is {TYPED} for all":
            terminal.type(letter)
        terminal.sees("[REDACTED:npm-token:", 30)
        terminal.sees("saved", 20)
        shown.append(flat(terminal))
    text = ana.get(f"/api/v1/collab/{session}")["text"]
    assert "[REDACTED:npm-token:" in text
    ana.run("collab", "end", session, "--as", "ucxl", "--address", "ucxl://ana:author@shop:plan/*^/notes.md")
    return [*shown, text.encode()]


def pasted(terminal: Terminal) -> list[bytes]:
    """Through the wizard by keys: its preview says what was found, and the room shows the marker."""
    terminal.sees("status", 40)
    terminal.keys("4")
    terminal.sees("Nothing has been said in a room yet", 30)
    terminal.keys("n")
    terminal.sees("Begin from a template")
    terminal.keys("Home", "Down", "Down", "Enter")
    terminal.sees("Thread")
    terminal.type("general")
    terminal.sees("general")
    terminal.keys("C-n")
    terminal.sees("Reasoning: why")
    terminal.paste(f"use {PASTED} for it")
    terminal.sees(PASTED)
    terminal.keys("C-s")
    terminal.sees("[REDACTED:github-token:")
    preview = flat(terminal)
    terminal.keys("C-s")
    terminal.lacks("Not sent yet", 30)
    terminal.sees("[REDACTED:github-token:")
    return [preview, flat(terminal)]


def flat(terminal: Terminal) -> bytes:
    """The screen without what a line's end and a frame put into a long word."""
    return re.sub(r"[\s│┃▎▏▌▐█]+", "", terminal.screen()).encode()


PLAIN = (("2", "me and the mesh"), ("3", "latency"), ("j", "journal"), ("i", "inbox"), ("t", "tasks"))
"""Keys of screens, and a word that each shows whatever there is."""


def screens(peer: Peer, keys: Iterable[tuple[str, str]]) -> list[bytes]:
    """What a portal on this peer's engine shows on these screens."""
    with contextlib.closing(
        Terminal(CLI, {**peer.environment, "TERM": "xterm-256color"}, width=200, height=60)
    ) as terminal:
        terminal.sees("status", 40)
        found = []
        for key, sees in keys:
            terminal.keys(key)
            terminal.sees(sees, 30)
            found.append(flat(terminal))
        return found


def provoke(peer: Peer) -> bytes:
    """Errors that carry a secret: of the request's form, of its path, of a repository that cannot be reached."""
    answers = [
        peer.post("/api/v1/tasks", {"title": "x", "command": ["true"], "nonsense": RAISED})[1],
        peer.post("/api/v1/patches", {"title": RAISED, "diff": "!!!"})[1],
        peer.post(f"/api/v1/hmmm/rooms/{RAISED}/send", {"message": RAISED, "type": RAISED})[1],
        peer.run("ucxl", "get", f"ucxl://any:any@any:any/*^/{RAISED}").stderr,
        peer.run("task", "announce", "--title", "x", "--command", "true", "--repository", f"https://u:{RAISED}@127.0.0.1:1/x.git").stderr,
    ]  # fmt: skip
    return json.dumps(answers).encode()


def all_answers(peer: Peer, task_id: str) -> list[bytes]:
    """What anybody can read of a peer."""
    paths = (
        f"/api/v1/tasks/{task_id}", f"/api/v1/tasks/{task_id}/output", "/api/v1/journal?limit=500", "/api/v1/journal/fleeting?limit=500",
        "/api/v1/hmmm", "/api/v1/collab", "/api/v1/shhh/audit?limit=2000", "/api/v1/status", "/api/v1/inbox",
    )  # fmt: skip
    found = [json.dumps(peer.get(path)).encode() for path in paths]
    return [*found, peer.run("journal", "export").stdout.encode(), metrics(peer)]


def metrics(peer: Peer) -> bytes:
    """As a Prometheus reads them."""
    transport = httpx.HTTPTransport(uds=str(locations.socket_path(peer.data_dir)), verify=False)
    with httpx.Client(transport=transport, base_url="http://engine") as client:
        return client.get("/metrics").content
