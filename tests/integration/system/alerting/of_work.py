"""Faults of work and of what guards it: tasks, sandboxes, models, licences, calls."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

from tests.integration.system.alerting.world import TOKENS, World, again_and_again, fault, filled, stopped
from tests.integration.system.peers import eventually
from tests.support.docker_engine import SOCKET


@fault("ChorusTasksStuck")
def nobody_can(world: World) -> Iterator[None]:
    """A task that asks for what no worker knows."""
    waits = world.announce(1, "true", expertise=["cobol"])
    yield
    world.cancel(waits)


@fault("ChorusTasksFailing")
def tasks_fail(world: World) -> Iterator[None]:
    """Five of five."""
    world.announce(5, "false")
    yield


@fault("ChorusSecretsRedacted")
def a_task_prints_secrets(world: World) -> Iterator[None]:
    """Sixty of them."""
    world.announce(1, *(f"echo {' '.join(TOKENS[at : at + 10])}" for at in range(0, 60, 10)))
    yield


@fault("ChorusLeasesExpire")
def a_worker_vanishes(world: World) -> Iterator[None]:
    """The one that holds three tasks is killed."""
    held = world.announce(6, "sleep 100")
    eventually("the worker is full", lambda: world.running(held).count("beta") == 3, 90)
    world["beta"].kill()
    yield
    world.cancel(held)
    world.again("beta")


@fault("ChorusSandboxLeak")
def a_sandbox_is_left(world: World) -> Iterator[None]:
    """A sandbox of beta's, of a run that ended without removing it."""
    deadline = str(int(time.time()) + 3600)  # so that no other engine at this Docker Engine removes it
    labels = {"task": "leaked", "attempt": "1", "owner": world["beta"].peer_id, "run": "gone", "deadline": deadline}
    image = subprocess.run(["docker", "images", "-q"], capture_output=True, text=True, check=True).stdout.split()[0]
    given = [part for name, value in labels.items() for part in ("--label", f"chorus.{name}={value}")]
    subprocess.run(["docker", "create", *given, image, "true"], capture_output=True, check=True)
    yield


@fault("ChorusDockerDown", "ChorusComponentUnwell")
def docker_is_missing(world: World) -> Iterator[None]:
    """Its socket is gone."""
    world.docker.unlink()
    yield
    world.docker.symlink_to(SOCKET)


@fault("ChorusProviderDown", "ChorusDegraded")
def much_is_missing(world: World) -> Iterator[None]:
    """Odd's model, its Docker Engine, the room on its disk, its licence server and the other peers, all at once."""
    world.model.mode, world.licences.mode = "away", "broken"
    world.docker.unlink()
    with filled(world, free_mb=300), stopped(*(peer for name, peer in world.peers.items() if name != "odd")):
        yield
    world.docker.symlink_to(SOCKET)
    world.model.mode = world.licences.mode = "good"
    world.calm()


@fault("ChorusProviderFailing")
def the_model_fails(world: World) -> Iterator[None]:
    """It is there, and every question ends in an error."""
    world.model.mode = "failing"
    goals = world.announce(2, goal="Write a poem.")
    yield
    world.cancel(goals)
    world.model.mode = "good"


@fault("ChorusApiFailing")
def calls_fail(world: World) -> Iterator[None]:
    """A program that goes on to ask for a connection to where nobody is."""
    nowhere = {"address": "/ip4/127.0.0.1/tcp/1"}
    with again_and_again(lambda: world["alpha"].post("/api/v1/peers/connect", nowhere), 0.2):
        yield


@fault("ChorusLicenseGrace")
def the_licence_server_is_away(world: World) -> Iterator[None]:
    """It answers nobody."""
    world.licences.mode = "broken"
    yield
    world.licences.mode = "good"


@fault("ChorusLicenseInvalid")
def the_grace_ends(world: World) -> Iterator[None]:
    """The licence is revoked while odd works: at the end of its grace it lets the task end, and goes."""
    odd = world["odd"]
    odd.stop()
    odd.environment["GRACE_S"] = "2"
    world.again("odd")
    held = world.announce(8, "sleep 40")
    eventually("odd works", lambda: "odd" in world.running(held), 90)
    world.licences.licences["prod-123"].state = "revoked"
    yield
    world.cancel(held)
    world.licences.licences["prod-123"].state = "good"
    eventually("it has gone", lambda: odd.process is None or odd.process.poll() is not None, 60)
    del odd.environment["GRACE_S"]
    world.again("odd")
