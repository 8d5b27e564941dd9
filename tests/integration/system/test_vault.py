"""Role keys between real engines, by the command line and the age command alone."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time

from tests.integration.system.peers import CLI, Peer, eventually, mesh


def ringed(peer: Peer) -> dict[str, dict]:
    """Keyrings by name, as a peer shows them."""
    return {one["keyring"]: one for one in (peer.get("/api/v1/vault") or {"keyrings": []})["keyrings"]}


def holds(peer: Peer, keyring: str, version: int = 1) -> bool:
    return version in ringed(peer).get(keyring, {}).get("mine", [])


def sealed_to(keyring: str, peer: Peer, text: str) -> bytes:
    """By the age command, to the recipient in the control log."""
    recipient = ringed(peer)[keyring]["recipient"]
    return subprocess.run(["age", "-r", recipient], input=text.encode(), capture_output=True, check=True).stdout


def opened(peer: Peer, sealed: bytes) -> str | None:
    """By the age command, with the peer's key file."""
    command = ["age", "-d", "-i", str(peer.data_dir / "age.key")]
    done = subprocess.run(command, input=sealed, capture_output=True, check=False)
    return done.stdout.decode() if done.returncode == 0 else None


def test_keys_follow_what_is_granted(tmp_path):
    """The founder makes them; a member granted an authority and a role opens what was sealed before, by the age command; another
    does not; a new key is for new content; a damaged key file stops the engine with what to do."""
    with mesh(tmp_path) as made:
        ada, bob, cyd = made.grow("ada", "bob", "cyd")
        eventually("the first keys", lambda: holds(bob, "coordination") and holds(cyd, "coordination"), 60)
        before = sealed_to("decision", ada, "decided before")
        assert opened(bob, before) is None
        granted = ada.json("vault", "grant", "bob", "--authority", "decision", "--role", "Review", "--timeout", "60")
        wrong = ada.run("vault", "grant", "bob", "--authority", "decision", "--role", "x" * 65)
        refused = cyd.run("vault", "rotate", "decision")
        assert granted["missing"] == []
        assert set(granted["arrived"]) == {"decision", "coordination", "suggestion", "read_only", "role:review"}
        assert (opened(bob, before), opened(cyd, before)) == ("decided before", None)
        assert ada.run("vault", "rotate", "decision").stdout == "decision is at version 2 for new content.\n"
        eventually("the new key", lambda: holds(bob, "decision", 2), 60)
        after = sealed_to("decision", bob, "decided after")
        assert [opened(bob, one) for one in (before, after)] == ["decided before", "decided after"]
        assert refused.returncode == 1
        assert "Only a master" in refused.stderr
        assert "role" in wrong.stderr
        told = ada.run("vault", "roles").stdout
        assert "no recovery: the master key is not split" in told
        (keys,) = [check for check in bob.status()["checks"] if check["name"] == "keys"]
        assert keys["detail"].startswith("5 of 5 held; no recovery")

        cyd.stop()
        file = cyd.data_dir / "age.key"
        file.write_text(file.read_text()[:-20])
        cyd.start()
        assert cyd.process.wait(120) == 1
        assert "no age identity; restore the file from a backup" in cyd.tail()


