"""The one way out of a sandbox, with real sandboxes and real servers: only what task and settings list passes."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
import trio

from chorus_tui.engine.execution import letting_out
from chorus_tui.engine.execution.egress import Allowance
from chorus_tui.engine.execution.executor import DockerExecutor
from chorus_tui.engine.execution.interface import WorkDone
from tests.integration.execution.conftest import Bench, Heard, containers, docker

pytestmark = pytest.mark.docker

CLIENT = r"""
import os, re, socket, sys, time
HOST, PORT = re.fullmatch(r"http://(.+):(\d+)", os.environ["HTTPS_PROXY"]).groups()

def ask(head, data=b"", bound=60):
    with socket.create_connection((HOST, int(PORT)), 10) as way:
        way.settimeout(bound)
        way.sendall(head)
        said = b""
        while b"\r\n\r\n" not in said and (piece := way.recv(4096)):
            said += piece
        # Who talks on after a refusal may lose it: the other side has closed.
        if data and b" 200 " in said.split(b"\r\n")[0]:
            way.sendall(data)
            open("/tmp/let-out", "w").close()
        while piece := way.recv(65536):
            said += piece
            if len(said) > 3_000_000:
                break
        return said

def through(where, data=b"hello\n"):
    said = ask(b"CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n" % where.encode(), data)
    head, _, body = said.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), body
"""


@dataclass
class Server:
    """A server on loopback that answers one line with ``said``; counts who is connected."""

    port: int = 0
    now: int = 0
    most: int = 0
    served: int = 0
    lines: list[bytes] = field(default_factory=list)
    gone: trio.Event = field(default_factory=trio.Event)
    came: trio.Event = field(default_factory=trio.Event)
    answer: bytes = b"from outside\n"
    hold: trio.Event | None = None
    """Answers only when it is set."""

    async def handle(self, stream: trio.SocketStream) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.came.set()
        try:
            line = b""
            while not line.endswith(b"\n") and (piece := await stream.receive_some(4096)):
                line += piece
            self.lines.append(line)
            if line:
                if self.hold is not None:
                    await self.hold.wait()
                await stream.send_all(self.answer)
                self.served += 1
        except trio.BrokenResourceError:
            pass
        finally:
            self.now -= 1
            self.gone.set()
            await stream.aclose()


@asynccontextmanager
async def serving(**fields) -> AsyncIterator[Server]:
    """The server while the block runs."""
    server = Server(**fields)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, server.handle, 0, host="127.0.0.1"))
        server.port = listener.socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()


def listing(bench: Bench, *hosts: str) -> Bench:
    """The bench, with hosts its agent's settings list."""
    bench.settings = dataclasses.replace(bench.settings, sandbox_hosts=hosts)
    bench.executor = DockerExecutor(bench.settings)
    return bench


def program(text: str) -> str:
    """A command that runs the client and ``text`` behind it."""
    return f"cat > /tmp/client.py <<'END'\n{CLIENT}\n{text}\nEND\npython3 /tmp/client.py"


async def test_only_listed_hosts_pass(bench):
    """What task and settings list literally answers with its bytes; another port, another way of writing the host, a
    name that leads to loopback and a direct connection do not. Each is a line of the output."""
    async with serving() as server, serving() as other:
        at, beside = f"127.0.0.1:{server.port}", f"127.0.0.1:{other.port}"
        named = f"localhost:{other.port}"
        listing(bench, at, beside.replace("127.0.0.1", "127.0.0.2"), named)
        result = await bench.run(
            program(f"""
print("passed", through("{at}"))
for where in ("{beside}", "{named}", "127.1:{server.port}", "0x7f000001:{server.port}", "{at}.", "[::ffff:127.0.0.1]:{server.port}"):
    print("refused", through(where))
print("plain", ask(b"GET http://{at}/ HTTP/1.1\\r\\n\\r\\n").split(b"\\r\\n")[0])
began = time.monotonic()
try:
    socket.create_connection(("127.0.0.1", {server.port}), 5)
except OSError as error:
    print("direct", error.errno is not None, time.monotonic() - began < 4)
print(sorted(name for name in os.environ if "proxy" in name.lower()))
"""),
            language="python",
            allowed_hosts=[at, named],
        )

        told = result.output_tail
        assert result.outcome == "completed", told
        assert "passed ('HTTP/1.1 200 Connection established', b'from outside\\n')" in told
        assert told.count("refused ('HTTP/1.1 403 Forbidden'") == 6
        assert "plain b'HTTP/1.1 405 Method Not Allowed'" in told
        assert "direct True True" in told
        assert "['HTTPS_PROXY', 'NO_PROXY', 'https_proxy']" in told
        assert f"── out: {at} let through" in told
        assert f"── out: {beside} refused: it is not among the task's allowed_hosts" in told
        assert f"── out: {named} refused: its name leads to this machine" in told
        assert "out: 1 let through, 7 refused" in result.detail
        assert (server.served, other.lines) == (1, [])
    assert containers(bench.settings.owner) == []


