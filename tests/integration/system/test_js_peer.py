"""An independent implementation against a real engine: a js-libp2p peer joins, is served, and is judged by the protocol.

The js peer carries bytes only; what it says is made and signed here, with its own key.
"""

from __future__ import annotations

import functools
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import rfc8785
import trio

from chorus_tui.engine.control.join import Newcomer, make_request
from chorus_tui.engine.journal.intake import NO_FAULT
from chorus_tui.engine.protocol import canonical, envelope, identity, topics
from chorus_tui.engine.protocol.canonical import MAX_MESSAGE
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.identity import Identity
from tests.integration.system.peers import NETWORK_KEY, Mesh, Peer, eventually, mesh
from tests.js.peer import JsPeer, StreamRefused, js_peer
from tests.support.patience import PATIENCE

JOIN = "/chorus/join/1.0.0"
ADDRESSES = "/chorus/addresses/1.0.0"
CLOSED = ("/chorus/journal/1.0.0", "/chorus/blob/1.0.0", "/chorus/tasks/1.0.0", "/chorus/control/1.0.0")
WALL = 1_790_000_000.0
TOPIC = topics.COORDINATION


@dataclass
class Feed:
    """A feed of its own: makes the next entry, each naming the one before."""

    me: Identity
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    seq: int = 0
    head: str | None = None

    def entry(self, type_: str, data: dict[str, Any]) -> Entry:
        """The next entry; the feed goes on from it."""
        made = self.draft(type_, data)
        self.seq, self.head = self.seq + 1, made.hash
        return made

    def draft(self, type_: str, data: dict[str, Any]) -> Entry:
        """What the next entry would be; the feed stays where it is."""
        said = envelope.make(type_, self.me.peer_id, data, WALL)
        hlc = f"{int(WALL * 1000)}:{self.seq}:{self.me.peer_id[-8:]}"
        return envelope.seal(said, TOPIC, self.me, epoch=self.epoch, seq=self.seq, prev=self.head, hlc=hlc)


def availability(me: Identity, **changed: Any) -> dict[str, Any]:
    """A valid envelope of a fleeting type; ``changed`` are fields of its data."""
    data = {"agent_id": "js", "status": "busy", "current_tasks": 3, "max_tasks": 4, "load": 0.5}
    return envelope.make("availability_broadcast", me.peer_id, data | changed, WALL)


