"""A shared text between real engines: two people, an agent with a scripted model, two real portals that type at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.system.peers import CLI, Mesh, Peer, eventually, mesh
from tests.integration.system.terminal import Terminal
from tests.integration.system.test_agents import drive
from tests.support.scripted_model import Asked, Rule, ScriptedModel

ADDRESS = "ucxl://ana:author@shop:plan/*^/plan.md"


def helps(asked: Asked) -> dict[str, object]:
    """Mends the heading; what it is given is data."""
    material = json.loads(asked.last)
    assert material["asked"]["text"].startswith("@alpha")
    return {"say": "Mended", "edits": [{"find": "teh", "replace": "the"}, {"find": "nowhere", "replace": "x"}]}


def people(made: Mesh, *names: str) -> list[Peer]:
    """Engines of persons, joined through the first peer."""
    first = made.peers[0]
    found = []
    for name in names:
        peer = Peer(
            made.folder, name, kind="human", CHORUS_BOOTSTRAP_PEERS=first.address, TERM="xterm-256color"
        ).start()
        made.peers.append(peer)
        found.append(peer.ready())
    eventually("one mesh", made.whole, 40)
    return found


def text(peer: Peer, session: str) -> str:
    return (peer.get(f"/api/v1/collab/{session}") or {}).get("text", "")


async def test_two_people_and_an_agent_write_a_text_that_becomes_a_version(tmp_path):
    """By the command line, on three machines' engines: the invitation is answered in the inbox, the agent edits what it is asked to,
    a restart loses nothing, and the text of the end is content under an address that another peer reads."""

    def test(made: Mesh, _model: ScriptedModel) -> None:
        ana, ben = people(made, "ana", "ben")
        alpha = made.peers[0]
        session = ana.run(
            "collab", "new", "--title", "The plan", "--text", "# teh plan\n", "--invite", "ben", "--invite", "alpha"
        ).stdout.strip()
        (item,) = eventually("the invitation is in the inbox", lambda: [
            one for one in ben.json("inbox", "list")["inbox"] if one["kind"] == "invitation"
        ], 40)  # fmt: skip
        assert "Joined" in ben.run("inbox", "answer", item["item_id"], "join").stdout
        eventually("it was answered", lambda: not ben.json("inbox", "list")["inbox"])
        ben.json("collab", "edit", session, "--append", "ben was here\n")
        eventually("ana has it", lambda: "ben was here" in text(ana, session), 45)
        assert ana.run("collab", "edit", session, "--find", "not there", "--replace", "x").returncode == 1

        ana.run("collab", "chat", session, "@alpha mend the heading, please")
        eventually("the agent has edited", lambda: "# the plan" in text(ana, session), 60)
        chat = eventually("and said so", lambda: [
            line for line in ana.json("collab", "show", session)["chat"] if line["author_name"] == "alpha"
        ])  # fmt: skip
        assert "1 of 2 edits made" in chat[0]["text"]

        ben.json("collab", "edit", session, "--append", "last words\n")
        ben.kill()
        ben.start().ready()
        eventually("the restart lost nothing", lambda: "last words" in text(ben, session), 30)
        eventually("all equal", lambda: len({text(peer, session) for peer in made.peers}) == 1, 60)
        written = text(ana, session)

        ended = ana.run("collab", "end", session, "--as", "ucxl", "--address", ADDRESS)
        assert "ended as content" in ended.stdout, ended.stderr
        for peer in (alpha, ben):
            eventually(
                "the end is known",
                lambda peer=peer: peer.get(f"/api/v1/collab/{session}")["row"]["state"] == "ended",
                45,
            )
            eventually("its version is there", lambda peer=peer: peer.run("ucxl", "get", ADDRESS).stdout == written, 45)
        refused = ben.run("collab", "edit", session, "--append", "too late")
        assert refused.returncode != 0
        assert "has ended" in refused.stderr
        assert ben.run("collab", "show", session, "--text").stdout == written

    await drive(test, [Rule(helps, when=lambda asked: "shared text" in asked.system)], tmp_path, "alpha")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Mesh, list[Peer], list[Terminal]]]:
    """Two persons' engines in one mesh, and a list of terminals that are closed at the end."""
    terminals: list[Terminal] = []
    with mesh(tmp_path) as made:
        made.add("ana", TERM="xterm-256color")
        made.peers[0].kind = "human"
        eventually("a mesh", lambda: made.peers[0].ready().status().get("mesh_id"), 40)
        people(made, "ben")
        yield made, made.peers, terminals
        for terminal in terminals:
            terminal.close()