async def test_a_shell_alone_is_let_out_too(bench):
    """The smallest image, without a program that knows proxies: bytes both ways, the end of each side passed on."""
    async with serving() as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        result = await bench.run(
            f"printf 'CONNECT {at} HTTP/1.1\\r\\n\\r\\nhello\\n' | nc 127.0.0.1 3128", allowed_hosts=[at]
        )

        assert result.outcome == "completed"
        assert "200 Connection established" in result.output_tail
        assert "from outside" in result.output_tail
        assert server.lines == [b"hello\n"]


async def test_without_allowed_hosts_nothing_listens(bench):
    """A task that names none has neither variables nor anything that listens, whatever settings list."""
    listing(bench, "example.com:443")
    result = await bench.run("env", "grep -c ' 0A ' /proc/net/tcp /proc/net/tcp6; ls -A /tmp")

    assert "proxy" not in result.output_tail.lower()
    assert "/proc/net/tcp:0\n/proc/net/tcp6:0" in result.output_tail
    assert ".chorus-out" not in result.output_tail
    assert result.detail == ""


async def test_a_host_that_settings_do_not_list_is_an_error_before_a_sandbox_is_made(bench):
    """The agent's settings have the last word, and say how to change it."""
    result = await bench.run("true", allowed_hosts=["example.com"])

    assert (result.outcome, result.reason) == ("error", "host_not_allowed")
    assert "example.com:443" in result.detail
    assert "CHORUS_SANDBOX_HOSTS" in result.detail
    assert "creating" not in result.phases


async def test_cancelling_leaves_no_connection(bench):
    """The server sees the end as soon as the task is cancelled."""
    async with serving(hold=trio.Event()) as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        job = bench.job(program(f'through("{at}")'), language="python", allowed_hosts=[at])
        with trio.fail_after(240):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bench.executor.run, job, Heard(), bench.put_blob)
                await server.came.wait()
                nursery.cancel_scope.cancel()
        server.hold.set()
        with trio.fail_after(20):
            await server.gone.wait()
    assert containers(bench.settings.owner) == []


async def test_a_connection_does_not_outlive_the_work(bench):
    """A client left in the background ends with the commands."""
    async with serving(hold=trio.Event()) as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        result = await bench.run(
            program(f'through("{at}")') + " & until [ -e /tmp/let-out ]; do sleep 0.1; done",
            language="python",
            allowed_hosts=[at],
        )

        assert result.outcome == "completed"
        server.hold.set()
        with trio.fail_after(20):
            await server.gone.wait()
        assert server.now == 0


