"""A hostile peer on every protocol id: as a stranger with the network key, and as a member that has gone bad."""

from __future__ import annotations

import json
import os

import pytest
import trio
from libp2p.utils.varint import encode_uvarint

from chorus_tui.engine.protocol.canonical import encode

from .attacker import Attacker, attacker, frame
from .conftest import KEY

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FA1"
HASH = "ab" * 32


def said(**fields) -> bytes:
    """A frame of ours with an object."""
    return frame(encode(fields))


def protobuf(*numbers: int) -> bytes:
    """A length and fields of a protobuf message that make no sense together."""
    body = b"".join(bytes([number << 3 | 2]) + encode_uvarint(40) + os.urandom(40) for number in numbers)
    return encode_uvarint(len(body)) + body


JUNK = {
    "garbage": [b"\xff" * 1000],
    "random": [os.urandom(5000)],
    "zeros": [bytes(4096)],
    "a length of 4 GiB": [b"\xff\xff\xff\xff", b"x" * 1000],
    "an endless varint": [b"\x80" * 64],
    "a varint of 2^63": [encode_uvarint(2**63), b"x" * 1000],
    "a frame that ends early": [frame(bytes(1000))[:500]],
    "an empty frame": [frame(b"")],
    "no JSON": [frame(b"{not json")],
    "no UTF-8": [frame(b'{"kind":"\xff\xfe"}')],
    "JSON in the depth": [frame(b"[" * 100_000)],
    "JSON with a key twice": [frame(b'{"kind":"sync","kind":"get"}')],
    "JSON that is not canonical": [frame(b'{ "kind" : "sync" }')],
    "numbers out of range": [frame(b'{"kind":"get","offset":1e999,"size":-1}')],
    "an unknown kind": [said(kind="become_admin")],
    "no kind": [said(hello="there")],
    "a kind that is a list": [said(kind=["sync"])],
    "nothing": [],
}
"""On every protocol."""

JOURNAL = [
    [said(kind="sync")],
    [said(kind="sync", feeds=[], digests={})],
    [said(kind="sync", digests={}, marks={"x": 1})],
    [
        said(kind="sync", digests={}, marks=["x", 2**53 - 1]),
        said(kind="feeds", feeds={}),
        said(kind="end", marks=["x", 1]),
    ],
    [
        said(kind="sync", digests={}),
        said(kind="feeds", feeds={}),
        said(kind="end", yours={}, marks={"held": {"x": {"y": 1}}, "number": -1}),
    ],
    [said(kind="sync", feeds={"x": {"y": [1, 2, 3]}}, digests={})],
    [said(kind="sync", feeds={"x": {"y": [2**53 - 1, HASH]}}, digests={"x": HASH})],
    [said(kind="deliver", entry={})],
    [said(kind="deliver", entry={"header": "e30=", "sig": "", "body": ""})],
    [said(kind="bodies", wanted=[["x", "y", -1]] * 1000)],
    [said(kind="bodies", wanted="all")],
    [said(kind="branch", author=1, epoch=2, seq="3")],
]
BLOB = [
    [said(kind="get", digest="../../../../etc/passwd", offset=0)],
    [said(kind="get", digest=f"sha256:{HASH}", offset=2**53 - 1)],
    [said(kind="get", digest=f"sha256:{HASH}", offset=True)],
    [said(kind="keep", digest=f"sha256:{HASH}", size=2**53 - 1)],
    [said(kind="keep", digest="sha256:", size=0), frame(b"x" * 1000)],
    [said(kind="vouch", digest={"a": 1})],
]
JOIN = [
    [said(kind="whoami")] * 50,
    [said(kind="join", request=None)],
    [said(kind="join", request={"request": "{}", "sig": "00"})],
    [said(kind="join", request={"request": encode({"peer_id": "x", "agent_id": "x"}).decode(), "sig": "00" * 64})],
]
CONTROL = [
    [said(kind="log", mesh_id="x" * 1000, after=-1)],
    [said(kind="log", mesh_id=HASH, after=2**53 - 1)],
    [said(kind="log", after=0)],
]
RAFT = [
    [said(kind="append", term=2**53 - 1, entries=[])] * 30,
    [said(kind="vote", term=-1, candidate="me")],
    [said(kind="snapshot", term=2**53 - 1, state={})],
    [frame(os.urandom(64)) for _ in range(200)],
]
REQUEST = [
    [said(kind="request", request={})],
    [said(kind="request", request={"request": "{}", "sig": "00"})],
    [
        said(
            kind="request",
            request={
                "request": encode({"op": "grant", "member": "me", "authority": "master"}).decode(),
                "sig": "00" * 64,
            },
        )
    ],
]
TASKS = [
    [said(kind="offer", mesh_id="x", free=-1)],
    [said(kind="renew", mesh_id="x", held="all", checks=3)],
    [said(kind="claim", mesh_id="x", task_id=ULID)],
    [said(kind="release", mesh_id="x", task_id="../..", attempt=10**15)],
]
ADDRESSES = [
    [said(peer_id="x", addresses=["/ip4/1.2.3.4/tcp/1"], counter=2**53 - 1, sig="00" * 64)] * 600,
    [frame(b"x" * 4097)],
]
KAD = [[protobuf(1, 2, 3, 8, 9)], [b"\x04\x08\x00\x10\x01"], [b"\x02\x08\x63"], [encode_uvarint(2**20 + 1)]]
IDENTIFY = [[protobuf(1, 2, 3, 4, 5, 6, 8)], [encode_uvarint(2**21)]]
GOSSIP = [
    [protobuf(1, 2, 3)],
    [b"\x20" + bytes(range(200, 232))],
    [encode_uvarint(50_000_000), b"x" * 1000],
    [b"\x00" * 100],
]

