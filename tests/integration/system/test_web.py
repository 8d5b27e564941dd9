"""The portal in a real browser: who gets in, what it may do and reach, and what is left when it has gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.sync_api import Browser, sync_playwright

from chorus_tui.portals import present
from chorus_tui.serve.web.rules import Limits
from tests.integration.system.peers import Peer, eventually
from tests.integration.system.web_portal import ESCAPES, Portal, Tab, served
from tests.support.patience import PATIENCE

CHROMIUM = "/usr/bin/chromium-headless-shell"


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    made = Peer(tmp_path_factory.mktemp("web"), "ana", kind="human").start().ready()
    yield made
    made.stop()


@pytest.fixture
def portal(peer: Peer) -> Iterator[Portal]:
    with served(peer) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    rooted = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as player:
        made = player.chromium.launch(executable_path=CHROMIUM, args=rooted)
        yield made
        made.close()


def test_a_one_time_url_opens_the_portal_and_keys_work(portal: Portal, browser: Browser) -> None:
    """Once: then it is dead, for the one who used it too. All that is asked for is here. Its tab is a process that holds neither token
    nor licence where others look, has the portal's scope, and goes with the tab."""
    tab = Tab(browser.new_page())
    tab.page.goto(portal.address)
    assert "one-time URL" in tab.page.inner_text("main")

    url = portal.another()
    tab.page.goto(url)
    tab.page.wait_for_url(f"{portal.address}/")
    tab.sees("· status")
    tab.page.keyboard.press("3")
    tab.sees("· peers")
    (guest,), (process,) = portal.guests(), portal.tabs()
    (token,) = [one for one in portal.peer.json("token", "list")["tokens"] if one["name"].startswith("web:")]
    stranger = browser.new_page()
    stranger.goto(url)

    assert "used already" in stranger.inner_text("main")
    assert (guest.scope, token["scope"]) == ("operate", "operate")
    assert b"chorus" in (process / "cmdline").read_bytes()
    assert not any(
        word in (process / name).read_bytes() for name in ("cmdline", "environ") for word in (b"dev-test", b"CHORUS_")
    )
    assert {urlsplit(one).netloc for one in tab.asked} == {urlsplit(portal.address).netloc}
    assert not [one for one in tab.errors if "Content Security Policy" in one]

    tab.page.close()
    eventually("the tab's process has ended", lambda: not portal.tabs() and not portal.guests(), 40)
    eventually(
        "its token is void",
        lambda: token["token_id"] not in [one["token_id"] for one in portal.peer.json("token", "list")["tokens"]],
    )


REFUSALS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("/", {}, 401),
    ("/?token=", {}, 401),
    ("/?token=guessed", {}, 401),
    ("/", {"Host": "evil.example"}, 403),
    ("/", {"Origin": "https://evil.example"}, 403),
    ("/ws", {"Origin": "https://evil.example"}, 403),
    ("/ws", {}, 403),
    ("/ws", {"Origin": "SELF"}, 401),
    ("/static/portal.js", {}, 200),
    ("/static/..%2frules.py", {}, 404),
    ("/download/key", {}, 404),
)
"""Path, headers, status."""


def test_who_is_not_invited_gets_nothing(portal: Portal) -> None:
    """No or a wrong token, a foreign Host or Origin, a stream without an Origin or a cookie; no file but those of the pages."""
    got = []
    for path, headers, _ in REFUSALS:
        own = {name: portal.address if value == "SELF" else value for name, value in headers.items()}
        got.append((path, headers, portal.ask(path, **own)[0]))

    assert got == list(REFUSALS)


