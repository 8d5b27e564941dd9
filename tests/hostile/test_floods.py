"""More than anybody may bring: unread bytes, streams, frames, handshakes, gossip's own talk. Memory stays flat, others are served.

``CHORUS_FLOOD_FRAMES`` scales the flood of frames; the soak row sets it to a million.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
import trio
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.utils.varint import encode_uvarint

from chorus_tui.engine.mesh.limits import STRANGERS_PER_SECOND
from chorus_tui.engine.protocol.topics import EVERYBODYS
from tests.support.patience import PATIENCE

from .attacker import DATA, PING, RST, SYN, WINDOW, Attacker, attacker, yamux
from .conftest import KEY

FRAMES = int(os.environ.get("CHORUS_FLOOD_FRAMES", "100000"))
GROWTH_MB = 40
"""Memory that a flood may cost the victim, at its highest and afterwards."""
TOPIC = next(iter(EVERYBODYS))


@pytest.fixture
async def flat(scene):
    """The flood happens, the victim's memory is never far above what it was, the friend is served."""
    scene.count_peak_anew()
    before = scene.memory_mb()
    yield scene
    await trio.to_thread.run_sync(scene.served)
    assert scene.peak_mb() - before < GROWTH_MB


async def cut_off(hostile: Attacker, seconds: float = 10) -> None:
    """Wait until the victim has closed the connection. ``seconds`` are those of a calm machine."""
    with trio.fail_after(seconds * PATIENCE):
        while hostile.connected:
            await trio.sleep(0.02)


async def pour(hostile: Attacker, *frames: bytes, times: int = 1) -> None:
    """Say it until the connection is gone."""
    for _ in range(times):
        if not hostile.connected:
            return
        try:
            await hostile.raw(*frames)
        except Exception:  # noqa: BLE001 - cut off in the middle is what a test waits for
            return


async def test_unread_bytes_beyond_the_window_end_the_connection(flat) -> None:
    """A stream that nobody reads takes its window and no more; the library took all."""
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        await hostile.raw(yamux(DATA, SYN, 1001, 0))
        await pour(hostile, yamux(DATA, 0, 1001, 60_000, bytes(60_000)), times=1500)
        await cut_off(hostile)


async def test_a_frame_larger_than_any_window_is_not_read(flat) -> None:
    """The announcement alone ends the connection."""
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        await hostile.raw(yamux(DATA, SYN, 1001, 0))
        await pour(hostile, yamux(DATA, 0, 1001, 16 * 1024 * 1024, bytes(1000)))
        await cut_off(hostile)


async def test_thousands_of_streams_are_reset(flat) -> None:
    """Streams without end: those beyond the bound are reset, the peer is dropped, no friend loses a stream."""
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        for first in range(2001, 12_001, 1000):
            await pour(hostile, *(yamux(WINDOW, SYN, stream, 0) for stream in range(first, first + 1000, 2)))
        await cut_off(hostile, 20)
        assert flat.refused()["too many streams"] >= 200
        flat.victim.post("/api/v1/peers/unban", {"peer": hostile.peer_id})


async def test_a_flood_of_frames_waits(flat) -> None:
    """Frames of the multiplexer that mean nothing, as many as there are: the victim takes them at its own pace and computes
    little; when its pings drown in them it cuts the link, and the flood goes on by the next."""
    cpu, sent = flat.cpu_s(), 0
    kinds = (
        yamux(DATA, 0, 999_999, 0),
        yamux(WINDOW, RST, 999_997, 5),
        yamux(9, 0, 3, 7),
        yamux(DATA, RST, 31, 0),
        yamux(PING, 0, 0, 1),
    )
    piece = kinds * 200
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        while sent < FRAMES:
            if not hostile.connected:
                await hostile.connect()
            await pour(hostile, *piece)
            sent += len(piece)
    assert flat.cpu_s() - cpu < max(25, FRAMES / 4000)


def signed(hostile: Attacker, text: bytes, **fields) -> rpc_pb2.Message:
    """A message of the attacker's own; ``fields`` are set after signing."""
    keys = hostile.host.get_network().peerstore
    private = keys.privkey(hostile.host.get_id())
    message = rpc_pb2.Message(
        data=text, topicIDs=[TOPIC], from_id=hostile.host.get_id().to_bytes(), seqno=os.urandom(8)
    )
    message.signature = private.sign(PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString())
    message.key = private.get_public_key().serialize()
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def packed(*frames: rpc_pb2.RPC) -> bytes:
    return b"".join(encode_uvarint(len(data)) + data for data in (frame.SerializeToString() for frame in frames))