TIMES = {}
CASES: dict[str, list[list[bytes]]] = {
    "/chorus/addresses/1.0.0": ADDRESSES,
    "/chorus/blob/1.0.0": BLOB,
    "/chorus/control/1.0.0": CONTROL,
    "/chorus/join/1.0.0": JOIN,
    "/chorus/journal/1.0.0": JOURNAL,
    "/chorus/kad/1.0.0": KAD,
    "/chorus/raft/1.0.0": RAFT,
    "/chorus/request/1.0.0": REQUEST,
    "/chorus/tasks/1.0.0": TASKS,
    "/ipfs/id/1.0.0": IDENTIFY,
    "/ipfs/id/push/1.0.0": IDENTIFY,
    "/ipfs/ping/1.0.0": [[os.urandom(31)], [os.urandom(32 * 100)]],
    "/meshsub/1.0.0": GOSSIP,
    "/meshsub/1.1.0": GOSSIP,
}
"""What an attacker says on each protocol besides :data:`JUNK`."""


async def test_every_protocol_has_its_hostile_cases(scene) -> None:
    """The victim itself lists what it speaks; a protocol that is added without cases here turns this red."""
    async with attacker(scene.victim.address, KEY, scene.folder) as hostile:
        assert await hostile.protocols() == set(CASES)


@pytest.mark.parametrize("who", ["stranger", "member"])
async def test_nothing_said_on_any_protocol_ends_or_stops_the_node(scene, who) -> None:
    """All junk and all cases on all protocols: the victim lives, answers, serves its friend, holds no more memory, logs no
    traceback, and says who misbehaved; nothing is granted."""
    before, log_from = scene.memory_mb(), scene.victim.log.stat().st_size
    members = {m["peer_id"]: m["authority"] for m in scene.victim.get("/api/v1/members")["members"]}
    identity = scene.rogue if who == "member" else None
    async with attacker(scene.victim.address, KEY, scene.folder, identity) as hostile:
        for protocol, cases in CASES.items():
            # By its conduct it is out now and then, and the rest would be unsaid.
            await trio.to_thread.run_sync(scene.victim.post, "/api/v1/peers/unban", {"peer": hostile.peer_id})
            if not hostile.connected:
                await hostile.connect()
            await rounds(hostile, protocol, [*JUNK.values(), *cases])
        scene.victim.post("/api/v1/peers/unban", {"peer": hostile.peer_id})
    await trio.to_thread.run_sync(scene.served)

    log = scene.victim.log.read_bytes()[log_from:].decode(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]
    assert scene.memory_mb() - before < 60
    assert {m["peer_id"]: m["authority"] for m in scene.victim.get("/api/v1/members")["members"]} == members
    assert len(log) < 2_000_000
    assert {"bad frame", "bad stream", "odd stream", "oversize frame"} <= set(scene.refused())


async def rounds(hostile: Attacker, protocol: str, all_cases: list[list[bytes]]) -> None:
    """Say everything on one protocol, several at once, and leave some streams half open."""
    async with trio.open_nursery() as nursery:
        for pieces in all_cases:
            if not hostile.connected:
                break
            nursery.start_soon(hostile.say, protocol, pieces)
    held = []
    for _ in range(5):
        if hostile.connected:
            with trio.move_on_after(2):
                try:
                    held.append(await hostile.stream(protocol))
                except Exception:  # noqa: BLE001 - refused is fine
                    break
    del held


def test_the_cases_are_what_they_say() -> None:
    """Canonical frames really are canonical, so that they reach the handlers behind the parser."""
    for cases in (JOURNAL, BLOB, JOIN, TASKS):
        for first, *_ in cases:
            assert json.loads(first[4:])["kind"]