def test_two_portals_type_into_one_text_at_once_and_end_equal(two):
    """A small terminal and a large one, on engines of their own: 'collab join' opens the portal at the text; both type while the other
    does, one undoes and deletes; no letter is lost and both texts are the same."""
    _made, (ana, ben), terminals = two
    session = ana.run("collab", "new", "--title", "Together", "--text", "top\n").stdout.strip()
    eventually("ben knows it", lambda: text(ben, session) == "top\n", 45)
    for peer, size in ((ana, (80, 24)), (ben, (120, 40))):
        terminals.append(Terminal([*CLI, "collab", "join", session], peer.environment, width=size[0], height=size[1]))
    left, right = terminals
    left.sees("Together", 40)
    right.sees("Together", 40)
    left.sees("② ", 30)
    right.sees("② ", 30)
    for n in range(12):
        left.type(f"L{n} ")
        right.type(f"R{n} ")
        if n == 6:
            right.keys("Down")
        if n == 9:
            left.type("oops")
            left.keys("BSpace", "BSpace", "BSpace", "BSpace")
    eventually(
        "the texts are equal", lambda: text(ana, session) == text(ben, session) and "R11" in text(ana, session), 45
    )
    left.sees("saved", 20)
    final = eventually("all is there", lambda: _whole(text(ana, session)) and text(ana, session), 20)
    assert final == text(ben, session)
    assert "oops" not in final
    for terminal in terminals:
        for word in ("L3", "R3", "L11", "R11"):
            terminal.sees(word)


def _whole(found: str) -> bool:
    """Every letter that was typed is there as often as it was, in whichever order."""
    typed = "".join(f"L{n} R{n} " for n in range(12)) + "top\n"
    return sorted(found) == sorted(typed)


def test_a_text_that_was_written_together_ends_as_a_patch_that_another_applies(tmp_path):
    """It goes on from a document, ends as a patch of that document, is looked at and applied by another member as its next version;
    without a document to change the mistake names the field, and the session goes on."""
    with mesh(tmp_path) as made:
        made.grow("alpha", CHORUS_AGENT_MAX_TASKS="0")
        ana, ben = people(made, "ana", "ben")
        ana.run("ucxl", "put", ADDRESS, "-", stdin="# The plan\n")
        session = ana.run("collab", "new", "--title", "The plan", "--base", ADDRESS).stdout.strip()
        ana.json("collab", "join", session)
        ana.json("collab", "edit", session, "--append", "Ship it.\n")
        alone = ana.run("collab", "new", "--title", "Else").stdout.strip()
        lost = ana.run("collab", "end", alone, "--as", "patch")
        assert lost.returncode == 2
        assert "address" in lost.stderr
        id_ = ana.json("collab", "end", session, "--as", "patch")["row"]["reference"]
        view = eventually("ben sees the patch", lambda: ben.get(f"/api/v1/patches/{id_}"), 45)
        assert (view["kind"], view["title"]) == ("context", "The plan")
        ana.json("patch", "submit", id_)
        eventually("submitted", lambda: ben.get(f"/api/v1/patches/{id_}")["state"] == "submitted", 45)
        applied = ben.run("patch", "apply", id_)
        assert applied.returncode == 0, applied.stderr
        assert ben.run("ucxl", "get", ADDRESS).stdout == "# The plan\nShip it.\n"
