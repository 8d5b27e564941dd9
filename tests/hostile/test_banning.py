"""A person keeps a peer out by the command line, on real engines."""

from __future__ import annotations

import re

import trio

from tests.integration.system.peers import eventually


def row(scene) -> dict:
    """The friend as the victim lists it; its addresses are those of the link."""
    (found,) = (peer for peer in scene.victim.json("peers")["peers"] if peer["agent_id"] == "friend")
    return found


def test_a_blocked_peer_is_out_until_it_is_let_in_again(scene) -> None:
    """Blocked by its name: the link goes and stays away, the list says why, the peer's own door still answers; let in again, both
    are linked by themselves and what is said arrives. A second unban is refused with the way out."""
    friend = scene.friend.peer_id
    done = scene.victim.run("peers", "block", "friend", "--why", "for the test")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"friend: blocked \(for the test; blocked for \d+ s, until it is unbanned\)\n", done.stdout)
    eventually("the link is gone", lambda: not row(scene)["addresses"])
    shown = row(scene)
    assert (shown["state"], shown["ban"]["why"], shown["ban"]["by_person"]) == ("blocked", "for the test", True)
    assert "friend: blocked (for the test" in scene.victim.run("peers").stdout
    assert scene.friend.get("/api/v1/hello")
    trio.run(trio.sleep, 6)  # it dials every two to five seconds: each time it is refused
    eventually("none has stayed", lambda: not row(scene)["addresses"], 15)

    done = scene.victim.run("peers", "unban", "friend")
    assert done.returncode == 0, done.stderr
    again = scene.victim.run("peers", "unban", "friend")
    assert (again.returncode, "friend is not kept out" in again.stderr) == (1, True)
    eventually("both are linked again", lambda: friend in scene.victim.connected(), 40)
    scene.served(30)


def test_who_is_not_known_and_oneself_are_refused(scene) -> None:
    """In words, with exit code 1; a wrong length of time is wrong usage."""
    for arguments, words, code in (
        (("ban", "nobody"), "No peer here is called nobody", 1),
        (("block", "victim"), "itself", 1),
        (("ban", "friend", "--for", "0"), "range", 2),
    ):
        done = scene.victim.run("peers", *arguments)
        assert (done.returncode, words in done.stderr) == (code, True), done
