"""A git host of the tests: git's own http-backend behind TLS on loopback, with a certificate authority of its own.

It also plays hosts that redirect, lie, hang, or send without end; and while git talks to it, it looks at what the
machine shows of git's processes.
"""

from __future__ import annotations

import base64
import gzip
import http.server
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chorus_tui.engine.execution.settings import ExecutionSettings

USER, TOKEN = "x-access-token", "s3cr3t/T0ken+with=signs"


@dataclass
class Authority:
    """A private certificate authority and a certificate of 127.0.0.1 from it."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        openssl = ["openssl", "req", "-x509", *key]
        names = ["-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem"]
        self._run(*openssl, *names)
        ours = [
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=CA:FALSE",
        ]
        self._run(*openssl, *ours, "-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.pem")

    def _run(self, *command: str) -> None:
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    @property
    def certificate(self) -> str:
        return (self.folder / "ca.pem").read_text()


Behaviour = Callable[["Handler"], None]


@dataclass
class Host:
    """A running host. ``root`` holds its bare repositories; ``behave`` replaces what it does."""

    root: Path
    private: bool = False
    behave: Behaviour | None = None
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Command lines and environments of all git processes at the time of each request."""

    bounds: set[str] = field(default_factory=set)
    """The bounds on address space of those processes."""

    stopped: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, repository: str) -> str:
        return f"https://{self.name}/{repository}"

    def look(self) -> None:
        """Remember what anybody on the machine could see of git."""
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_bytes()
                if b"git" in command and b"http-backend" not in command and self.name.encode() in command:
                    limits = (process / "limits").read_text()
                    self.bounds |= {line.split()[3] for line in limits.splitlines() if line.startswith("Max address")}
                if b"git" in command:
                    self.seen.add((command + b"\0" + (process / "environ").read_bytes()).decode("utf-8", "replace"))
            except OSError:
                continue


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    host: Host

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self.close_connection = True
        self.host.asked.append(f"{self.command} {self.path}")
        self.host.look()
        if self.host.behave is not None:
            self.host.behave(self)
            return
        if self.host.private and not self._known():
            self.answer(401, {"WWW-Authenticate": 'Basic realm="tests"'}, b"")
            return
        self.backend(self.body())

    do_POST = do_GET  # noqa: N815 - the base class's name

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def flood(self, headers: dict[str, str], piece: bytes, first: bytes = b"") -> None:
        """An answer without end, until the other side has had enough."""
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(first)
            while not self.host.stopped.is_set():
                self.wfile.write(piece)
        except OSError:
            return

    def _known(self) -> bool:
        given = self.headers.get("Authorization", "")
        if given:
            self.host.credentials.append(base64.b64decode(given.removeprefix("Basic ")).decode())
        return bool(given) and self.host.credentials[-1] == f"{USER}:{TOKEN}"

    def body(self) -> bytes:
        """What came with the request."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        else:
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def backend(self, body: bytes) -> None:
        """Answer as git's own server does."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.host.root), "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.host.root), "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "REMOTE_USER": "member",
            "REMOTE_ADDR": "127.0.0.1", "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        self.answer(status, headers, answer)


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes away is the point of several tests."""


def trusting(authority: Authority, host: Host, scratch: Path, credential: str = "") -> ExecutionSettings:
    """Settings that allow the host and trust its authority, with a credential for it or none."""
    scratch.mkdir()
    return ExecutionSettings(
        owner="me", scratch=scratch, repository_hosts=(host.name,), repository_ca=authority.certificate,
        repository_credentials={host.name: credential} if credential else {}, clone_timeout_s=120,
    )  # fmt: skip


@contextmanager
def running(authority: Authority, root: Path, **options) -> Iterator[Host]:
    """A host on a port of its own while the block runs."""
    host = Host(root, **options)
    root.mkdir(exist_ok=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.pem", authority.folder / "server.key")
    server = _Server(("127.0.0.1", 0), type("Bound", (Handler,), {"host": host}))
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    host.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield host
    finally:
        host.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
