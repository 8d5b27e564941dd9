"""Images from a real registry on loopback: pulled, pinned by digest, and every way that goes wrong by its own name."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Iterator

import pytest

from tests.integration.execution.conftest import Bench, docker
from tests.integration.execution.registry import Registry, running, unpacked

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Debian's registry."""
    return unpacked(tmp_path_factory.mktemp("registry-program"))


@pytest.fixture(scope="module")
def registry(program, tmp_path_factory) -> Iterator[Registry]:
    """One that is open to all."""
    with running(program, tmp_path_factory.mktemp("registry") / "open") as made:
        yield made


def asking(bench: Bench, registry: Registry, **changes) -> Bench:
    """A bench that may pull from it."""
    return Bench(dataclasses.replace(bench.settings, registries=(registry.host,), **changes), bench.folder)


async def test_an_image_is_pulled_with_progress_and_apart_from_running(bench, registry, tmp_path):
    """What is not here comes from an allowed registry; how far it is shown; its time is the pulling phase's."""
    name, _ = registry.holds(tmp_path)
    puller = asking(bench, registry)
    result = await puller.run("echo ran", image=name)

    assert result.outcome == "completed", result.detail
    assert result.image == name
    assert ("pulling", f"pulling {name}") in puller.heard.phases
    assert result.phases["pulling"] > 0
    assert "pulling" not in [phase for phase, _ in puller.heard.phases[puller.heard.phases.index(("creating", "")) :]]


async def test_a_pinned_image_is_had_by_its_digest_alone(bench, registry, tmp_path):
    """The digest decides, with a tag beside it or without; once here, it is used without asking the registry."""
    name, digest = registry.holds(tmp_path)
    puller = asking(bench, registry)
    for pinned in (f"{name.rpartition(':')[0]}@{digest}", f"{name}@{digest}"):
        result = await puller.run("true", image=pinned)

        assert result.outcome == "completed", result.detail
    # The registry is not asked any more: nobody else is allowed to be.
    result = await bench.run("true", image=f"{name}@{digest}")

    assert result.outcome == "completed", result.detail


async def test_an_image_that_is_here_with_another_digest_is_not_the_pinned_one(bench, registry, tmp_path):
    """Pinned to what another image is: an error that names both digests, and nothing is run."""
    name, digest = registry.holds(tmp_path)
    assert (await asking(bench, registry).run("true", image=name)).outcome == "completed"
    other = f"sha256:{'0' * 64}"
    result = await bench.run("true", image=f"{name}@{other}")

    assert (result.outcome, result.reason) == ("error", "image_digest_mismatch"), result.detail
    assert other in result.detail
    assert digest in result.detail


async def test_a_local_image_without_digest_cannot_stand_for_a_pinned_one(bench):
    """What was built here has no registry's digest, so a pinned name is not met by its tag."""
    nowhere = Bench(dataclasses.replace(bench.settings, registries=()), bench.folder)
    result = await nowhere.run("true", image=f"chorus-base:latest@sha256:{'1' * 64}")

    assert (result.outcome, result.reason) == ("error", "image_digest_mismatch"), result.detail
    assert "built here" in result.detail


async def test_a_registry_that_sends_something_else_is_found_out(bench, registry, tmp_path):
    """The registry's disk was changed behind its back: the engine's check of the digest fails, and is told as that."""
    name, digest = registry.holds(tmp_path)
    stored = registry.blob(digest)
    honest = stored.read_bytes()
    stored.write_bytes(honest.replace(b'"schemaVersion": 2', b'"schemaVersion":  2'))
    try:
        result = await asking(bench, registry).run("true", image=f"{name.rpartition(':')[0]}@{digest}")
    finally:
        stored.write_bytes(honest)

    assert (result.outcome, result.reason) == ("error", "image_digest_mismatch"), result.detail


async def test_each_way_a_real_registry_fails_has_its_own_reason(bench, registry, program, tmp_path):
    """No such name, tag or digest; a password wanted; too large; dead; not allowed: six different things to do."""
    name, digest = registry.holds(tmp_path)
    base = name.rpartition(":")[0]
    puller = asking(bench, registry)
    for image in (f"{registry.host}/box/none:1", f"{base}:2", f"{base}@sha256:{'0' * 64}"):
        assert (await puller.run("true", image=image)).reason == "image_absent", image
    too_large = await asking(bench, registry, max_image_mb=1).run("true", image=name)
    assert too_large.reason == "image_too_large", too_large.detail
    assert (await bench.run("true", image=f"{base}@{digest}0")).reason == "bad_image_name"
    with running(program, tmp_path / "closed", closed=True) as closed:
        denied = await asking(bench, closed).run("true", image=f"{closed.host}/box/x:1")
        closed.process.kill()
        closed.process.wait()
        dead = await asking(bench, closed).run("true", image=f"{closed.host}/box/x:1")
    assert (denied.reason, dead.reason) == ("image_denied", "registry_unreachable"), (denied.detail, dead.detail)


async def test_a_registry_that_says_nothing_is_not_waited_for(bench):
    """It takes the connection and is silent: the pull ends by its own bound, before any container is made."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = dataclasses.replace(bench.settings, registries=(host,), pull_timeout_s=1)
        result = await Bench(settings, bench.folder).run("true", image=f"{host}/some/image:1")

    assert (result.outcome, result.reason) == ("error", "registry_unreachable"), result.detail
    assert "within 1 s" in result.detail
    assert host not in docker("images")
