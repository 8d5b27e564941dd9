"""What an SSH connection may do and how much of it: nothing is forwarded, who somebody is hangs on the signature, and nobody holds a place for nothing."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest
from asyncssh.channel import SSHClientChannel

from chorus_tui.serve.ssh import house, session
from chorus_tui.serve.ssh.limits import Limits
from tests.integration.serve.ssh_inside import Window, inside, open_window, until


def test_nothing_is_forwarded(tmp_path):
    """Ports, sockets, agents, displays and networks, here or behind here: each is refused, and the connection stands."""

    async def refusal(asking):
        try:
            await asking
        except (asyncssh.ChannelOpenError, asyncssh.ChannelListenError) as error:
            return type(error).__name__
        return "let in"

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            listening = str(tmp_path / "listening")
            # Something is there, so that it is the server that says no.
            behind = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), tmp_path / "socket")
            tried = {
                "a port behind it": connection.open_connection("127.0.0.1", portal.port),
                "a socket of it": connection.open_unix_connection(str(tmp_path / "socket")),
                "a port of it": connection.start_server(lambda *_: None, "127.0.0.1", 0),
                "a socket to listen on": connection.start_unix_server(lambda *_: None, listening),
                "a network": connection.open_tun(),
                "a link": connection.open_tap(),
                "a display": connection.create_session(
                    Window, x11_forwarding=True, x11_display="127.0.0.1:9", request_pty="force"
                ),
                "sftp": connection.start_sftp_client(),
                "a command": connection.run("id", check=True),
            }
            said = {name: await refusal(asking) for name, asking in tried.items()}
            window = await open_window(connection)
            await window.sees("me and the mesh")
            behind.close()
            return said

    said = asyncio.run(go())

    assert not (tmp_path / "listening").exists()
    assert {name for name, how in said.items() if how == "let in"} == set()


def test_who_somebody_is_hangs_on_the_signature(tmp_path):
    """Who shows another's key without being able to sign with it, and then his own, is himself; the user name changes nothing."""

    async def go():
        async with inside(tmp_path) as portal:
            admin = portal.let_in("omar", "admin")
            (stolen,) = asyncssh.load_keypairs([admin])
            stolen.sign = lambda _data: b"\0\0\0\x0bssh-ed25519\0\0\0\x40" + bytes(64)
            async with portal.connect(client_keys=[stolen, portal.key], username="omar") as connection:
                await (await open_window(connection)).sees("me and the mesh")
            with pytest.raises(asyncssh.PermissionDenied):
                async with portal.connect(client_keys=[stolen], username="omar"):
                    pass
            async with portal.connect(admin) as connection:
                await (await open_window(connection)).sees("me and the mesh")
        return [(guest.person, guest.scope) for guest in portal.reception.guests]

    assert asyncio.run(go()) == [("ana", "operate"), ("omar", "admin")]


def test_who_tries_too_much_is_sent_away(tmp_path):
    """Too many keys end a connection; too many failures shut the door to an address; who stays silent is not waited for; the places
    of a key are counted over its connections."""
    limits = Limits(attempts=3, failures=2, failures_s=3600.0, a_key=2)

    async def go():
        async with inside(tmp_path, limits) as portal:
            async with portal.connect() as one, portal.connect() as two:
                windows = [await open_window(one), await open_window(two)]
                with pytest.raises(asyncssh.ChannelOpenError, match="2 sessions of this key are open"):
                    await open_window(two)
                windows[0].channel.close()
                await windows[0].gone()
                await until(lambda: len(portal.sessions) == 1, "one is left")
                await open_window(two)
            wrong = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(8)]
            for _ in range(2):
                with pytest.raises(asyncssh.DisconnectError, match="Too many keys"):
                    await portal.connect(client_keys=wrong)
            with pytest.raises((asyncssh.ConnectionLost, ConnectionError)):
                await portal.connect()
        (tmp_path / "silent").mkdir()
        async with inside(tmp_path / "silent", Limits(login_s=0.2)) as portal, asyncio.timeout(120):
            reader, writer = await asyncio.open_connection("127.0.0.1", portal.port)
            assert (await reader.read(1 << 16)).startswith(b"SSH-2.0-chorus-tui")
            while await reader.read(1 << 16):  # until it is closed on us, who say nothing
                pass
            writer.close()

    asyncio.run(go())


def test_an_open_connection_can_do_no_more_than_its_key(tmp_path, monkeypatch):
    """Where the key was taken away or may do less, a connection that stands opens no new session, and is ended at the next look."""
    monkeypatch.setattr(house, "ROUND_S", 3600.0)

    async def refused(connection):
        with pytest.raises(asyncssh.ChannelOpenError) as caught:
            await open_window(connection)
        return str(caught.value)

    async def go():
        async with inside(tmp_path) as portal:
            rita = portal.let_in("rita", "read")
            omar = portal.let_in("omar", "admin")
            async with portal.connect(rita) as gone, portal.connect() as less, portal.connect(omar) as same:
                await until(lambda: len(portal.house._visitors) == 3, "three have logged in")
                portal.keys.edit(lambda text: ("".join(x for x in text.splitlines(True) if "rita" not in x), None))
                portal.keys.edit(lambda text: (text.replace('scope="operate"', 'scope="read"'), None))
                told = [await refused(gone), await refused(less)]
                monkeypatch.setattr(house, "ROUND_S", 0.02)
                rounds = asyncio.create_task(portal.house.look_round())
                async with asyncio.timeout(40):
                    await asyncio.gather(*(one.wait_closed() for one in (gone, less)))
                rounds.cancel()
                return told, portal.reception.guests, same.is_closed()

    told, guests, same_closed = asyncio.run(go())

    assert [house.CHANGED in words for words in told] == [True, True]
    assert guests == [] and not same_closed


def test_no_place_is_held_by_a_channel_nobody_uses_or_closes(tmp_path, monkeypatch):
    """One without a shell is closed after a while; one whose client does not close it is cut; a key has few connections."""
    monkeypatch.setattr(house, "ROUND_S", 0.02)
    monkeypatch.setattr(session, "PARTING_S", 0.2)

    async def go():
        async with (
            inside(tmp_path, Limits(login_s=10.0, a_key=1)) as portal,
            portal.connect() as first,
            portal.connect() as second,
        ):
            await until(lambda: len(portal.house._visitors) == 2, "both have logged in")
            async with portal.connect() as third, asyncio.timeout(40):
                await third.wait_closed()
            silent = SSHClientChannel(first, asyncio.get_running_loop(), "strict", None, "strict", 1 << 16, 1 << 15)
            await silent._open(b"session")
            assert len(portal.sessions) == 1
            await until(lambda: not portal.sessions, "who asks for no shell holds no place")
            window = await open_window(second)
            await window.sees("me and the mesh")
            window.channel.send_packet = lambda *_, **__: None  # the client never closes its end
            portal.sessions[0].end("It is over.")
            await until(lambda: not portal.sessions, "who does not close holds no place")
            await second.wait_closed()

    asyncio.run(go())
