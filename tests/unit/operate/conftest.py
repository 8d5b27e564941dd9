"""Folders as this user must not see them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def as_nobody():
    """For root a moment as another user, for whom a folder that is closed is closed."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed():
    """A folder with keys that this user may not enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o755)
        folder = Path(made, "data")
        folder.mkdir()
        (folder / "age.key").touch()
        folder.chmod(0)
        yield folder
        folder.chmod(0o700)
