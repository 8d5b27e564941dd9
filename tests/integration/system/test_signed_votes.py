"""Persons who sign their votes: real engines, the command line, the real ssh-keygen and ssh-agent."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.system.peers import eventually, mesh
from tests.integration.system.test_decisions import ended, seen
from tests.support.ssh_signing import made_by_openssh

PAGE = Path(__file__).parents[3] / "docs" / "decisions.md"


@contextmanager
def agent_with(key: Path, folder: Path) -> Iterator[dict[str, str]]:
    """An ssh-agent that holds the key, whose file is gone; the environment that finds it."""
    environment = {"SSH_AUTH_SOCK": str(folder / "agent.sock")}
    process = subprocess.Popen(["ssh-agent", "-D", "-a", environment["SSH_AUTH_SOCK"]], stdout=subprocess.DEVNULL)
    try:
        eventually("the agent listens", lambda: Path(environment["SSH_AUTH_SOCK"]).exists(), 10)
        subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, **environment}, check=True)
        key.unlink()
        yield environment
    finally:
        process.terminate()
        process.wait(10)


def checked_as_the_page_says(folder: Path) -> subprocess.CompletedProcess[str]:
    """The commands of the page that need no engine, as they stand there, in a folder with record and public key."""
    (block,) = [
        one for one in re.findall(r"^```\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL) if "-Y verify" in one
    ]
    first, *rest = block.splitlines()
    assert first.startswith("chorus-tui ucxl get ")
    assert first.endswith("> record.json")
    return subprocess.run(["bash", "-euc", "\n".join(rest)], cwd=folder, capture_output=True, text=True, check=False)


def test_persons_sign_their_votes_with_ssh_keygen(tmp_path):
    """Two persons are enrolled; one signs with a file, the other with an agent, through engines that vote otherwise themselves. All
    count, once each, for all peers alike, and it closes early only when the persons too have voted for good. A key that nobody is enrolled
    with, a missing program and a withdrawn key name the way out. A stranger checks the record as the page says, and nothing else."""
    ana, ben, eve = (made_by_openssh(tmp_path / name) for name in ("ana", "ben", "eve"))
    with mesh(tmp_path) as made, agent_with(ben, tmp_path) as agent:
        ada, grace = made.grow("ada", "grace")
        low = grace.run("members", "enrol", "ana", "--key", f"{ana}.pub")
        for name in ("ana", "ben", "eve"):
            ada.json("members", "enrol", name, "--key", str(tmp_path / f"{name}.pub"))
        twice = ada.run("members", "enrol", "ana2", "--key", f"{ana}.pub")
        private = ada.run("members", "enrol", "eve", "--key", str(eve))
        ada.json("members", "withdraw", "eve")
        eventually("grace knows them", lambda: len(grace.json("members", "persons")["persons"]) == 3)
        shown = eventually(
            "and that one is withdrawn", lambda: "eve" not in (told := grace.run("members", "list").stdout) and told
        )
        id_ = grace.run("decide", "propose", "--title", "Use PostgreSQL", "--deadline", "10m").stdout.strip()
        for peer in (ada, grace):
            eventually(f"{peer.name} knows it", lambda peer=peer: seen(peer, id_))
        unknown = grace.run("decide", "vote", id_, "approve", "--sign-with", str(eve))
        nowhere = grace.run("decide", "vote", id_, "approve", "--sign-with", str(tmp_path / "nowhere"))
        grace.environment["PATH"], path = str(tmp_path), grace.environment["PATH"]
        missing = grace.run("decide", "vote", id_, "approve", "--sign-with", str(ana))
        grace.environment["PATH"] = path
        grace.json("decide", "vote", id_[:20], "reject", "--sign-with", str(ana))
        cast = grace.run(
            "decide", "vote", id_[:20], "approve", "--reason", "tried it", "--final", "--sign-with", str(ana)
        )
        for peer in (ada, grace):
            peer.json("decide", "vote", id_, "reject", "--final")
        before = seen(grace, id_)
        ada.environment |= agent
        ada.json("decide", "vote", id_, "approve", "--final", "--sign-with", f"{ben}.pub")
        views = ended([ada, grace], id_)
        told = ada.run("decide", "show", id_).stdout
        eventually("each holds the record", lambda: all(seen(peer, id_)["record_here"] for peer in (ada, grace)), 60)
        (tmp_path / "record.json").write_text(grace.run("ucxl", "get", views[0]["ucxl"]).stdout)
        good = checked_as_the_page_says(tmp_path)
        text = (tmp_path / "record.json").read_text()
        (tmp_path / "record.json").write_text(text.replace('\\"choice\\":\\"approve\\"', '\\"choice\\":\\"reject\\"'))
        forged = checked_as_the_page_says(tmp_path)

        assert low.returncode == 1
        assert "authority" in low.stderr
        assert "this key is ana's" in twice.stderr
        assert "private key" in private.stderr
        assert "ana" in shown
        assert "nobody is enrolled with this key" in unknown.stderr
        assert "chorus-tui members enrol" in unknown.stderr
        assert "no such key" in nowhere.stderr
        assert "ssh-keygen is not installed" in missing.stderr
        assert {run.returncode for run in (unknown, nowhere, missing)} == {1}
        assert cast.stdout.startswith(f"Voted approve as ana on {id_}: ")
        assert (before["state"], before["persons"], before["eligible"]) == ("open", ["ana", "ben"], 4)
        assert {(view["state"], view["record"]) for view in views} == {("rejected", views[0]["record"])}
        assert [view["counts"]["by_option"] for view in views] == [{"approve": 2, "reject": 2, "abstain": 0}] * 2
        assert not any(view["warnings"] for view in views)
        by = {
            vote["person"] or vote["by_name"]: (vote["by_name"], vote["mark"])
            for vote in views[0]["votes"]
            if vote["final"]
        }
        assert by == {
            name: (via, "counted")
            for name, via in (("ana", "grace"), ("ben", "ada"), ("ada", "ada"), ("grace", "grace"))
        }
        assert all(vote["key"].startswith("SHA256:") for vote in views[0]["votes"] if vote["person"])
        assert "signed by ana, brought by grace (agent)" in told
        assert good.returncode == 0, good.stderr
        assert 'Good "chorus-vote" signature for ana' in good.stdout
        assert text != (tmp_path / "record.json").read_text()
        assert forged.returncode != 0