def test_a_guest_who_may_read_can_do_no_more_and_is_told_when_it_ends(peer: Peer, browser: Browser) -> None:
    """The portal says so and sends nothing that acts; the only token that it has is one of that scope, which the engine holds to. SIGTERM
    ends every tab, says so on its page, and leaves nothing behind."""
    with served(peer, "--scope", "read", "--tabs", "1") as portal:
        tab = Tab(browser.new_page(viewport={"width": 1200, "height": 700}))
        tab.page.goto(portal.url)
        tab.sees("· status")
        tab.page.keyboard.press("8")
        tab.sees("· decide")
        tab.sees("read only")
        tab.page.keyboard.type(":")
        tab.sees("Command")
        tab.page.keyboard.type("connect /ip4/127.0.0.1/tcp/1/p2p/12D3KooWSC28xNfa")
        tab.page.keyboard.press("Enter")
        tab.sees("This portal is read only")
        (token,) = [one for one in peer.json("token", "list")["tokens"] if one["name"].startswith("web:")]
        second = browser.new_page()
        second.goto(portal.another())
        second.wait_for_selector("#ended:not([hidden])")
        portal.process.send_signal(signal.SIGTERM)
        tab.page.wait_for_selector("#ended:not([hidden])")

        assert token["scope"] == "read"
        assert "Only 1 can be open" in second.inner_text("#why")
        assert "stopped where it is served" in tab.page.inner_text("#why")
        assert portal.process.wait(80) == 0
        assert not portal.tabs()
        assert str(portal.process.pid) not in str(list((peer.data_dir / "portals").rglob("*")))


def test_the_engine_serves_and_stops_it_at_a_word(peer: Peer) -> None:
    """Start, show, invite, stop by the command line, one at a time; a refused start gives its reason and leaves nothing."""
    refused = peer.run("web", "start", "--host", "192.0.2.1")
    started = peer.json("web", "start", "--port", "0", "--scope", "read")
    again = peer.run("web", "start")
    url = peer.run("web", "invite", "--person", "ben").stdout.strip()
    made = [one for one in peer.json("web", "show")["portals"] if one["pid"] == started["pid"]]
    entered = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url], capture_output=True, text=True, check=True
    )
    stopped = peer.json("web", "stop")

    assert refused.returncode == 1
    assert "Cannot listen on 192.0.2.1" in refused.stderr
    assert [one["address"] for one in made] == [started["address"]]
    assert "served already" in again.stderr
    assert entered.stdout == "200"
    assert started["pid"] in [one["pid"] for one in stopped["portals"]]
    assert not Path(f"/proc/{started['pid']}").exists()
    assert peer.run("web", "invite").returncode == 1


def test_what_an_engine_serves_ends_with_it(tmp_path: Path) -> None:
    """SIGTERM to the engine: the process that serves has gone when the engine has."""
    other = Peer(tmp_path, "ben", kind="human").start().ready()
    try:
        pid = other.json("web", "start", "--port", "0")["pid"]
    finally:
        assert other.stop() == 0

    assert not Path(f"/proc/{pid}").exists()