async def listed(flat, own: ID) -> dict:
    """The attacker as the victim's list of peers has it."""
    peers = (await trio.to_thread.run_sync(flat.victim.get, "/api/v1/peers"))["peers"]
    return next(peer for peer in peers if peer["peer_id"] == str(own))


async def test_gossips_own_talk_is_bounded_and_forgery_is_dropped(flat) -> None:
    """Topics without end, long names, asking for one message ten thousand times, prunes of nowhere; unsigned, forged, replayed
    messages: each is bounded and counted, the peers list shows what is held against the forger, then that he is banned, and why."""
    talk = [
        rpc_pb2.ControlMessage(
            graft=[rpc_pb2.ControlGraft(topicID=f"x{n}") for n in range(each)],
            prune=[rpc_pb2.ControlPrune(topicID=f"y{n}", backoff=2**60) for n in range(each)],
            iwant=[rpc_pb2.ControlIWant(messageIDs=[b"ab" * 20] * 5000)],
            ihave=[
                rpc_pb2.ControlIHave(topicID=TOPIC, messageIDs=[os.urandom(20).hex().encode() for _ in range(3000)])
            ],
        )
        for each in (900, 2000)  # as many parts as are looked at, and more
    ]
    names = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=f"{n}" + "t" * 400_000) for n in range(1)]
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        own = hostile.host.get_id()
        stream = await hostile.stream("/meshsub/1.1.0")
        for said, times in zip(talk, (20, 10), strict=True):
            await stream.write(packed(*[rpc_pb2.RPC(control=said)] * times))
        await stream.write(packed(*[rpc_pb2.RPC(subscriptions=names)] * 5))
        with trio.fail_after(60):
            while not (await listed(flat, own))["held_against"]:
                await trio.sleep(0.05)
        once = signed(hostile, b'{"type":"discussion"}')
        victim = hostile.victim.to_bytes()
        forged = [
            signed(hostile, b"x", from_id=victim),
            signed(hostile, b"y", signature=b""),
            signed(hostile, b"z", data=b"w"),
        ]
        with trio.move_on_after(10 * PATIENCE):
            for _ in range(40):
                if not hostile.connected:
                    break
                try:
                    await stream.write(packed(rpc_pb2.RPC(publish=[once, *forged])))
                except Exception:  # noqa: BLE001 - cut off is right
                    break
                await trio.sleep(0.02)
        await cut_off(hostile)
        counted = flat.refused()
        shown = await listed(flat, own)

        assert counted["long topic"] >= 1
        assert counted["bad signature"] >= 40
        assert counted["too many control messages"] >= 1
        assert (shown["state"], shown["ban"]["by_person"]) == ("banned", False)
        assert shown["ban"]["why"].startswith("it misbehaved (last: ")
        flat.victim.post("/api/v1/peers/unban", {"peer": hostile.peer_id})


async def test_more_messages_than_anybody_may_send_are_dropped(flat) -> None:
    """Thousands of signed messages, nothing wrong with any: what its rate does not let through is counted, and it stays connected."""
    sent, before = 3000, Counter(flat.refused())
    async with attacker(flat.victim.address, KEY, flat.folder) as hostile:
        stream = await hostile.stream("/meshsub/1.1.0")
        began = trio.current_time()
        for _ in range(sent // 100):
            await stream.write(packed(rpc_pb2.RPC(publish=[signed(hostile, os.urandom(50)) for _ in range(100)])))
        await stream.write(packed(rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid="t" * 400)])))
        with trio.fail_after(60 * PATIENCE):
            while not (refused := Counter(flat.refused()) - before)[
                "long topic"
            ]:  # which it reads when it has read all that came before
                await trio.sleep(0.05)
        passed = sent - refused["over its rate"]

        assert 0 < passed <= STRANGERS_PER_SECOND * (4 + trio.current_time() - began)
        assert hostile.connected


async def test_silent_and_broken_handshakes_keep_nobody_out(flat) -> None:
    """Hundreds of connections that say nothing or nonsense, without the network key: a peer with it comes in meanwhile."""
    port = int(flat.victim.address.split("/")[4])
    held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(150)]
    for one in held[:50]:
        await one.send_all(os.urandom(200))
    with trio.fail_after(40):
        async with attacker(flat.victim.address, KEY, flat.folder) as comes_in:
            assert comes_in.connected
    for one in held:
        await one.aclose()
