"""A short runtime folder for each test's sockets, and a server in memory."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.integration.doors.served import serve


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    """A runtime folder of the test's own, short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="ct-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
    monkeypatch.delenv("CHORUS_DATA_DIR", raising=False)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def served(tmp_path):
    """A server that answers the greeting and takes a stop."""
    with serve(tmp_path / "data") as server:
        yield server
