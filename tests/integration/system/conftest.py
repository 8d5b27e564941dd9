"""A mesh of real processes, shared by the tests that do not break it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.integration.system.peers import mesh


@pytest.fixture(scope="session")
def base_image():
    """The base images; built from Debian packages when they are not there."""
    done = subprocess.run(
        [sys.executable, "-m", "chorus_tui", "images", "build"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def trio_of_peers(tmp_path_factory, base_image):
    """Three peers in one mesh; ``alpha`` is its admin."""
    with mesh(tmp_path_factory.mktemp("mesh")) as made:
        made.grow("alpha", "beta", "gamma")
        yield made.peers


@pytest.fixture
def fresh_mesh(tmp_path, base_image):
    """An empty mesh to grow and break."""
    with mesh(tmp_path) as made:
        yield made
