"""A fresh peer and a long history, as real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.system.catching_up import catch_up

pytestmark = pytest.mark.docker

ENTRIES = 5000


def test_a_fresh_peer_catches_up_while_the_mesh_works_on(base_image, tmp_path: Path) -> None:
    """All entries come and verify, tasks announced meanwhile are done, every status answer comes within a second, and
    memory stays bounded."""
    done = catch_up(tmp_path, ENTRIES)

    assert not done.faults(), done
