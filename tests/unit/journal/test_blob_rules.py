"""Who keeps a blob, and that copies never get fewer than promised."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal import blob_rules
from chorus_tui.engine.journal.blob_rules import CONFIRMED, PROMISE_S, Claim, Held, Promises

PEERS = [f"peer-{n}" for n in range(8)]
DIGESTS = st.integers(0, 10**6).map(lambda n: f"sha256:{n:064x}")


@given(DIGESTS, st.permutations(PEERS), st.sampled_from(PEERS))
def test_everybody_works_out_the_same_keepers_and_a_member_that_goes_moves_only_its_own(digest, order, gone):
    """Whatever the order of the members; without one of them, the others of the three stay."""
    before = blob_rules.keepers(digest, order)
    after = blob_rules.keepers(digest, [peer for peer in order if peer != gone])

    assert before == blob_rules.keepers(digest, PEERS)
    assert len(before) == blob_rules.SPREAD
    assert set(before) - {gone} <= set(after)


@given(st.lists(DIGESTS, unique=True, min_size=60, max_size=60))
def test_the_load_is_spread(digests):
    """Nobody keeps most of what there is: with eight members each keeps about three eighths."""
    kept = [peer for digest in digests for peer in blob_rules.keepers(digest, PEERS)]

    assert max(kept.count(peer) for peer in PEERS) < 0.75 * len(digests)


HELD = st.lists(
    st.builds(Held, DIGESTS, st.integers(0, 1000), st.floats(0, 1e9)), max_size=20, unique_by=lambda blob: blob.digest
)


@given(HELD, st.integers(0, 5000), st.data())
def test_what_goes_is_unkept_the_longest_unused_and_no_more_than_needed(held, quota, data):
    """Never a kept one; oldest use first; enough to fit when that can be; and not one more than that takes."""
    kept = data.draw(st.sets(st.sampled_from([blob.digest for blob in held]))) if held else set()
    going = blob_rules.to_evict(held, kept, quota)
    stays = [blob for blob in held if blob not in going and blob.digest not in kept]

    assert not {blob.digest for blob in going} & kept
    assert all(gone.used <= stay.used for gone in going for stay in stays)
    over = sum(blob.size for blob in held) - quota
    freed = sum(blob.size for blob in going)
    assert freed >= over or not stays
    assert not going or freed - going[-1].size < over


def test_a_claim_pins_for_those_who_need_it_and_for_three_more():
    """Whoever needs it, and the three that everybody works out; nobody else, and no three where the claim says so."""
    digest = "sha256:" + "7" * 64
    three = blob_rules.keepers(digest, PEERS)
    for peer in PEERS:
        wide, narrow = (
            Claim(digest, frozenset({"peer-0"}), "why"),
            Claim(digest, frozenset({"peer-0"}), "why", spread=False),
        )
        assert (digest in blob_rules.pinned([wide], peer, PEERS)) == (peer == "peer-0" or peer in three)
        assert (digest in blob_rules.pinned([narrow], peer, PEERS)) == (peer == "peer-0")


class Evicting:
    """Peers that all hold one blob, want room, and have been up for long."""

    def __init__(self, dice: random.Random) -> None:
        self.now = 1000.0
        self.count = dice.randint(CONFIRMED, 4)
        self.promises = [Promises() for _ in range(self.count)]
        self.holds = [True] * self.count
        self.asked: dict[int, tuple[float, set[int]]] = {}

    def ask(self, who: int, silent: int) -> None:
        """All others but one are asked; each answer is a promise."""
        _, holders = self.asked.setdefault(who, (self.now, set()))
        for other in range(self.count):
            if self.holds[who] and self.holds[other] and other not in (who, silent):
                self.promises[other].make("x", self.now)
                holders.add(other)

    def decide(self, who: int) -> None:
        """Drop the own copy, if the rule lets it go."""
        at, holders = self.asked.pop(who, (0.0, set()))
        if self.holds[who] and self.promises[who].may_go("x", at, [PEERS[n] for n in holders], self.now):
            self.holds[who] = False

    def restart(self, who: int) -> None:
        """What it promised is forgotten."""
        self.promises[who] = Promises()
        self.asked.pop(who, None)


def test_two_copies_stay_however_all_ask_each_other_and_decide():
    """In 3,000 random interleavings of questions, decisions, restarts and time; and copies do go in many of them."""
    gone = 0
    for seed in range(3000):
        dice = random.Random(seed)
        peers = Evicting(dice)
        for step in range(40):
            act, who = dice.choice(("ask", "ask", "decide", "decide", "wait", "restart")), dice.randrange(peers.count)
            if act == "ask":
                peers.ask(who, dice.randrange(2 * peers.count))
            elif act == "wait":
                peers.now += dice.choice((0.1, PROMISE_S / 3, PROMISE_S + 1))
            else:
                getattr(peers, act)(who)
            assert sum(peers.holds) >= CONFIRMED, f"seed {seed}, step {step}"
        gone += peers.count - sum(peers.holds)

    assert gone > 300
