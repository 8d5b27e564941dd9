"""Sessions over SSH, seen from both ends in one process: what they leave behind, what breaks in them, who is slow, who floods."""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import sys
import webbrowser
from functools import partial
from pathlib import Path

import pytest
import structlog

from chorus_tui.serve.pastes import PASTE
from chorus_tui.serve.ssh import driver, house, session
from chorus_tui.serve.ssh.limits import Limits
from chorus_tui.serve.ssh.terminal import RESET
from chorus_tui.serve.typed import Typing
from tests.integration.serve.ssh_inside import inside, open_and_close, open_window, until

ALL_MODES_OFF = ("?1049l", "?1000l", "?1002l", "?1006l", "?2004l", "?25h", "?7h", "<u")


def test_nothing_of_a_session_stays(tmp_path):
    """After ten rounds of two sessions that end in any order no portal is alive, every client was let go, and stdout is ours."""
    before = sys.stdout, sys.stderr
    made, left = asyncio.run(open_and_close(tmp_path, 10))
    gc.collect()

    assert (sys.stdout, sys.stderr) == before
    assert len(made) == left == 20
    assert [portal() for portal in made if portal() is not None] == []


def test_a_crash_tells_its_person_an_id_and_the_log_the_rest(tmp_path):
    """What breaks in one session ends that one with status 1; no value of a variable is shown to it or logged; others go on."""
    logged = []

    def keep(_logger, _method, event):
        logged.append(structlog.processors.format_exc_info(None, "error", dict(event)))
        raise structlog.DropEvent

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            other, window = await open_window(connection), await open_window(connection)
            await other.sees("me and the mesh")
            await window.sees("me and the mesh")
            app = next(one for one in portal.sessions if one._channel.get_extra_info("peername") and one._app)._app

            def fail():
                password = "hunter2" * 2  # noqa: F841 - what must not be shown
                raise RuntimeError("it broke")

            app.call_later(fail)
            broken = await until(lambda: next((w for w in (window, other) if w.closed), None), "one of them ended")
            whole = other if broken is window else window
            whole.channel.write(b"3")
            await whole.sees("latency")
            return broken, whole.closed

    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        broken, other_closed = asyncio.run(go())
    finally:
        structlog.reset_defaults()
    (failure,) = [event for event in logged if event["event"].endswith("A session has failed")]

    assert broken.status == 1 and not other_closed
    assert f"error {failure['error_id']}" in broken.text
    assert "it broke" in failure["exception"]
    assert "hunter2" not in broken.text + str(failure) and "Traceback" not in broken.text
    assert all(mode in broken.out.decode(errors="replace") for mode in ALL_MODES_OFF)


def test_a_client_that_does_not_read_costs_nothing_and_sees_all_again(tmp_path):
    """While a client does not read, what waits for it stays bounded; when it reads again its screen is painted anew."""

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection, window=16 << 10)
            await window.sees("me and the mesh")
            await asyncio.sleep(0.3)
            window.channel.pause_reading()
            (held,) = portal.sessions
            most = 0
            for number in range(120):
                held._app.call_later(held._app.refresh, layout=True)
                if number == 60:
                    held._app.call_later(held._app.action_show, "peers")
                await asyncio.sleep(0.005)
                most = max(most, held._channel.get_write_buffer_size())
            paused, window.out = held._line.paused, b""
            window.channel.resume_reading()
            await window.sees("latency")
            return paused, most

    paused, most = asyncio.run(go())

    assert paused
    assert most < session.UNREAD_BYTES * 2


