"""A mesh in a network of its own, which can be cut; the images are there before it starts."""

from __future__ import annotations

import pytest

from tests.chaos.mesh import chaos
from tests.integration.system.conftest import base_image

__all__ = ["base_image"]


@pytest.fixture
def hurt(tmp_path, base_image):
    """Makes the mesh; engine settings may be given."""
    with chaos(tmp_path, CHORUS_AGENT_MAX_TASKS="1") as mesh:
        yield mesh
