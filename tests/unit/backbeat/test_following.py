"""What is followed of a mesh, and whose beat."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chorus_tui.engine.backbeat import rules
from chorus_tui.engine.backbeat.parts import Rhythm
from chorus_tui.engine.backbeat.service import LOOK_S, BeatService
from chorus_tui.engine.backbeat.watching import Watching


class Clock:
    """One that is set by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now


@pytest.fixture
def parts():
    """Of a peer that leads a mesh with nobody else."""
    control = SimpleNamespace(
        mesh_id="one", state="admin", term=1, admin="me", is_admin=True, admin_heard_s=lambda: None,
        parameters={"admin_timeout_s": 5.0}, on_change=lambda _told: None,
    )  # fmt: skip
    journal = SimpleNamespace(on_fleeting=lambda _type, _hear: None)
    return SimpleNamespace(
        me="me", agent_id="me", control=control, journal=journal, clock=Clock(), dht_known=None, mesh=None,
        board=SimpleNamespace(of_mesh=lambda _mesh: []), rhythm=Rhythm(endpoint="http://127.0.0.1:1", tempo_bpm=120.0),
    )  # fmt: skip


@pytest.mark.parametrize("next_mesh", ["two", None])
def test_what_belonged_to_a_left_mesh_is_followed_no_more(parts, next_mesh):
    """In another mesh, or in none, claims tell nothing of the tasks and elections of the one before; the DHT is still followed."""
    watching = Watching(parts)
    watching.look()
    operations = watching.operations
    for kind in ("task", "election", "dht"):
        operations.see(f"{kind}:1", kind, ("planning",), 0.0, 60.0)
    watching.look()
    assert {"task:1", "election:1", "dht:1"} <= operations.followed.keys()
    parts.control.mesh_id = next_mesh
    watching.look()

    assert {"task:1", "election:1", "dht:1"} & operations.followed.keys() == {"dht:1"}


def test_a_slower_service_is_followed_again_after_an_outage(parts):
    """While it is away the admin counts on as fast as the service did, whatever its own tempo: the service is not behind when
    it is back."""
    service = BeatService(parts)
    served = service._next().model_copy(update={"beat_index": 1000, "tempo_bpm": 30.0})
    assert service._take(served)
    away_s = 600.0
    until = parts.clock.now + away_s
    parts.clock.now += rules.MISSED * rules.beat_s(30.0)
    while parts.clock.now + (wait := _wait_s(service)) < until:
        parts.clock.now += max(wait, 0.0)
        if _wait_s(service) <= 0.0:
            assert service._take(service._next())
    back = served.model_copy(update={"beat_index": 1000 + int(away_s / rules.beat_s(30.0)) + 1})

    assert service.present().index > 1200
    assert service._take(back)


def _wait_s(service):
    """Until it gives a beat, or looks again whether it is its turn."""
    wait = service._wait_s()
    return LOOK_S if wait is None else wait