def test_a_flood_of_keys_waits_at_the_sender(tmp_path, monkeypatch):
    """However fast keys come, the portal holds few of them at a time, and a key after the flood is obeyed all the same."""
    monkeypatch.setattr(driver, "Typing", partial(Typing, rate=100.0, burst=300.0))

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection)
            await window.sees("me and the mesh")
            (held,) = portal.sessions
            app, most = held._app, 0
            window.channel.write(b"x" * 1_500)
            for _ in range(30):
                most = max(most, app._message_queue.qsize())
                await asyncio.sleep(0.05)
            held._line.driver._typing.rate = 1e6
            window.channel.write(b"3")
            await window.sees("latency")
            return most

    assert asyncio.run(go()) < 300 + driver.SLICE + 100


def test_a_paste_without_an_end_ends_the_session(tmp_path, monkeypatch):
    """A marked paste that never ends is not collected for ever: its session ends and says why; one that ends arrives whole."""
    monkeypatch.setattr(driver, "LONGEST_PASTE", 50_000)

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection)
            await window.sees("me and the mesh")
            window.channel.write(b":")
            await window.sees("Command")
            window.channel.write("\x1b[200~日本語 ok\x1b[201~".encode())
            await window.sees("日本語 ok")
            window.channel.write(b"\x1b[200~" + b"x" * 60_000)
            await window.gone()
            return window.text

    assert "was pasted at once" in asyncio.run(go())


def test_a_paste_beyond_the_bound_is_let_fall_and_the_session_goes_on(tmp_path):
    """It is said while it still comes, and little of it is held meanwhile; half a character is no end of what is typed."""

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection)
            await window.sees("me and the mesh")
            (held,) = portal.sessions
            parser = held._line.driver._parser
            window.channel.write(b"\x1b[200~" + b"x" * (PASTE + 20_000))
            await window.sees("Not pasted")
            waits = sum(map(len, parser._held))
            window.channel.write(b"\x1b[201~:")
            await window.sees("Command")
            window.channel.write("日".encode()[:1])
            await until(lambda: not held._line.driver._pending, "taken")
            window.channel.write("日".encode()[1:] + b" there")
            await window.sees("日 there")
            return waits

    assert asyncio.run(go()) == 0


def test_a_window_is_drawn_in_any_size(tmp_path):
    """A size that cannot be is drawn as the nearest that can; the screen follows each change; escape alone is the key."""

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection, size=(0, 0))
            await window.sees("me and the mesh")
            (held,) = portal.sessions
            sizes = [held._app.size]
            for width, height in ((2**32 - 1, 2**32 - 1), (1, 1), (70, 20)):
                window.channel.change_terminal_size(width, height)
                before = sizes[-1]
                await until(lambda before=before: held._app.size != before, "another size")
                sizes.append(held._app.size)
            window.channel.write(b":")
            await until(lambda: len(held._app.screen_stack) == 2, "the prompt")
            window.channel.write(b"\x1b")
            await until(lambda: len(held._app.screen_stack) == 1, "escape has closed it")
            return [tuple(size) for size in sizes]

    assert asyncio.run(go()) == [(80, 24), (500, 200), (20, 5), (70, 20)]


def test_a_size_among_the_keys_is_not_believed(tmp_path):
    """A screen is never larger than a window may be, whatever a guest types; the session goes on, keys and mouse too."""

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection, size=(80, 24))
            await window.sees("me and the mesh")
            (held,) = portal.sessions
            window.channel.write(b"\x1b[48;900;900;1;1t\x1b[48;24;80;0;0t\x1b[<0;5;5M\x1b[<0;5;5m3")
            await window.sees("latency")
            return tuple(held._app.size), window.closed

    assert asyncio.run(go()) == ((80, 24), False)


