"""Who may come in: the runtime folder, the Host and Origin headers, the topics of a subscription."""

import os

import pytest

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Address, CannotListen, check_host, listen_tcp, listen_unix
from chorus_tui.engine.api.following import parse_topics


def test_socket_is_private(tmp_path):
    """The socket is 0600 in a folder 0700, and a stale one is replaced."""
    path = tmp_path / "run" / "a.sock"
    listen_unix(path).close()
    with listen_unix(path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_folder_open_to_others(tmp_path):
    """A runtime folder that others can enter is refused."""
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o755)

    with pytest.raises(CannotListen, match="0700"):
        listen_unix(folder / "a.sock")


def test_folder_is_a_link(tmp_path):
    """A link in the place of the runtime folder is refused, wherever it leads."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "real")

    with pytest.raises(CannotListen):
        listen_unix(tmp_path / "run" / "a.sock")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folder_of_somebody_else(tmp_path):
    """A runtime folder of another user is refused."""
    (tmp_path / "run").mkdir(mode=0o700)
    os.chown(tmp_path / "run", 12345, 12345)

    with pytest.raises(CannotListen, match="this user"):
        listen_unix(tmp_path / "run" / "a.sock")


def test_port_in_use():
    """A taken port is an error that names the variable and the port."""
    with listen_tcp(Address("127.0.0.1", 0, "CHORUS_API_PORT")) as first:
        port = first.getsockname()[1]
        with pytest.raises(CannotListen, match=f"{port}.*CHORUS_API_PORT"):
            listen_tcp(Address("127.0.0.1", port, "CHORUS_API_PORT"))


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:80", "10.0.0.7", "agent-1:8080", "my.site:1"])
def test_host_accepted(host):
    """Addresses, localhost, names without a dot and allowed names pass."""
    check_host(host, None, frozenset({"my.site"}))


@pytest.mark.parametrize("host", [None, "", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[::1"])
def test_host_refused(host):
    """A public name, as DNS rebinding uses, or none at all is refused."""
    with pytest.raises(Problem) as caught:
        check_host(host, None, frozenset())

    assert caught.value.status == 403


def test_origin():
    """An Origin passes only when it is the site itself."""
    check_host("localhost:80", "http://localhost:80", frozenset())
    for origin in ("https://evil.example", "null", "http://localhost:81", "http://["):
        with pytest.raises(Problem):
            check_host("localhost:80", origin, frozenset())


def test_topics():
    """Topics are those of the contract; output names a task."""
    task = "output:01ARZ3NDEKTSV4RRFFQ69G5FAV"

    assert parse_topics(f"tasks,log,{task}") == {"tasks", "log", task}
    for text in ("", "nope", "output", "output:x", "tasks:1", f"{task}\n", ",".join(f"t{i}" for i in range(99))):
        with pytest.raises(Problem):
            parse_topics(text)
