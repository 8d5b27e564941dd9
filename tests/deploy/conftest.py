"""The image and the mesh in containers, made once; nothing of them stays."""

from __future__ import annotations

import secrets

import pytest
import trio

from chorus_tui.engine.execution.image_build import build_images
from tests.deploy import containers
from tests.support.docker_engine import DOCKER_HOST


@pytest.fixture(scope="session")
def image():
    """The product's image by its own script, made from Debian packages: its tag."""
    tag = f"test-{secrets.token_hex(4)}"
    there = containers.images_there()
    try:
        containers.build_image(tag)
        yield tag
    finally:
        containers.remove_image(tag, there)


@pytest.fixture(scope="module")
def mesh(image, tmp_path_factory):
    """Three agents in containers that are one mesh with three voters."""
    trio.run(lambda: build_images([], lambda _: None, docker_host=DOCKER_HOST))
    made = containers.Containers(tmp_path_factory.mktemp("containers"), image)
    try:
        made.up()
        made.agreed(*containers.AGENTS)
        yield made
    finally:
        made.gone()
