"""An export proves itself: what is whole verifies, what was changed anywhere is named, and forks are shown with their proof."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from chorus_tui.engine.journal.forks import Resolutions
from chorus_tui.engine.runtime import verifying
from chorus_tui.engine.runtime.exporting import Exporting, line
from tests.simulation.engines import Peer, World, until, world
from tests.simulation.test_forks import HEARTBEATS_S, forked
from tests.unit.journal.test_erasure import erasing


async def exported(peer: Peer, limit: int = 7) -> list[bytes]:
    """All lines, as a file holds them."""
    lines, after = [], ""
    while after is not None:
        page = await Exporting(peer.journal, peer.control).page(after, limit)
        lines += [f"{text}\n".encode() for text in page.lines]
        after = page.next
    return sealed(lines)


def sealed(lines: list[bytes]) -> list[bytes]:
    """With the last line that a writer adds."""
    end = verifying.end(len(lines), hashlib.sha256(b"".join(lines)).hexdigest())
    return [*lines, f"{line(end)}\n".encode()]


async def a_mesh_with_a_fork(at: World) -> tuple[Peer, Peer, list[Peer], str, tuple]:
    """Five peers; one forked, all know; an entry was erased."""
    liar, others, _, epoch, branches = await forked(at)
    at.network.heal()
    at.network.connect_all()
    for peer in others:
        peer.control.fold(peer.journal.erasures)
        peer.journal.replication.ask_all()
    await until("all know", lambda: all(peer.journal.forks() for peer in others), HEARTBEATS_S)
    master = next(p for p in at.peers.values() if p.control.members[p.peer_id].authority == "master")
    word = await others[0].journal.say("goodbye", {"reason": "erased"})
    await until("heard", lambda: all(peer.journal.get(*word.key) for peer in others))
    await others[0].control.request("body_erased", erasing(word).data)
    await until("gone", lambda: all(peer.journal.get(*word.key).body is None for peer in others))
    return liar, master, others, epoch, branches


async def test_a_whole_export_verifies_and_shows_each_fork_with_its_proof(autojump_clock):
    """Whatever the size of its pages: who, where, which two hashes; after the mesh decided, which one counts. Every peer's
    export proves the same fork."""
    async with world(51) as at:
        liar, master, others, epoch, (one, other) = await a_mesh_with_a_fork(at)
        for peer, limit in zip(others, (1, 2, 7, 500), strict=True):
            found = verifying.verify(await exported(peer, limit))

            assert (found.ok, found.problems, found.erased) == (True, [], 1)
            assert (found.feeds, found.control_entries) == (5, peer.control.commit)
            assert found.entries == peer.journal.count()
            proven = [fork for fork in found.proven if fork.seq == 2]
            assert [(fork.author, fork.epoch) for fork in proven] == [(liar.peer_id, epoch)]
            assert set(proven[0].hashes) == {one[0].entry.hash, other[0].entry.hash}
            assert "both signatures are right" in found.forks[0]

        data = {"author": liar.peer_id, "epoch": epoch, "seq": 2, "keep": one[0].entry.hash}
        await master.control.request("fork_resolved", data)
        await until("decided", lambda: all(peer.journal.forks() == [] for peer in others))
        found = verifying.verify(await exported(others[-1]))
        assert found.ok
        assert [fork.resolved for fork in found.proven if fork.seq == 2] == [one[0].entry.hash]


async def test_a_changed_byte_is_named_by_its_line_wherever_it_is(autojump_clock):
    """In evidence, feeds, decisions, votes, acknowledgements and the end, in any field: the line that was changed is named,
    although whoever changed it made the end anew."""
    async with world(52) as at:
        *_, others, _, _ = await a_mesh_with_a_fork(at)
        whole = await exported(others[1])
        chance = random.Random(52)
        for number, raw in enumerate(whole, 1):
            for position in chance.sample(range(len(raw)), 4):
                bad = bytearray(raw)
                bad[position] ^= 1 << chance.randrange(7)
                changed = [*whole[: number - 1], bytes(bad), *whole[number:]]
                if number < len(whole):
                    changed = sealed([*changed[:-1]])
                found = verifying.verify(changed)

                assert not found.ok, (number, position, raw)
                named = any(problem.startswith(f"line {number}: ") for problem in found.problems)
                # A certificate is about the whole log: a decision may be named by the certificates that do not fit it.
                assert named or b'"certificates"' in whole[number - 1], (found.problems, raw, bytes(bad))


async def test_lines_that_are_missing_twice_or_elsewhere_are_missed(autojump_clock):
    """Also at the end of a feed, where no later entry shows the gap; and a line written another way is named."""
    async with world(53) as at:
        *_, others, _, _ = await a_mesh_with_a_fork(at)
        whole = await exported(others[2])
        for n in range(len(whole) - 1):
            assert not verifying.verify([*whole[:n], *whole[n + 1 :]]).ok
            assert not verifying.verify([*whole[: n + 1], *whole[n:]]).ok
            spaced = whole[n].replace(b": ", b":  ", 1)
            again = verifying.verify(sealed([*whole[:n], spaced, *whole[n + 1 : -1]]))
            assert f"line {n + 1}: It is not written as an export writes it" in again.problems
        assert not verifying.verify(whole[:-1]).ok
        assert not verifying.verify([*whole, whole[0]]).ok
        assert not verifying.verify([]).ok


async def test_a_control_log_without_a_majority_is_no_control_log(autojump_clock):
    """Signatures of one voter, well made and in a file that fits, are not enough where three vote."""
    async with world(54) as at:
        for name in "abc":
            await at.start(name, extend=lambda peer: peer.control.fold(Resolutions(peer.journal)))
        await until("three voters", lambda: all(len(peer.control.voters) == 3 for peer in at.peers.values()))
        admin = next(peer for peer in at.peers.values() if peer.control.is_admin)
        await admin.control.propose("note", {"text": "decided"})
        lines = (await exported(admin))[:-1]
        values = [json.loads(raw) for raw in lines]
        (certificates,) = [value for value in values if value["kind"] == "certificates"]
        certificates["commit"]["acks"] = certificates["commit"]["acks"][:1]
        alone = sealed([f"{line(value)}\n".encode() for value in values])
        found = verifying.verify(alone)

        assert not found.ok
        assert "No majority" in found.problems[0]
        assert verifying.verify(sealed(lines)).ok


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"[]\n", b"{}\n", b'{"kind": "feed"}\n', b"\xff\n", b'{"kind": ["end"]}\n', b"1" * 99999]
)
def test_any_line_is_judged_and_none_fails_the_judge(raw: bytes) -> None:
    """What is no line of an export is named as such."""
    found = verifying.verify([raw])

    assert not found.ok
    assert found.problems[0].startswith("line 1: ")
