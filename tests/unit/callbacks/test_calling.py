"""One call over real HTTP on loopback: to checked addresses only, no redirect, no proxy."""

from __future__ import annotations

import http.server
import threading

import pytest

from chorus_tui.contract.hosts import target
from chorus_tui.engine.callbacks.calling import Failed, HttpPost
from chorus_tui.engine.callbacks.rules import Place, targets


@pytest.fixture
def service():
    """A server that redirects to itself; gives its port and the paths that were asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Host"]))
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/again")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


async def test_redirects_and_proxies_are_not_followed(service, monkeypatch):
    """The answer is the first one, from the listed address, whatever the environment says of proxies."""
    port, asked = service
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    where = target(f"127.0.0.1:{port}")
    status = await HttpPost(frozenset({where}))(Place("", where, secure=False, path="/hook?a=1"), {}, b"{}")

    assert status == 307
    assert asked == [("/hook?a=1", f"127.0.0.1:{port}")]


async def test_a_name_that_leads_inside_is_not_called(service):
    """A listed name whose address is this machine's, or of a network of its own, is not called unless the address is listed itself."""
    port, asked = service
    named = target(f"localhost:{port}")
    place = Place("", named, secure=False, path="/")
    with pytest.raises(Failed, match="leads to this machine"):
        await HttpPost(frozenset({named}))(place, {}, b"{}")
    assert asked == []

    assert await HttpPost(targets([f"localhost:{port}", f"127.0.0.1:{port}"]))(place, {}, b"{}") == 307
    assert asked == [("/", f"localhost:{port}")]


async def test_nobody_there(service):
    """No answer is a failure in words."""
    where = target("127.0.0.1:1")
    with pytest.raises(Failed, match="cannot be reached"):
        await HttpPost(frozenset({where}))(Place("", where, secure=False, path="/"), {}, b"{}")
