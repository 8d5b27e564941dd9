"""What the reference services of the tests stand on: a real HTTP server in a thread, on a port of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Service(BaseHTTPRequestHandler):
    """One request; says nothing of it on stderr."""

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        self.post()

    def get(self) -> None:
        """Answers a GET; not every service has one."""
        self.answer(405, b"")

    def post(self) -> None:
        """Answers a POST; as above."""
        self.answer(405, b"")

    def body(self) -> bytes:
        """What came with the request."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status: int, data: bytes) -> None:
        """The whole answer; who asked may have gone."""
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Tests look at what the service kept."""


@contextlib.contextmanager
def serving(handler: type[Service], port: int = 0) -> Iterator[int]:
    """The port, for the length of a block: any free one, or that which is given."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
