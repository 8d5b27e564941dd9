"""Where the Docker Engine of a test run answers: the machine's own, or the private one that ``scripts/with-docker.sh`` started."""

from __future__ import annotations

import os

from chorus_tui.engine.execution.docker_api import socket_of
from chorus_tui.engine.execution.settings import DEFAULT_SOCKET

DOCKER_HOST = os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET
SOCKET = socket_of(DOCKER_HOST)