def test_three_of_five_lists_give_the_master_key_back(tmp_path):
    """Split, two lists in another's care, three typed back from stdin; nothing of them in logs, feeds or folders; the key file is
    lost; two lists are refused, three give the key, and old content opens; an engine without the authority refuses."""
    with mesh(tmp_path) as made:
        ada, bob = made.grow("ada", "bob")
        eventually("the master key", lambda: holds(ada, "master"), 60)
        secret = sealed_to("master", ada, "for masters")
        too_many = ada.run("vault", "split", "--to", "bob", "--to", "bob", "--to", "bob")
        answer = _split(ada)
        lists = {one["number"]: one["words"] for one in answer["lists"] if one["words"]}
        in_care = eventually("bob has his", lambda: bob.json("vault", "shares")["lists"], 30)
        every = {**lists, **{one["number"]: one["words"] for one in in_care}}
        not_yet = ada.json("vault", "status")["recovery"]
        rehearsed = ada.run("vault", "rehearse", "--from", "-", stdin="\n".join([every[1], every[3], every[5]]))
        assert "one peer may have 2" in too_many.stderr
        assert sorted(lists) == [3, 4, 5]
        assert {one["number"] for one in in_care} == {1, 2}
        assert not_yet.startswith("no recovery")
        assert rehearsed.returncode == 0, rehearsed.stderr
        assert "Recovery: 3 of 5 word lists, rehearsed on 20" in rehearsed.stdout
        eventually("all know", lambda: "rehearsed on" in bob.json("vault", "status")["recovery"])
        stranger = bob.run("vault", "recover", "--from", "-", stdin="\n".join(every.values()))
        assert "may not have back" in stranger.stderr

        ada.stop()
        (ada.data_dir / "age.key").unlink()
        ada.start().ready()
        eventually("back", lambda: ada.status()["admin"], 60)
        assert not holds(ada, "master")
        for number, words in every.items():
            (tmp_path / f"list{number}").write_text("\n".join(words.split(" ")))
        two = ada.run("vault", "recover", "--from", str(tmp_path / "list2"), "--from", str(tmp_path / "list4"))
        three = ada.run(*_recover(tmp_path, 2, 4, 5))
        again = ada.run(*_recover(tmp_path, 1, 2, 3))
        assert (two.returncode, three.returncode) == (2, 0), (two.stderr, three.stderr)
        assert "1 more is missing" in two.stderr
        assert "is in age.key now" in three.stdout
        assert "was in age.key already" in again.stdout
        assert holds(ada, "master")
        assert opened(ada, secret) == "for masters"

        phrases = [" ".join(words.split(" ")[7:11]).encode() for words in every.values()]
        for peer in (ada, bob):
            for path, content in peer.written():
                assert not any(phrase in content for phrase in phrases), path


def _split(ada: Peer) -> dict:
    """With two lists in bob's care, and not rehearsed."""
    done = ada.run("vault", "split", "--to", "bob", "--to", "bob", "--json", stdin="")
    assert done.returncode == 3
    assert "vault rehearse" in done.stderr
    return json.loads(done.stdout)


def _recover(folder, *numbers: int) -> list[str]:
    return ["vault", "recover", *(part for n in numbers for part in ("--from", str(folder / f"list{n}")))]


def test_a_split_at_a_terminal_ends_when_three_lists_were_typed_back(tmp_path):
    """Shown once, typed without echo; a slip is told by its place and may be mended."""
    with mesh(tmp_path) as made:
        (ada,) = made.grow("ada")
        eventually("the master key", lambda: holds(ada, "master"), 60)
        screen = Screen([*CLI, "vault", "split"], ada.environment)
        shown = screen.until("Word list 1 of 3")
        lists = [
            line.partition(". ")[2].strip() for line in shown.splitlines() if line[:2] in {f"{n}." for n in range(1, 6)}
        ]
        assert [len(words.split(" ")) for words in lists] == [33] * 5
        for words, ask in (
            (lists[0], "list 2 of 3"),
            (lists[1], "list 3 of 3"),
            (lists[2].replace(" ", " x ", 1), "Once more"),
        ):
            screen.type(words)
            shown = screen.until(ask)
            assert words not in shown
        assert "list 3: word 2 not known" in shown
        screen.until("Word list 1 of 3", seen=shown)
        for words, ask in ((lists[4], "list 2 of 3"), (lists[1], "list 3 of 3"), (lists[2], "rehearsed on")):
            screen.type(words)
            shown = screen.until(ask)
        assert "They give the master key, version 1" in shown
        assert screen.ended() == 0
        assert "rehearsed on" in ada.json("vault", "status")["recovery"]


class Screen:
    """A command at a terminal of its own."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(command[0], command, {**environment, "COLUMNS": "400"})

    def until(self, text: str, seconds: float = 30.0, seen: str = "") -> str:
        """Everything shown until ``text`` is there."""
        deadline = time.monotonic() + seconds
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self._terminal], [], [], 0.1)[0]:
                seen += os.read(self._terminal, 65536).decode().replace("\r", "")
        return seen

    def type(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def ended(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(status)