def test_connections_beyond_the_bound_are_told_and_counted(peer: Peer) -> None:
    """Half of them from one address, all in sum; a refused one reads why and is closed, the others go on, a place that is free is given
    again, and whoever looks sees how many were refused."""

    def connect(source: str) -> socket.socket:
        return socket.create_connection((host, port), timeout=20, source_address=(source, 0))

    def answer(source: str) -> str:
        with connect(source) as one:
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: one.recv(65536), b"")).decode()

    with served(peer, "--tabs", "1") as portal, contextlib.ExitStack() as held:
        host, port = str(urlsplit(portal.address).hostname), int(urlsplit(portal.address).port or 0)
        most = Limits(sessions=1).connections
        here = [held.enter_context(connect("127.0.0.1")) for _ in range(most // 2)]
        one_too_many = answer("127.0.0.1")
        for number in range(most // 2):
            held.enter_context(connect(f"127.0.0.{2 + number % 2}"))
        full = answer("127.0.0.4")
        here.pop().close()
        eventually("its place is free", lambda: answer("127.0.0.4").startswith("HTTP/1.1 401"))

        assert one_too_many.startswith("HTTP/1.1 503")
        assert f"{most // 2} connections from this address are open" in one_too_many
        assert full.startswith("HTTP/1.1 503")
        assert f"All {most} connections are taken" in full

        def told() -> bool:
            # Read anew each time: the register hears of a refusal a moment later, and those of the loop above come to it.
            count = present(peer.data_dir)[0].refused
            return count >= 2 and f"{count} connections were refused" in peer.run("web", "show").stdout

        eventually("it is told", told)


def test_a_paste_without_an_end_is_held_by_nobody(portal: Portal) -> None:
    """A guest's own terminal may leave out its end: the tab's process says so, stays as small as it was, and takes keys when it is over."""

    def resident(tab: Path) -> int:
        return int((tab / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def until_seen(stream: aiohttp.ClientWebSocketResponse, text: str) -> None:
        seen = ""
        async with asyncio.timeout(60 * PATIENCE):
            while text not in seen:
                message = await stream.receive()
                assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), (message, seen[-500:])
                if message.type is aiohttp.WSMsgType.BINARY:
                    seen += ESCAPES.sub("", message.data.decode("utf-8", "replace"))

    async def go() -> int:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            await session.get(portal.url)
            async with session.ws_connect(f"{portal.address}/ws", headers={"Origin": portal.address}) as stream:
                await until_seen(stream, "me and the mesh")
                (tab,) = portal.tabs()
                before = resident(tab)
                await stream.send_json(["stdin", "\x1b[200~" + "x" * 100_000])
                await until_seen(stream, "Not pasted")
                for _ in range(100):
                    await stream.send_json(["stdin", "x" * 200_000])
                await stream.send_json(["stdin", "\x1b[201~:"])
                await until_seen(stream, "Command")
                return resident(tab) - before

    with ThreadPoolExecutor(1) as pool:
        grown = pool.submit(asyncio.run, go()).result(150 * PATIENCE)

    assert grown < 12 << 20, grown


def test_a_flood_of_keys_ends_its_tab_and_no_more(portal: Portal) -> None:
    """What is typed faster than it is read waits at the browser, not in memory; a tab that has waited for long ends with the reason, and so
    does its process. Another tab of the visit opens."""

    def resident(tab: Path) -> int:
        return int((tab / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    async def seen(stream: aiohttp.ClientWebSocketResponse) -> None:
        async for message in stream:
            if message.type is aiohttp.WSMsgType.BINARY and b"me and the mesh" in message.data:
                return

    async def go() -> tuple[int, int | None, bool]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            await session.get(portal.url)
            async with session.ws_connect(f"{portal.address}/ws", headers={"Origin": portal.address}) as stream:
                await seen(stream)
                (tab,) = portal.tabs()
                before = most = resident(tab)

                async def flood() -> None:
                    with contextlib.suppress(ConnectionError):
                        while not stream.closed:
                            await stream.send_json(["stdin", "j" * 10_000])

                flooding = asyncio.create_task(flood())
                async for _ in stream:
                    with contextlib.suppress(OSError):
                        most = max(most, resident(tab))
                code = stream.close_code
                flooding.cancel()
                await asyncio.gather(flooding, return_exceptions=True)
            async with session.ws_connect(f"{portal.address}/ws", headers={"Origin": portal.address}) as other:
                await seen(other)
                return most - before, code, tab.exists()

    with ThreadPoolExecutor(1) as pool:
        grown, code, lives = pool.submit(asyncio.run, go()).result(150 * PATIENCE)

    assert (code, lives) == (1001, False)
    assert grown < 20 << 20, grown


def test_a_tab_that_says_too_much_or_nothing_is_closed_and_none_outlives_the_server(peer: Peer) -> None:
    """A message over its size ends the stream; so does silence. Neither leaves a process, nor does a server that is killed."""

    async def ended(portal: Portal, session: aiohttp.ClientSession, message: str) -> int:
        """How a tab that says this ends."""
        async with session.ws_connect(f"{portal.address}/ws", headers={"Origin": portal.address}) as stream:
            if message:
                await stream.send_str(message)
            async for one in stream:
                assert one.type is not aiohttp.WSMsgType.ERROR
            return stream.close_code or 0

    async def go(portal: Portal, hurried: Portal) -> tuple[list[int], list[Path]]:
        # Only where silence ends a tab soon is a tab left silent: on a busy machine one may take as long to start.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            await session.get(hurried.url)
            of_silence = await ended(hurried, session, "")
            eventually("its process has ended", lambda: not hurried.tabs())
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            await session.get(portal.url)
            of_size = await ended(portal, session, "x" * (1 << 20))
            eventually("its process has ended too", lambda: not portal.tabs())
            async with session.ws_connect(f"{portal.address}/ws", headers={"Origin": portal.address}) as stream:
                await stream.receive_bytes()
                left = portal.tabs()
                portal.process.kill()
        return [of_size, of_silence], left

    with served(peer) as portal, served(peer, "--idle", "0.05") as hurried, ThreadPoolExecutor(1) as pool:
        # The browser's own loop runs in this thread.
        codes, left = pool.submit(asyncio.run, go(portal, hurried)).result(90 * PATIENCE)

    assert codes == [1009, 1001]
    assert len(left) == 1
    eventually("what it left has ended", lambda: not left[0].exists())
