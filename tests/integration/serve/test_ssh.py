"""The portal over SSH as guests meet it: OpenSSH's own client, a real terminal, a real engine."""

from __future__ import annotations

import signal
import subprocess

from tests.integration.system.peers import eventually

MODES = "#{alternate_on} #{mouse_any_flag} #{mouse_sgr_flag} #{cursor_flag} #{wrap_flag}"


def test_a_guest_acts_under_his_own_name(portal):
    """Whoever has the key is its person, whatever user name he gives: his proposal carries that name in the peer's feed. The screen
    follows the window; wide characters and a marked paste arrive as they were."""
    window = portal.window("ana")
    try:
        window.sees("You are ana here, with the scope operate")
        window._tmux("resize-window", "-x", "90", "-y", "30")
        window.sees("me and the mesh")
        window.keys("8")
        window.sees("decide propose")
        window.keys("n")
        window.sees("Title")
        window._tmux("set-buffer", "配管 ✅ é: pasted")
        window._tmux("paste-buffer", "-p")
        window.sees("配管 ✅ é: pasted")
        window.keys("C-s")
        row = eventually(
            "it was proposed", lambda: (portal.peer.get("/api/v1/decisions") or {"decisions": []})["decisions"]
        )[0]

        assert row["title"] == "配管 ✅ é: pasted"
        assert portal.peer.get(f"/api/v1/decisions/{row['decision_id']}")["on_behalf_of"] == "ana"
        assert [(guest["person"], guest["scope"]) for guest in portal.guests] == [("ana", "operate")]
        window.keys("q")
        window.sees("left with 0")
        assert window._tmux("display-message", "-p", MODES).split() == ["0", "0", "0", "1", "1"]
    finally:
        window.close()
    eventually("he is gone", lambda: not portal.guests and not portal.tokens())


def test_who_may_only_read_does_nothing(portal):
    """A guest with the scope read sees the mesh; what he tries to do his portal refuses, and the only token that it has for him is one
    of that scope, which the engine holds to: nothing was done."""
    before = portal.peer.status()["feed_entries"]
    window = portal.window("rita")
    try:
        window.sees("You are rita here, with the scope read")
        window.sees("term 1")  # a key before the first screen is there is for no screen
        window.type(":")
        window.sees("Command")
        window.type("connect /ip4/127.0.0.1/tcp/1/p2p/12D3KooWSC28xNfa")
        window.keys("Enter")
        window.sees("This portal is read only")
        (token,) = portal.tokens()

        assert (token["scope"], token["person"]) == ("read", "rita")
    finally:
        window.close()
    assert portal.peer.status()["feed_entries"] == before


def test_no_file_of_the_server_is_within_reach(portal):
    """A guest may not look at a folder of the server, nor give one of its files away as the result of a task."""
    window = portal.window("omar")
    try:
        window.sees("with the scope admin")
        window.sees("term 1")
        window.keys("6")
        window.sees("There are no patches")
        window.keys("n")
        window.sees("out of reach")
    finally:
        window.close()


def test_only_keys_open_it_and_only_the_portal(portal):
    """No key, no password, no command, no file transfer, no forwarding of any kind; the words say what was refused."""
    refused = {
        "a strange key": portal.run("mallory"),
        "passwords": portal.run("mallory", "-o", "PreferredAuthentications=password,keyboard-interactive"),
        "a command": portal.run("ana", then=("id",)),
        "sftp": portal.run("ana", "-b", "/dev/null", program="sftp"),
        "a remote port": portal.run("ana", "-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"),
        "a port behind it": portal.run("ana", "-W", "127.0.0.1:22"),
        "no terminal": portal.run("ana"),
    }
    said = {name: done.stdout + done.stderr for name, done in refused.items()}

    assert all(done.returncode != 0 for done in refused.values()), said
    assert "Permission denied (publickey)" in said["a strange key"]
    assert "Permission denied (publickey)" in said["passwords"]
    assert "exec request failed" in said["a command"] and "uid=" not in said["a command"]
    assert "subsystem request failed" in said["sftp"]
    assert "remote port forwarding failed" in said["a remote port"]
    assert "stdio forwarding failed" in said["a port behind it"]
    assert "needs a terminal" in said["no terminal"]


def test_twenty_at_once_and_nothing_of_them_afterwards(portal):
    """Twenty clients are served at once, each with a token of its own, in 6 MB each; half of them are killed, half leave when the key
    of their person is taken away: afterwards neither guests nor tokens are left."""
    persons = ["one", "two", "three"]
    for person in persons:
        portal.key(person, "read")
    outs = [portal.folder / f"out-{n}" for n in range(20)]
    clients = []
    try:
        first = portal.memory_mb
        for n, out in enumerate(outs):
            with out.open("wb") as file:
                line = portal.command(persons[n % 3], "-tt")
                clients.append(subprocess.Popen(line, stdin=subprocess.PIPE, stdout=file, stderr=file))
        for out in outs:
            eventually("it is painted", lambda out=out: b"me and the mesh" in out.read_bytes(), 60)
        tokens = portal.tokens()
        assert len(portal.guests) == len(tokens) == 20
        assert {token["scope"] for token in tokens} == {"read"}
        assert (portal.memory_mb - first) / 20 <= 6.0
        for client in clients[:10]:
            client.kill()
        for person in persons:
            assert portal.peer.run("ssh", "keys", "remove", person).returncode == 0
        assert [client.wait(80) for client in clients[10:]] == [0] * 10
        assert all("Your key may no longer" in out.read_text(errors="replace") for out in outs[10:])
    finally:
        for client in clients:
            client.kill()
            client.wait(40)
    eventually("nothing is left of them", lambda: not portal.guests and not portal.tokens())


def test_a_stop_gives_the_terminal_back_and_a_kill_leaves_no_token(portal):
    """SIGTERM: the client's terminal is as it was, and it reads why. SIGKILL: what its guests had is void when the next one starts."""
    window = portal.window("ana")
    try:
        window.sees("me and the mesh")
        assert window._tmux("display-message", "-p", MODES).split()[:2] == ["1", "1"]
        pid = portal.row["pid"]
        assert f"by process {pid}, 1 connected" in portal.peer.run("ssh", "--show").stdout
        assert portal.peer.run("web", "stop", "ssh").returncode == 0
        window.sees("The SSH portal was stopped")
        window.sees("left with 0")
        assert window._tmux("display-message", "-p", MODES).split() == ["0", "0", "0", "1", "1"]
        assert not (portal.peer.data_dir / "portals" / f"ssh-{pid}.json").exists()
    finally:
        window.close()
    identity = portal.start().row["identity"]
    window = portal.window("ana")
    try:
        window.sees("me and the mesh")
        portal.stop(signal.SIGKILL)
        assert len(portal.tokens()) == 1
    finally:
        window.close()

    assert portal.start().row["identity"] == identity in portal.log
    assert portal.tokens() == []
