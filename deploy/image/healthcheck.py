"""The image's health check: does this engine's loop turn? Exit code 0 when ``/healthz`` answers 200.

Plain sockets, because it runs every half minute and the modules that know HTTP take longer to load than the answer takes.
"""

import os
import socket
import sys

REQUEST = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"

try:
    with socket.create_connection(("127.0.0.1", int(os.environ.get("CHORUS_HEALTH_PORT") or 8081)), timeout=5) as asked:
        asked.sendall(REQUEST)
        answer = asked.recv(64)
except (OSError, ValueError) as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if answer.split()[1:2] == [b"200"] else f"not alive: {answer!r}")