async def seen(what: str, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """:func:`eventually`, while the js peer is listened to."""
    return await trio.to_thread.run_sync(eventually, what, condition, seconds)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """One engine that has founded a mesh."""
    with mesh(tmp_path_factory.mktemp("js")) as made:
        yield founded(made)


def founded(made: Mesh) -> Peer:
    """The first peer of a mesh, when it has one."""
    peer = made.add("alpha").ready()
    eventually("it founded a mesh", lambda: peer.status().get("mesh_id"))
    return peer


@asynccontextmanager
async def connected(node: Peer, me: Identity) -> AsyncIterator[JsPeer]:
    """A js peer with that identity, the network key, and an open stream of gossip."""
    async with js_peer(node.address, bytes.fromhex(NETWORK_KEY), [TOPIC], me.seed) as js:
        assert (await js.event("ready", seconds=60))["peer"] == me.peer_id
        await js.event("connected", peer=node.peer_id)
        await js.event("subscribed", peer=node.peer_id)
        yield js


async def question(js: JsPeer, **frame: Any) -> dict[str, Any]:
    """One frame of the join protocol, and its answer."""
    (answer,) = await js.ask(JOIN, canonical.encode(frame))
    value: dict[str, Any] = canonical.decode(answer)
    return value


async def join(js: JsPeer, me: Identity, agent_id: str) -> str:
    """Ask who leads, and be admitted; the mesh's id."""
    mesh_id: str = (await question(js, kind="whoami"))["mesh"]["mesh_id"]
    newcomer = Newcomer(me.peer_id, agent_id, "agent", "tester", ["js"])
    request = make_request(me, mesh_id, newcomer, envelope.timestamp(WALL))
    assert await question(js, kind="join", request=request) == {"kind": "joined", "mesh_id": mesh_id}
    return mesh_id


@asynccontextmanager
async def member(node: Peer, agent_id: str) -> AsyncIterator[tuple[JsPeer, Identity]]:
    """A js peer that is a new member."""
    me = Identity.generate()
    async with connected(node, me) as js:
        await join(js, me, agent_id)
        yield js, me


def refused(node: Peer) -> dict[str, int]:
    """The counters of refusals, by reason."""
    counters: dict[str, int] = node.status()["refused_messages"]
    return counters


async def one_is_refused(js: JsPeer, node: Peer, say: Callable[[], bytes]) -> None:
    """Say something new until one of a stranger is refused: gossip promises to bring none of them."""
    before = refused(node).get("stranger", 0)
    with trio.fail_after(20 * PATIENCE):
        while refused(node).get("stranger", 0) == before:
            await js.publish(TOPIC, say())
            await trio.sleep(0.3)


def changed(node: Peer, before: dict[str, int]) -> bool:
    """Whether anything was refused since."""
    return refused(node) != before


def listed(node: Peer, peer_id: str) -> dict[str, Any]:
    """A peer as ``peers --json`` shows it."""
    return next((peer for peer in node.json("peers")["peers"] if peer["peer_id"] == peer_id), {})


def stored(node: Peer, author: str) -> list[dict[str, Any]]:
    """An author's entries, as ``journal tail --json`` shows them."""
    page: dict[str, list[dict[str, Any]]] = node.json("journal", "tail", "--limit", "1000", "--author", author)
    return page["entries"]


def loose(value: Any) -> bytes:
    """Canonical bytes of what breaks a bound."""
    return rfc8785.dumps(value)


def nested(levels: int) -> dict[str, Any]:
    """An object of so many levels."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


def bad_envelopes(me: Identity, other: str) -> dict[str, tuple[str, bytes]]:
    """Per case: the reason it is counted under, and the bytes."""
    good, feed = availability(me), Feed(me)
    entry = feed.draft("goodbye", {"reason": "x"})
    wire = canonical.decode(entry.wire())
    sig = Identity.generate().sign(identity.FEED, entry.header.encode())
    role = {"agent_id": "js", "kind": "agent"}
    return {
        "malformed JSON": ("not_json", b'{"type": nope'),
        "no UTF-8": ("not_json", b"\xff\xfe{}"),
        "not canonical": ("not_canonical", json.dumps(good).encode()),
        "a key twice": ("not_canonical", canonical.encode(good).replace(b"{", b'{"data":{},', 1)),
        "oversize": ("oversize", loose(good | {"pad": "x" * MAX_MESSAGE})),
        "too deep": ("too_deep", loose(good | {"pad": nested(16)})),
        "thousands of brackets": ("too_deep", b"[" * 30_000 + b"]" * 30_000),
        "too many keys": ("too_many_keys", loose(good | {"pad": {str(n): 0 for n in range(1025)}})),
        "no envelope": ("bad_envelope", b"[]"),
        "no time": ("bad_envelope", canonical.encode({k: v for k, v in good.items() if k != "timestamp"})),
        "forged from": ("forged_from", canonical.encode(good | {"from": other})),
        "bad signature": ("bad_signature", canonical.encode(wire | {"log": wire["log"] | {"sig": sig}})),
        "durable without log": ("not_durable", canonical.encode({k: v for k, v in wire.items() if k != "log"})),
        "fleeting with log": ("not_fleeting", feed.draft("availability_broadcast", good["data"]).wire()),
        "another topic's": ("wrong_topic", feed.draft("role_announcement", role).wire()),
        "bad data of a known type": ("bad_data", canonical.encode(availability(me, status="asleep"))),
    }


async def test_a_js_peer_joins_hears_and_is_heard(node: Peer) -> None:
    """It is admitted by the join protocol, gets a task announcement whose signature both implementations verify, and
    what it says of itself, fleeting or durable, stands in ``peers`` and ``journal tail`` of the node."""
    async with member(node, "js-one") as (js, me):
        row = listed(node, me.peer_id)
        assert (row["agent_id"], row["member"], row["kind"], row["state"]) == ("js-one", True, "agent", "connected")

        await js.subscribe(topics.META)
        await js.event("subscribed", peer=node.peer_id)
        command = ("--title", "for nobody", "--command", "true", "--role", "nobody-has-it")
        task_id = await trio.to_thread.run_sync(lambda: node.announce(*command))
        heard = await announced(js, task_id)
        entry = envelope.entry_from_wire(bytes.fromhex(heard["hex"]), TOPIC)
        assert (entry.author, entry.data["task_id"]) == (node.peer_id, task_id)
        assert (heard["from"], heard["signed"], heard["entry"]) == (node.peer_id, True, True)

        await js.publish(TOPIC, canonical.encode(availability(me)))
        await seen("its availability", lambda: listed(node, me.peer_id).get("running") == 3)
        row = listed(node, me.peer_id)
        assert (row["running"], row["max_tasks"], row["status"]) == (3, 4, "busy")

        feed = Feed(me)
        said = [feed.entry("epoch_opened", {"version": "js"}), feed.entry("goodbye", {"reason": "home time"})]
        for one in said:
            await js.publish(TOPIC, one.wire())
        await seen("its entries", lambda: len(stored(node, me.peer_id)) == 2)
        assert [one["hash"] for one in stored(node, me.peer_id)] == [one.hash for one in said]
        assert all(not one["problem"] for one in stored(node, me.peer_id))
        assert node.json("journal", "verify")["ok"]


async def test_bad_envelopes_are_refused_and_counted(node: Peer) -> None:
    """Each bad envelope of a member is refused under its own reason, none is stored, and the member is still heard."""
    async with member(node, "js-two") as (js, me):
        cases = bad_envelopes(me, node.peer_id)
        for name, (reason, data) in cases.items():
            before = refused(node)
            await js.publish(TOPIC, data)
            await seen(f"{name} is refused", functools.partial(changed, node, before))
            counted = {word: n - before.get(word, 0) for word, n in refused(node).items() if n != before.get(word, 0)}
            # What a newer version might say is ignored; what no version may is held against who brings it.
            assert counted == {reason: 1, "ignored" if reason in NO_FAULT else "validator": 1}, name
        await js.publish(TOPIC, canonical.encode(availability(me, current_tasks=4)))
        await seen("it is still heard", lambda: listed(node, me.peer_id).get("running") == 4)

        assert {reason for reason, _ in cases.values()} <= node.json("status")["refused_messages"].keys()
        assert stored(node, me.peer_id) == []
        assert node.json("journal", "verify")["ok"]


async def test_what_cannot_be_read_is_kept_and_blocks_nothing(node: Peer) -> None:
    """An entry of an unknown type is stored as it is; one whose data does not fit is counted and stored as unreadable;
    the feed goes on after both. A fleeting message of an unknown type is skipped, and no offence."""
    async with member(node, "js-three") as (js, me):
        feed = Feed(me)
        await js.publish(TOPIC, feed.entry("epoch_opened", {"version": "js"}).wire())
        before = refused(node)
        await js.publish(TOPIC, feed.entry("from_the_future", {"wonder": [1, 2]}).wire())
        await js.publish(TOPIC, canonical.encode(envelope.make("fleeting_future", me.peer_id, {}, WALL)))
        await seen("the unknown type", lambda: len(stored(node, me.peer_id)) == 2)
        assert refused(node) == before

        await js.publish(TOPIC, feed.entry("goodbye", {"reason": ["no", "text"]}).wire())
        await js.publish(TOPIC, feed.entry("goodbye", {"reason": "text"}).wire())
        await seen("the whole feed", lambda: len(stored(node, me.peer_id)) == 4)
        rows = stored(node, me.peer_id)

        assert [row["type"] for row in rows] == ["epoch_opened", "from_the_future", "goodbye", "goodbye"]
        assert [bool(row["problem"]) for row in rows] == [False, False, True, False]
        assert rows[1]["body"]["data"] == {"wonder": [1, 2]}
        assert refused(node)["bad_data"] == before.get("bad_data", 0) + 1
        assert node.json("journal", "verify")["ok"]


async def test_a_stranger_reaches_nothing(node: Peer) -> None:
    """A peer with the network key that never joined: its gossip is refused and counted, it may ask who leads and give
    addresses, and every other stream is refused; a false wish to join too."""
    me = Identity.generate()
    async with connected(node, me) as js:
        feed, loads = Feed(me), itertools.count(1)
        await one_is_refused(js, node, lambda: canonical.encode(availability(me, load=next(loads) / 1000)))
        await one_is_refused(js, node, lambda: feed.entry("epoch_opened", {"version": "js"}).wire())
        before = refused(node)
        for protocol in CLOSED:
            with pytest.raises(StreamRefused):
                await js.ask(protocol, b"{}")
        await seen("the gate counts", lambda: refused(node).get("gate", 0) == before.get("gate", 0) + len(CLOSED))

        view = (await question(js, kind="whoami"))["mesh"]
        assert view["mesh_id"] == node.status()["mesh_id"]
        await js.ask(ADDRESSES)
        wish = make_request(
            Identity.generate(), view["mesh_id"], Newcomer(me.peer_id, "js", "agent", "", []), envelope.timestamp(WALL)
        )
        with pytest.raises(StreamRefused):
            await question(js, kind="join", request=wish)

        assert not listed(node, me.peer_id).get("member")
        assert stored(node, me.peer_id) == []
        assert node.alive()


async def announced(js: JsPeer, task_id: str) -> dict[str, Any]:
    """The message that announces a task, when the js peer has it."""
    with trio.fail_after(80):
        while True:
            for event in js.events:
                if event["event"] == "message" and f'"task_id":"{task_id}"' in event["data"]:
                    return event
            await trio.sleep(0.05)
