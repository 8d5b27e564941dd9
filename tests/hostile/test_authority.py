"""A member that has gone bad asks for more than it was granted; a stranger without the network key asks for anything."""

from __future__ import annotations

import json
import os

import pytest
import trio
from libp2p.peer.id import ID

from chorus_tui.engine.control import join, requests
from chorus_tui.engine.protocol.canonical import encode
from chorus_tui.engine.protocol.identity import Identity

from .attacker import attacker, frame
from .conftest import KEY


def answer(said: bytes) -> dict:
    """The first frame of an answer; empty when the stream was closed without one."""
    return json.loads(said[4 : 4 + int.from_bytes(said[:4], "big")]) if said else {}


async def members(scene) -> dict[str, tuple]:
    found = (await trio.to_thread.run_sync(scene.victim.get, "/api/v1/members"))["members"]
    return {one["peer_id"]: (one["authority"], one["kind"], one["role"]) for one in found}


async def test_a_member_cannot_grant_itself_anything_nor_become_a_person(scene) -> None:
    """Own signed requests beyond its authority, requests in another's name, a second joining as a person: all refused, and the
    list of members stays as it was."""
    before = await members(scene)
    mesh_id = scene.victim.status()["mesh_id"]
    rogue, somebody = scene.rogue, Identity(os.urandom(32))
    friend = scene.friend.peer_id
    tries = {
        "make itself master": requests.make(
            rogue, mesh_id, "member_changed", {"peer_id": rogue.peer_id, "authority": "master"}, "1:0:x"
        ),
        "send a member away": requests.make(rogue, mesh_id, "member_retired", {"peer_id": friend}, "1:0:x"),
        "in a stranger's name": requests.make(
            somebody, mesh_id, "member_changed", {"peer_id": rogue.peer_id, "authority": "master"}, "1:0:x"
        ),
        "of another mesh": requests.make(
            rogue, "ab" * 32, "member_changed", {"peer_id": rogue.peer_id, "authority": "master"}, "1:0:x"
        ),
        "of an unknown type": requests.make(rogue, mesh_id, "founded", {}, "1:0:x"),
    }
    async with attacker(scene.victim.address, KEY, scene.folder, rogue) as hostile:
        for what, made in tries.items():
            said = answer(
                await hostile.say(
                    "/chorus/request/1.0.0", [frame(encode({"kind": "request", "request": made}))], wait=2
                )
            )
            assert said.get("kind") in (None, "refused"), (what, said)
        person = join.Newcomer(rogue.peer_id, "rogue", "human", "admin", [], False)
        wish = join.make_request(rogue, mesh_id, person, "1:0:x")
        await hostile.say("/chorus/join/1.0.0", [frame(encode({"kind": "join", "request": wish}))], wait=2)
        stolen = join.make_request(somebody, mesh_id, person, "1:0:x")
        said = answer(
            await hostile.say("/chorus/join/1.0.0", [frame(encode({"kind": "join", "request": stolen}))], wait=2)
        )
        assert said.get("kind") in (None, "refused")
        scene.victim.post("/api/v1/peers/unban", {"peer": hostile.peer_id})

    assert await members(scene) == before
    assert before[rogue.peer_id][:2] == ("coordination", "agent")


@pytest.mark.parametrize("key", [bytes(32), os.urandom(32)], ids=["zeros", "random"])
async def test_without_the_network_key_there_is_no_connection(scene, key) -> None:
    """Another key is no key: the handshake fails, no peer is seen, others are served."""
    stranger = Identity(os.urandom(32))
    with pytest.raises(Exception):  # noqa: B017 - the library's own, a group or not
        async with attacker(scene.victim.address, key, scene.folder, stranger):
            pytest.fail("it came in")  # which raises no Exception
    listed = {peer["peer_id"] for peer in scene.victim.get("/api/v1/peers")["peers"]}

    assert str(ID.from_string(stranger.peer_id)) not in listed
