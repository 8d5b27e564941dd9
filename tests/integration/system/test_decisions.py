"""Decisions between real engines over real libp2p, by the command line alone."""

from __future__ import annotations

import json

from tests.integration.system.peers import eventually, mesh


def seen(peer, id_):
    """What a peer shows of it; empty while it has not heard of it."""
    return peer.get(f"/api/v1/decisions/{id_}") or {}


def ended(peers, id_, seconds=60.0):
    """What each shows, once none waits any more."""

    def views():
        found = [seen(peer, id_) for peer in peers]
        return found if all(view["state"] not in ("open", "overdue", "counting") for view in found) else None

    return eventually(f"{id_} has ended for all", views, seconds)


def test_a_decision_by_the_command_line(tmp_path):
    """A person and two agents vote for good, so it closes before its deadline; an own vote says how far it got; all show one
    outcome with one record, held by each; a vote afterwards is refused, and mistakes name their field."""
    with mesh(tmp_path) as made:
        ada, grace = made.grow("ada", "grace")
        you = made.add("you", kind="human")
        you.ready()
        eventually("one mesh with all members", made.whole, 40)
        peers = [ada, grace, you]
        wrong = grace.run("decide", "propose", "--title", "x", "--deadline", "soon")
        asked = ("--title", "Use PostgreSQL", "--description", "for its transactions", "--deadline", "10m")
        id_ = grace.run("decide", "propose", *asked).stdout.strip()
        for peer in peers:
            eventually(f"{peer.name} knows it", lambda peer=peer: seen(peer, id_))
        waits = you.json("inbox", "list")["inbox"]
        cast = ada.json("decide", "vote", id_[:20], "approve", "--reason", "tried it", "--final")
        grace.json("decide", "vote", id_, "reject", "--reason", "too big", "--final")
        odd = you.run("decide", "vote", id_, "perhaps")
        mine = you.run("decide", "vote", id_, "approve", "--reason", "fine", "--final")
        views = ended(peers, id_)
        late = you.run("decide", "vote", id_, "reject")
        eventually("each holds the record", lambda: all(seen(peer, id_)["record_here"] for peer in peers), 60)
        told = you.run("decide", "show", id_)
        record = record_of(ada, id_)

        assert "deadline" in wrong.stderr
        assert "neither a time from now" in wrong.stderr
        assert [(item["kind"], item["subject_id"]) for item in waits] == [("vote", id_)]
        assert cast["vote"]["delivery"]["stored"]
        assert mine.stdout.startswith(f"Voted approve on {id_}: ")
        assert "choice" in odd.stderr
        assert late.returncode == 1
        assert "not open" in late.stderr
        assert {(view["state"], view["outcome"], view["ucxl"]) for view in views} == {
            ("passed", "approve", f"ucxl://grace:member@{views[0]['mesh_id'][:16]}:decisions/*^/decisions/{id_}")
        }
        counts = [view["counts"]["by_option"] for view in views]
        assert counts == [{"approve": 2, "reject": 1, "abstain": 0}] * 3
        assert not any(view["warnings"] for view in views)
        assert "too big" in told.stdout
        assert "✓ counted" in told.stdout
        assert (record["id"], record["title"], len(record["votes"])) == (id_, "Use PostgreSQL", 3)


def record_of(peer, id_):
    """The record as it lies under its address."""
    return json.loads(peer.run("ucxl", "get", seen(peer, id_)["ucxl"]).stdout)["record"]


def test_a_sealed_decision_is_read_by_its_role_alone(tmp_path):
    """Title, description and reasons reach the members of the role; another member sees that there is a vote, how it ended and
    the same record, and may not vote. Nothing of the words is in its files."""
    with mesh(tmp_path) as made:
        ada, grace = made.grow("ada", "grace", CHORUS_AGENT_ROLE="review")
        (linus,) = made.grow("linus")
        peers = [ada, grace, linus]
        asked = ("decide", "propose", "--title", "The leak", "--description", "in the parser", "--to-roles", "review")
        # Who could read it shows as soon as the role's other members have said which key is theirs.
        done = eventually("it is sealed", lambda: (run := ada.run(*asked, "--deadline", "10m")).returncode == 0 and run)
        id_ = done.stdout.strip()
        for peer in peers:
            eventually(f"{peer.name} knows it", lambda peer=peer: seen(peer, id_))
        foreign = linus.run("decide", "vote", id_, "approve")
        for peer in (ada, grace):
            peer.run("decide", "vote", id_, "approve", "--reason", "for want of a check", "--final")
        views = dict(zip(("ada", "grace", "linus"), ended(peers, id_), strict=True))
        eventually("each holds the record", lambda: all(seen(peer, id_)["record_here"] for peer in peers), 60)
        linus.stop()
        files = b"".join(file.read_bytes() for file in linus.data_dir.rglob("*") if file.is_file())

        assert foreign.returncode == 1
        assert "does not name this member" in foreign.stderr
        assert views["grace"]["title"] == "The leak"
        assert {vote["reason"] for vote in views["grace"]["votes"]} == {"for want of a check"}
        assert (views["linus"]["title"], views["linus"]["readable"], views["linus"]["outcome"]) == (
            "",
            False,
            "approve",
        )
        assert id_.encode() in files
        assert b"The leak" not in files
        assert b"want of a check" not in files
