"""Contents between real engines, by the command line: written here, read there, whoever dies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.system.peers import Peer, Refused, eventually, mesh

PLACE = "ucxl://ana:developer@shop:api/*^/notes/plan.md"


def read(peer: Peer, address: str = PLACE) -> str:
    done = peer.run("ucxl", "get", address)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def put(peer: Peer, text: str, *options: str, address: str = PLACE) -> dict:
    done = peer.run("ucxl", "put", address, "-", *options, "--json", stdin=text)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(300)
def test_what_is_written_on_one_is_read_on_others_after_its_author_is_gone_for_good(tmp_path):
    """And by a peer that was started again since, from its own disk, and by one that joins only then."""
    with mesh(tmp_path) as made:
        alpha, beta, gamma = made.grow("alpha", "beta", "gamma")
        first = put(alpha, "use PostgreSQL\n", "--message", "first thoughts", "--tag", "plan")
        assert (first["version"]["n"], first["held_by"]) == (1, 2)
        eventually("beta reads it", lambda: read(beta) == "use PostgreSQL\n")
        put(beta, "use SQLite\n")
        eventually("alpha reads the second", lambda: read(alpha) == "use SQLite\n")

        eventually("three vote, so one may go", lambda: len(alpha.voters()) == 3, 60)
        alpha.kill()
        assert read(gamma) == "use SQLite\n"
        assert read(gamma, PLACE.replace("*^", "*~1")) == "use PostgreSQL\n"
        delta = made.add("delta", bootstrap=beta).ready()
        eventually("a newcomer reads it too", lambda: read(delta) == "use SQLite\n", 90)
        gamma.kill()
        gamma.start().ready()
        assert read(gamma, PLACE.replace("*^", "^^0")) == "use PostgreSQL\n"
        assert [row["n"] for row in delta.json("ucxl", "history", PLACE)["versions"]] == [1, 2]


def test_the_commands_as_a_person_uses_them(tmp_path):
    """Each does what the page for users says, with its exit code; bytes come out as they went in."""
    with mesh(tmp_path) as made:
        (alpha,) = made.grow("alpha")
        picture = tmp_path / "picture.bin"
        picture.write_bytes(bytes(range(256)) * 8192)  # 2 MiB: more than other requests may have
        other = "ucxl://bob:reviewer@shop:api/*^/picture.bin"
        put(alpha, "one\ntwo\n")
        put(alpha, "one\nthree\n", "--message", "three it is")
        assert alpha.run("ucxl", "put", other, str(picture)).returncode == 0
        copy = tmp_path / "copy.bin"
        kept = alpha.run("ucxl", "get", other, "--to", str(copy))
        assert (kept.returncode, copy.read_bytes()) == (0, picture.read_bytes())
        assert alpha.run("ucxl", "get", other, "--to", str(copy)).returncode == 1

        assert "-two\n+three" in alpha.run("ucxl", "diff", PLACE).stdout
        assert alpha.json("ucxl", "search", "THREE")["hits"][0]["row"]["place"] == PLACE
        assert [node["name"] for node in alpha.json("ucxl", "tree", "shop")["children"]] == ["ana", "bob"]
        assert alpha.json("ucxl", "navigate", PLACE, "back")["to_version"] == 1
        out = alpha.run("ucxl", "navigate", PLACE, "back", "5")
        assert (out.returncode, "it has versions 1 to 2" in out.stdout) == (1, True)
        assert alpha.json("ucxl", "announce", PLACE)["here"]
        assert alpha.json("ucxl", "discover", PLACE)["sources"] == []
        several = alpha.run("ucxl", "get", "ucxl://any:any@shop:any/*~1/")
        assert (several.returncode, PLACE.replace("*^", "*~1") in several.stderr) == (1, True)
        assert "UCXL-300-MULTIPLE_CHOICES" in several.stderr
        assert "Removed" in alpha.run("ucxl", "rm", PLACE, "--message", "not any more").stdout
        gone = alpha.run("ucxl", "get", PLACE)
        assert (gone.returncode, "was removed" in gone.stderr) == (1, True)
        assert read(alpha, PLACE.replace("*^", "~~1")) == "one\nthree\n"

        wrong = alpha.run("ucxl", "get", "ucxl://ana@shop:api/*^/x")
        assert wrong.returncode == 2
        for part in (
            "UCXL-400-INVALID_ADDRESS",
            "field: role",
            "message: agent:role has no colon",
            "raw: ucxl://ana@shop:api/*^/x",
        ):
            assert part in wrong.stderr


def test_the_examples_of_the_page_for_users_work(tmp_path):
    """Line by line, as they stand there."""
    page = (Path(__file__).parents[3] / "docs" / "ucxl.md").read_text()
    example = page.split("```")[1]
    with mesh(tmp_path) as made:
        (alpha,) = made.grow("alpha")
        script = f'set -eo pipefail\nchorus-tui() {{ {sys.executable} -m chorus_tui "$@"; }}\n{example}'
        done = subprocess.run(
            ["bash", "-c", script], env=alpha.environment, capture_output=True, text=True, timeout=120, check=False
        )

    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "Version 2 of ",
        "Use SQLite\n",
        "-Use PostgreSQL\n+Use SQLite",
        "From version 2 to 1 of 2",
        "held here",
        "Removed",
    ):
        assert words in done.stdout


def test_what_is_sealed_to_a_role_is_read_by_its_members_only(tmp_path):
    """With its own role's seal: a member of the role opens it, another is refused and sees to whom it is sealed; all hold the same
    bytes, which are an age file."""
    with mesh(tmp_path) as made:
        (alpha,) = made.grow("alpha")
        beta, gamma = made.add("beta", CHORUS_AGENT_ROLE="developer"), made.add("gamma", CHORUS_AGENT_ROLE="reviewer")
        for peer in (beta, gamma):
            peer.ready()
        eventually("one mesh", made.whole, 40)
        done = put(beta, "for developers\n", "--readers", "role:developer")
        eventually("gamma knows of it", lambda: gamma.run("ucxl", "history", PLACE).returncode == 0, 30)
        refused = gamma.run("ucxl", "get", PLACE)
        raw = [
            peer.run("ucxl", "get", PLACE, "--raw", "--to", str(tmp_path / peer.name / "raw")).returncode
            for peer in made.peers
        ]

        assert done["version"]["readers"] == ["role:developer"]
        assert read(beta) == "for developers\n"
        assert (refused.returncode, "UCXL-403-FORBIDDEN" in refused.stderr, "role:developer" in refused.stderr) == (
            1,
            True,
            True,
        )
        assert raw == [0, 0, 0]
        files = {(tmp_path / peer.name / "raw").read_bytes() for peer in (alpha, beta, gamma)}
        assert len(files) == 1
        assert files.pop().startswith(b"age-encryption.org/v1\n")