async def test_a_flood_is_held_to_so_many_at_once_and_all_get_their_turn(bench):
    """Twenty at once: eight get through, the others wait their turn inside the sandbox."""
    async with serving(hold=trio.Event()) as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        job = bench.job(
            program(f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(20) as pool:
    said = list(pool.map(lambda _: through("{at}")[1], range(20)))
print("all", said.count(b"from outside\\n"))
"""),
            language="python",
            allowed_hosts=[at],
        )
        results = []
        heard = Heard()

        async def run() -> None:
            results.append(await bench.executor.run(job, heard, bench.put_blob))

        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run)
                while server.now < letting_out.AT_ONCE:
                    await trio.sleep(0.05)
                server.hold.set()

        assert "all 20" in results[0].output_tail, results[0]
        assert server.most == letting_out.AT_ONCE


async def test_silence_half_requests_and_too_much_are_ended(bench, monkeypatch):
    """Who does not say where to, says nothing any more, or carries more than a task may, is cut off in bounded time."""
    monkeypatch.setattr(letting_out, "HEAD_S", 4.0)
    monkeypatch.setattr(letting_out, "IDLE_S", 4.0)
    monkeypatch.setattr(letting_out, "Allowance", lambda: Allowance(1_000_000))
    async with serving(hold=trio.Event()) as silent, serving(answer=b"x" * 2_000_000) as much:
        hosts = [f"127.0.0.1:{silent.port}", f"127.0.0.1:{much.port}"]
        listing(bench, *hosts)
        result = await bench.run(
            program(f"""
print("half", ask(b"CONNECT 127").split(b"\\r\\n")[0])
print("long", ask(b"CONNECT " + b"x" * 9000).split(b"\\r\\n")[0])
print("silent", through("{hosts[0]}"))
print("much", len(through("{hosts[1]}")[1]) <= 1_000_000)
print("after", through("{hosts[1]}")[0])
"""),
            language="python",
            allowed_hosts=hosts,
        )

        told = result.output_tail
        assert "half b'HTTP/1.1 408 Request Timeout'" in told, told
        assert "long b'HTTP/1.1 431 Request Header Fields Too Large'" in told
        assert "silent ('HTTP/1.1 200 Connection established', b'')" in told
        assert "much True" in told
        assert "after HTTP/1.1 429 Too Many Requests" in told
        assert f"{hosts[1]} cut off: the task has carried all it may" in told


async def test_a_step_that_ran_out_of_time_does_not_close_the_way_out(bench):
    """The end of a step's time ends every process inside, ours too; the next step is let out again."""
    async with serving() as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        said = []

        async def work(workspace):
            said.append(await workspace.shell("sleep 60", 1))
            said.append(await workspace.shell(
                f"until printf 'CONNECT {at} HTTP/1.1\\r\\n\\r\\nhello\\n' | nc 127.0.0.1 3128; do sleep 0.1; done", 30
            ))  # fmt: skip
            return WorkDone("completed")

        job = dataclasses.replace(bench.job("true", allowed_hosts=[at]), work=work)
        result = await bench.executor.run(job, Heard(), bench.put_blob)

        assert result.outcome == "completed"
        assert said[0].ended_by == "timeout"
        assert "from outside" in said[1].output


async def test_a_host_that_cannot_be_reached_is_told_in_words(bench):
    """A name nobody knows, one that resolvers would rather not prepare, a port where nobody listens: 502, and no more."""
    async with serving() as server:
        closed = f"127.0.0.1:{server.port}"
    hosts = ["nowhere.invalid", "_odd--name.invalid", closed]
    listing(bench, *hosts)
    result = await bench.run(
        program(f"""
for where in ("nowhere.invalid:443", "_odd--name.invalid:443", "{closed}"):
    print("said", through(where)[0])
"""),
        language="python",
        allowed_hosts=hosts,
    )

    assert result.outcome == "completed", result
    assert result.output_tail.count("said HTTP/1.1 502 Bad Gateway") == 3, result.output_tail
    assert "its name is not known here" in result.output_tail
    assert "it cannot be reached" in result.output_tail


async def test_a_sandbox_that_is_gone_is_an_error_of_its_own(bench, image):
    """What stops the listener from starting at all is told as what it is, not as a missing forwarder."""
    name = image([], {}, links={"bin/sh": "none"})
    listing(bench, "example.com")
    result = await bench.run("true", image=name, allowed_hosts=["example.com"])

    assert (result.outcome, result.reason) == ("error", "image_without_shell")


async def test_names_a_task_makes_up_open_nothing(bench):
    """A task that writes to the listener's own error stream, or leaves files where pipes should be, gets no more than by
    connecting: nothing is let through, and the way out still works."""
    async with serving() as server:
        at = f"127.0.0.1:{server.port}"
        listing(bench, at)
        result = await bench.run(
            "mkdir -p /tmp/.chorus-out/c.aaaaaa; printf 'CONNECT evil.example:443 HTTP/1.1\\r\\n\\r\\n' > /tmp/.chorus-out/c.aaaaaa/up",
            "for f in /proc/[0-9]*/fd/2; do printf 'c.aaaaaa\\n../../etc\\nc.$(id)0\\n' > $f; done 2>/dev/null; sleep 2; cat /tmp/.chorus-out/c.aaaaaa/down",
            f"printf 'CONNECT {at} HTTP/1.1\\r\\n\\r\\nhello\\n' | nc 127.0.0.1 3128",
            allowed_hosts=[at],
        )

        assert "evil.example:443 let through" not in result.output_tail
        assert "from outside" in result.output_tail, result


async def test_an_image_that_cannot_listen_is_told_in_words(bench, image):
    """Without busybox there is no forwarder: a typed error with the way out, and no sandbox left."""
    busybox = docker_file("chorus-base", "/bin/busybox")
    name = image([], {"bin/shell": busybox}, links={"bin/busybox": "none", "bin/sh": "shell", "bin/sleep": "shell"})
    listing(bench, "example.com:443")
    result = await bench.run("true", image=name, allowed_hosts=["example.com"])

    assert (result.outcome, result.reason) == ("error", "no_forwarder")
    assert "busybox-static" in result.detail


def docker_file(name: str, path: str) -> bytes:
    """A file of an image."""
    import io
    import subprocess
    import tarfile

    container = docker("create", name).strip()
    try:
        tar = subprocess.run(["docker", "cp", "-L", f"{container}:{path}", "-"], capture_output=True, check=True).stdout
    finally:
        docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        found = archive.extractfile(archive.getmembers()[0])
        assert found is not None
        return found.read()
