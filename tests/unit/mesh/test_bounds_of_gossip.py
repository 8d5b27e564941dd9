"""What one frame of gossip may bring, and cost. With two nodes: tests/integration/mesh."""

from __future__ import annotations

from time import process_time
from types import SimpleNamespace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.pubsub.pb import rpc_pb2

from chorus_tui.engine.mesh.hardening.pubsub import Allowances, SafePubsub
from chorus_tui.engine.mesh.limits import BYTES_PER_SECOND, MESSAGES_PER_SECOND, STRANGERS_PER_SECOND
from chorus_tui.engine.mesh.rules import points_of

OURS = "ours"
PEER = "peer"


class Topics(dict):
    """Topics that count how often one is looked up."""

    looked = 0

    def keys(self):
        return self

    def __contains__(self, topic: object) -> bool:
        self.looked += 1
        return super().__contains__(topic)


class Gossip(SafePubsub):
    """The part of it that needs no host: one topic, a clock that stands, reasons of refusals."""

    def __init__(self) -> None:
        self.subscribed_topics_receive = Topics({OURS: None})
        self.now = 0.0
        self.told: list[str] = []
        self._allowances = {}
        self._listener = SimpleNamespace(offended=lambda _peer, reason: self.told.append(reason))

    def _allowance(self, peer):
        if peer not in self._allowances:
            self._allowances[peer] = Allowances(lambda: self.now)
        return self._allowances[peer]

    def bounds(self, control: rpc_pb2.ControlMessage) -> bool:
        return self._bound_control(PEER, control)


def grafts(count: int) -> rpc_pb2.ControlMessage:
    """Grafts of our topic and of others by turns."""
    return rpc_pb2.ControlMessage(
        graft=[rpc_pb2.ControlGraft(topicID=OURS if n % 2 else f"x{n}") for n in range(count)]
    )


def test_a_frame_of_too_many_parts_is_refused_by_their_number():
    """A frame of grafts as large as a frame may be costs no look at any of them, no time, and is counted."""
    gossip, control = Gossip(), grafts(20_000)
    began = process_time()

    assert not gossip.bounds(control)
    assert process_time() - began < 0.5
    assert (gossip.subscribed_topics_receive.looked, gossip.told) == (0, ["too many control messages"])


def test_what_is_not_ours_is_taken_out_in_one_pass():
    """Of topics by turns ours and foreign, ours stay, in their order, with what they say; each is looked at once."""
    gossip = Gossip()
    control = rpc_pb2.ControlMessage(
        prune=[rpc_pb2.ControlPrune(topicID=OURS if n % 2 else f"x{n}", backoff=n) for n in range(40)]
    )

    assert gossip.bounds(control)
    assert [(one.topicID, one.backoff) for one in control.prune] == [(OURS, n) for n in range(1, 40, 2)]
    assert gossip.subscribed_topics_receive.looked == 40


def offers(first: int, count: int) -> rpc_pb2.ControlIHave:
    """So many messages of ours that the peer has."""
    return rpc_pb2.ControlIHave(topicID=OURS, messageIDs=[f"{n:040x}".encode() for n in range(first, first + count)])


def test_a_busy_peers_offers_take_nothing_from_its_grafts():
    """Each message is offered three heartbeats long: at 300 new ones a second for two minutes no frame is refused, nor cut."""
    gossip = Gossip()
    for second in range(120):
        gossip.now = float(second)
        control = rpc_pb2.ControlMessage(
            ihave=[offers(900 * second + n, 150) for n in range(0, 900, 150)],
            iwant=[rpc_pb2.ControlIWant(messageIDs=[f"{second:040x}".encode()] * 2)],
            graft=[rpc_pb2.ControlGraft(topicID=OURS)],
        )

        assert gossip.bounds(control)
        assert (len(control.ihave), len(control.graft), len(control.iwant)) == (6, 1, 1)
    assert gossip.told == []


def test_offers_without_end_are_left_out_alone():
    """Beyond the allowance for offers these are taken out of the frame, without a point against the peer; its grafts count."""
    gossip = Gossip()
    for _ in range(100):
        control = rpc_pb2.ControlMessage(ihave=[offers(0, 200)], graft=[rpc_pb2.ControlGraft(topicID=OURS)])

        assert gossip.bounds(control)
    assert (len(control.ihave), len(control.graft)) == (0, 1)
    assert {points_of(reason) for reason in gossip.told} == {0.0}


async def test_of_too_many_subscriptions_the_first_are_followed():
    """A hello with more topics than a frame may name is counted; the first count all the same, so the peer is not deaf."""
    gossip, followed = Gossip(), []
    gossip.host, gossip.max_subscriptions_per_rpc = None, 1000
    gossip.handle_subscription = lambda _peer, one: followed.append(one.topicid)
    names = [f"t{n}" for n in range(1500)]
    hello = rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=name) for name in names])
    await gossip._take(PEER, hello.SerializeToString())

    assert (followed, gossip.told) == (names[:1000], ["too many subscriptions"])


@example(member=True, steps=[(0.0, 3000, 100)])
@example(member=True, steps=[(0.0, 300, 64 * 1024)])
@settings(max_examples=30, deadline=None)
@given(
    member=st.booleans(),
    steps=st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from([1, 300, 3000]), st.sampled_from([0, 100, 64 * 1024])),
        min_size=1,
        max_size=5,
    ),
)
def test_of_messages_without_end_no_more_than_its_rate_passes(member: bool, steps: list[tuple[float, int, int]]):
    """Whatever a peer sends and when: what passes is within its rate and what it saved up, in number and in bytes, less for one that is
    no member; each that does not is counted and costs no point. And nothing of it is taken from another peer."""
    gossip = Gossip()
    gossip._listener.knows = lambda _peer: member
    rate = MESSAGES_PER_SECOND if member else STRANGERS_PER_SECOND
    passed = size = sent = 0
    for pause, count, length in steps:
        gossip.now += pause
        message = SimpleNamespace(data=bytes(length))
        for _ in range(count):
            sent += 1
            if gossip._within_allowance(PEER, message):
                passed, size = passed + 1, size + length

    assert passed <= rate * (4 + gossip.now)
    assert size <= BYTES_PER_SECOND * (4 + gossip.now)
    assert gossip.told == ["over its rate"] * (sent - passed)
    assert points_of("over its rate") == 0.0
    if len(steps) == 1:
        assert passed == min(sent, int(4 * rate), int(4 * BYTES_PER_SECOND / length) if length else sent)
    assert gossip._within_allowance("another", SimpleNamespace(data=bytes(64 * 1024)))
