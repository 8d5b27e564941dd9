"""The beat of a simulated mesh: one pulse, every agent's claim, a report a bar, whoever leads."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import trio

from chorus_tui.engine.backbeat.parts import Parts, Rhythm
from chorus_tui.engine.backbeat.service import BeatService
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.protocol.messages.beats import BarReport, BeatFrame, StatusClaim
from chorus_tui.engine.tasks.board import Board
from tests.simulation.engines import Peer, World, until, world

RHYTHM = Rhythm(tempo_bpm=60.0, bar=20)


def beating(
    services: dict[str, BeatService], heard: dict[str, list[Any]], name: str, peer: Peer, rhythm: Rhythm = RHYTHM
) -> None:
    """A peer that takes part, and remembers every beat and report that it heard of others."""
    clock = SystemClock()
    made = BeatService(Parts(peer.peer_id, name, rhythm, peer.journal, peer.control, peer.mesh, clock, Board()))  # type: ignore[arg-type]
    services[name] = made
    for type_ in ("beat_frame", "bar_report"):
        inner = peer.journal._fleeting.handlers[type_]

        async def listen(author: str, message: Any, topic: str, inner: Any = inner) -> None:
            heard.setdefault(name, []).append((author, message))
            await inner(author, message, topic)

        peer.journal._fleeting.handlers[type_] = listen
    peer.besides.append(made.run)


async def mesh_of(at: World, services: dict[str, BeatService], heard: dict[str, list[Any]], names: str) -> None:
    for name in names:
        await at.start(name, extend=partial(beating, services, heard, name))
    await until("one mesh", lambda: all(len(peer.control.voters) >= 3 for peer in at.peers.values()))
    await until("one beat", lambda: len({index(one) for one in services.values()}) == 1)


def index(service: BeatService) -> int:
    shown = service.present()
    return shown.index if shown else -1


def reports(heard: list[Any]) -> list[BarReport]:
    return [message for _, message in heard if isinstance(message, BarReport)]


async def test_every_bar_has_one_report_with_all_agents(autojump_clock):
    """Four agents, minutes of beats: beats go up by one, at their tempo, from the admin alone; each bar is reported once, with
    everybody in it and no drift."""
    async with world(71) as at:
        services, heard = {}, {}
        await mesh_of(at, services, heard, "abcd")
        admin = next(peer for peer in at.peers.values() if peer.control.is_admin)
        listener = next(name for name in "abcd" if name != admin.name)
        await trio.sleep(30)
        heard.clear()
        await trio.sleep(100)

        beats = [message.beat_index for _, message in heard[listener] if isinstance(message, BeatFrame)]
        assert {author for author, _ in heard[listener]} == {admin.peer_id}
        assert beats == list(range(beats[0], beats[0] + len(beats)))
        assert 99 <= len(beats) <= 101
        told = reports(heard[listener])
        assert 4 <= len(told) <= 6
        assert len({report.window_id for report in told}) == len(told)
        for report in told:
            assert report.agents == {"idle": 4}
            assert report.to_beat - report.from_beat == 19
            assert report.drift_max_ms < 100


async def test_a_new_admin_goes_on_with_the_beat_and_reports_the_election_by_phase(autojump_clock):
    """The admin crashes: beats never go down, the bar goes on under its window, and its report has the election in it."""
    async with world(72) as at:
        services, heard = {}, {}
        await mesh_of(at, services, heard, "abc")
        old = next(peer for peer in at.peers.values() if peer.control.is_admin)
        last = index(services[old.name])
        at.kill(old.name)
        rest = [name for name in "abc" if name != old.name]
        await until("another leads", lambda: any(peer.control.is_admin for peer in at.peers.values()), 30)
        await until("it beats", lambda: all(index(services[name]) > last + 5 for name in rest), 30)
        await trio.sleep(60)

        for name in rest:
            frames = [message for _, message in heard[name] if isinstance(message, BeatFrame)]
            assert all(a.beat_index < b.beat_index for a, b in itertools.pairwise(frames))
        new = next(peer for peer in at.peers.values() if peer.control.is_admin)
        follower = next(name for name in rest if name != new.name)
        phases = [set(report.by_kind.get("election", {})) for report in reports(heard[follower])]
        assert any({"discovering", "negotiating", "settling"} <= found for found in phases)


async def test_beats_of_another_than_the_admin_count_nowhere(autojump_clock):
    """A member that gives beats of its own, and reports: nobody follows them."""
    async with world(73) as at:
        services, heard = {}, {}
        await mesh_of(at, services, heard, "abc")
        liar = next(peer for peer in at.peers.values() if not peer.control.is_admin)
        honest = next(peer for peer in at.peers.values() if peer is not liar and not peer.control.is_admin)
        forged = services[liar.name]._next().model_copy(update={"beat_index": 2**40})
        await liar.journal.whisper("beat_frame", forged.model_dump(mode="json"))
        report = {
            "type": "backbeat.barreport.v1", "cluster_id": "chorus", "window_id": "0" * 32, "from_beat": 1, "to_beat": 2,
            "tempo_bpm": 2.0, "hlc": "0000:0000:0000", "agents": {"failed": 9},
        }  # fmt: skip
        await liar.journal.whisper("bar_report", report)
        await until("both were heard", lambda: sum(author == liar.peer_id for author, _ in heard[honest.name]) >= 2)

        shown = services[honest.name].present()
        assert shown is not None
        assert shown.index < 2**40
        assert shown.bar is None or "failed" not in shown.bar.agents


async def test_a_claim_that_comes_before_its_beat_is_counted_with_it(autojump_clock):
    """Gossip keeps no order between two authors: what is told once must not be lost."""
    async with world(74) as at:
        services, heard = {}, {}
        await mesh_of(at, services, heard, "abc")
        admin = next(peer for peer in at.peers.values() if peer.control.is_admin)
        listener = next(name for name in "abc" if name != admin.name)
        early = {
            "type": "backbeat.statusclaim.v1", "agent_id": "early", "beat_index": index(services[admin.name]) + 1, "state": "helping",
            "hlc": "0000:0000:0000",
        }  # fmt: skip
        await services[admin.name]._hear_claim("somebody", StatusClaim.model_validate(early), "")
        heard.clear()
        beat = early["beat_index"]

        def of_its_bar():
            return [report for report in reports(heard.get(listener, [])) if report.from_beat <= beat <= report.to_beat]

        await until("the report of its bar, this one or the next", of_its_bar, 60)
        assert of_its_bar()[0].agents == {"idle": 3, "helping": 1}