def test_nothing_is_opened_or_saved_on_the_server(tmp_path, monkeypatch):
    """A link opens no browser of the server, a delivery writes no file of it; what is copied goes to the client's clipboard."""
    monkeypatch.chdir(tmp_path)
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)

    async def go():
        async with inside(tmp_path / "s") as portal, portal.connect() as connection:
            window = await open_window(connection, size=(120, 40))
            await window.sees("me and the mesh")
            (held,) = portal.sessions
            held._app.call_later(held._app.open_url, "https://example.com/x")
            held._app.call_later(
                held._app.deliver_text, io.StringIO("text"), save_directory=tmp_path, save_filename="saved"
            )
            await window.sees("Copied: https://example.com/x")
            can_suspend = held._line.driver.can_suspend
            return window.out, can_suspend

    (tmp_path / "s").mkdir()
    out, can_suspend = asyncio.run(go())

    assert not opened and not can_suspend
    assert f"\x1b]52;c;{base64.b64encode(b'https://example.com/x').decode()}\x07".encode() in out
    assert [path.name for path in Path(tmp_path).iterdir()] == ["s"]


@pytest.mark.parametrize(
    ("term", "told", "has", "has_not"),
    [
        ("xterm-256color", {"COLORTERM": "truecolor"}, b"38;2;", b"38;5;"),
        ("xterm-256color", {}, b"38;5;", b"38;2;"),
        ("xterm-256color", {"NO_COLOR": "1", "COLORTERM": "truecolor"}, b"\x1b[", b"38;2;95;175;215"),
    ],
)  # fmt: skip
def test_colours_are_the_clients(tmp_path, monkeypatch, term, told, has, has_not):
    """What the client's terminal can show is what it gets, whatever the server's own terminal says."""
    monkeypatch.setenv("COLORTERM", "" if told else "truecolor")
    monkeypatch.setenv("TERM", "dumb")

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            window = await open_window(connection, term=term, env=told)
            await window.sees("me and the mesh")
            return window.out

    out = asyncio.run(go())

    assert has in out and has_not not in out
    assert b"?1003h" not in out


def test_who_may_no_longer_and_who_is_quiet_has_to_go(tmp_path, monkeypatch):
    """A key that was taken away or given another scope, an hour without a key, a whole day: each ends the session and says so."""
    monkeypatch.setattr(house, "ROUND_S", 0.05)

    async def go():
        told = []
        async with inside(tmp_path, Limits(idle_s=60.0)) as portal:
            rita = portal.let_in("rita", "read")
            for spoil in ("key", "scope", "idle", "day"):
                async with portal.connect(rita if spoil == "key" else None) as connection:
                    window = await open_window(connection)
                    await window.sees("me and the mesh")
                    (held,) = portal.sessions
                    if spoil == "key":
                        portal.keys.edit(
                            lambda text: ("".join(x for x in text.splitlines(True) if "rita" not in x), None)
                        )
                    elif spoil == "scope":
                        portal.keys.edit(lambda text: (text.replace('scope="operate"', 'scope="read"'), None))
                    elif spoil == "idle":
                        held._line.last_typed -= 61
                    else:
                        held.since -= 24 * 3600
                    await window.gone()
                    told.append(window.text.strip().splitlines()[-1])
        return told

    told = asyncio.run(go())

    why = [
        "Connect again if it still may.",
        "Connect again if it still may.",
        "Nothing was typed for 1 minutes.",
        "Connect again.",
    ]
    assert [words.endswith(end) for words, end in zip(told, why, strict=True)] == [True] * 4


def test_a_stop_gives_every_terminal_back(tmp_path):
    """When the server stops each client reads why, last of all, after a reset; a session that hangs does not hold it up."""

    async def go():
        async with inside(tmp_path) as portal, portal.connect() as connection:
            windows = [await open_window(connection) for _ in range(3)]
            for window in windows:
                await window.sees("me and the mesh")
            hanging = portal.sessions[0]._app

            async def never() -> str:
                await asyncio.sleep(3600)
                return ""

            hanging.before_leaving = never
            started = asyncio.get_running_loop().time()
            await portal.server.close("It stops.")
            return [
                window.out.decode(errors="replace") for window in windows
            ], asyncio.get_running_loop().time() - started

    outs, took = asyncio.run(go())

    assert took < 8
    for out in outs:
        assert out.endswith(RESET + "It stops.\r\n")
