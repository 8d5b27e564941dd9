"""What peers believe of each other's feeds: never more than was said, and all of it once nothing is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal.marks import PART, STRANGE, WHOLE_S, Heard, Teller, Telling

ME = "teller"
AUTHORS = [ME, "a", "b", "c"]
NOTHING: dict[tuple[str, str], tuple[int, str]] = {}

growths = st.lists(st.lists(st.sampled_from(AUTHORS), max_size=4), min_size=1, max_size=12)
"""By round, the authors of whom the teller got an entry."""


class History:
    """A peer that gets entries and tells of them every ten seconds."""

    def __init__(self, growth: list[list[str]]) -> None:
        self.teller = Teller(ME)
        self.counts = dict.fromkeys(AUTHORS, 1)
        self.told: list[Telling] = []
        self.moments: list[dict[str, int]] = []
        """What it held at each telling."""
        for number, authors in enumerate(growth):
            for author in authors:
                self.counts[author] += 1
            told = self.teller.tell(self.newest(), number * 10.0)
            self.told += told
            if told:
                self.moments.append(dict(self.counts))

    def newest(self) -> dict[str, tuple[str, int]]:
        """Every author has one epoch."""
        return {author: (author * 2, count) for author, count in self.counts.items()}


def hear(heard: Heard, telling: Telling, heads: dict[tuple[str, str], tuple[int, str]] = NOTHING) -> bool:
    return heard.hear(telling, *next(iter(telling.held[ME].items())), heads)


def believed(heard: Heard) -> dict[str, int]:
    found = {author: heard.knew(author, author * 2) for author in AUTHORS}
    return {author: knew.count for author, knew in found.items() if knew is not None}


heads = st.sampled_from([NOTHING, {(author, author * 2): (3, "") for author in AUTHORS}, {("a", "aa"): (1, "")}])


@st.composite
def arrivals(draw) -> tuple[History, list[Telling]]:
    """A history, and what came of its tellings: in any order, some twice, some never."""
    history = History(draw(growths))
    return history, draw(st.lists(st.sampled_from(history.told), max_size=30))


@given(arrivals(), heads)
def test_nobody_is_believed_to_hold_more_than_it_said(case, here):
    """Whatever was lost, came late or twice: of each author a count is believed that was told of it, the newest that came; and the
    teller held it when its own feed was as long as it is believed to have been."""
    history, came = case
    heard = Heard()
    for telling in came:
        hear(heard, telling, here)

    for author, count in believed(heard).items():
        assert count == max(telling.held[author][author * 2] for telling in came if author in telling.held)
        knew = heard.knew(author, author * 2)
        assert any(held[ME] == knew.own_count and held[author] >= count for held in history.moments)


@given(arrivals(), heads)
def test_after_one_whole_telling_the_belief_is_equal(case, here):
    """What replication tells again leaves nothing open, whatever came before, and what was told before it changes nothing after."""
    history, came = case
    heard = Heard()
    for telling in came:
        hear(heard, telling, here)
    if (again := history.teller.again(heard.known)) is not None:
        assert not hear(heard, again, here)
    assert believed(heard) == history.moments[-1]
    assert history.teller.again(heard.known) is None
    for telling in came:
        hear(heard, telling, here)
    assert believed(heard) == history.moments[-1]


@given(arrivals(), heads)
def test_who_knows_of_no_gap_lacks_nothing(case, here):
    """Whoever claims to have heard all up to the last telling believes just what it said: so nobody is left wrong for good."""
    history, came = case
    heard = Heard()
    for telling in came:
        hear(heard, telling, here)
    if heard.known == (history.teller.run, history.teller.number):
        assert believed(heard) == history.moments[-1]


@given(growths.filter(lambda growth: sum(map(bool, growth)) >= 2), st.data())
def test_a_lost_telling_is_missed_with_the_next(growth, data):
    """The next that is heard shows that something is missing, and so does each after it, until a whole one comes."""
    history = History([["a"], *growth])
    lost = data.draw(st.integers(0, len(history.told) - 2))
    heard = Heard()
    for telling in history.told[:lost]:
        assert not hear(heard, telling)

    assert all(hear(heard, telling) for telling in history.told[lost + 1 :])
    assert not hear(heard, history.teller.again(heard.known))


@given(growths)
def test_only_what_has_changed_is_told(growth):
    """After the first, whole telling: the authors whose count grew, beside the teller's own; nothing when nothing did."""
    history = History(growth)

    assert set(history.told[0].held) == set(AUTHORS)
    assert [set(telling.held) for telling in history.told[1:]] == [{ME, *grew} for grew in growth[1:] if grew]
    assert [telling.since for telling in history.told] == list(range(len(history.told)))


def test_a_whole_telling_comes_now_and_then_and_not_from_all_at_once():
    """The first of them within the pause after the beginning, at a moment of the teller's own; then one a pause, though nothing changed."""

    def moments(peer: str) -> list[float]:
        teller, newest = Teller(peer), {peer: ("x", 1), "a": ("aa", 1)}
        return [now for now in range(0, 3000, 10) if any(len(one.held) == 2 for one in teller.tell(newest, now))]

    told = {peer: moments(peer) for peer in ("p", "q", "r", "s")}

    assert len({second for _, second, *_ in told.values()}) == 4
    for first, second, third, *_ in told.values():
        assert first == 0
        assert second <= WHOLE_S
        assert third - second == WHOLE_S


def test_a_large_mesh_tells_all_less_often():
    """So that what whole tellings cost a peer does not grow with the square."""
    teller = Teller(ME)
    newest = {ME: ("x", 1)} | {f"author {n}": ("e", 1) for n in range(199)}
    whole = [now for now in range(0, 8000, 10) if any(one.since == 0 for one in teller.tell(newest, now))]

    assert whole[2] - whole[1] == 2400


def test_tellings_in_parts_keep_their_bounds_and_all_of_them_are_needed():
    """The own feed stands in each; whoever lacks a part knows that it does."""
    newest = {ME: ("x", 1)} | {f"author {n}": ("e", 1) for n in range(2 * PART)}
    parts = Teller(ME).tell(newest, 0.0)

    assert max(len(part.held) for part in parts) == PART
    assert {author for part in parts for author in part.held} == set(newest)
    assert all(ME in part.held for part in parts)
    for lost in range(len(parts) - 1):
        heard = Heard()
        heads = {(author, epoch): (1, "") for author, (epoch, _) in newest.items()}
        missed = [heard.hear(part, "x", 1, heads) for number, part in enumerate(parts) if number != lost]
        assert any(missed)


def test_a_new_run_begins_with_all():
    """Numbers belong to an own epoch: what was heard of an earlier one says nothing of the next."""
    teller, heard = Teller(ME), Heard()
    (first,) = teller.tell({ME: ("x", 1), "a": ("aa", 1)}, 0.0)
    heard.hear(first, "x", 1, NOTHING)
    (second,) = teller.tell({ME: ("y", 1), "a": ("aa", 1)}, 10.0)
    (third,) = teller.tell({ME: ("y", 1), "a": ("aa", 2)}, 20.0)

    assert set(second.held) == {ME, "a"}
    assert second.since == 0
    assert heard.hear(third, "y", 1, NOTHING)
    assert heard.known == ("y", 0)


def test_a_peer_that_counts_nothing_is_believed_and_misses_nothing():
    """A peer of an older release tells all, without numbers; its last word counts."""
    heard = Heard()
    for count in (4, 6):
        assert not hear(heard, Telling(0, 0, {ME: {"mm": 1}, "a": {"aa": count}}))

    assert believed(heard)["a"] == 6


def test_what_it_holds_more_is_remembered_until_it_came():
    """A telling does not repeat it: when replication failed once, the next telling of anything asks again."""
    heard, here = Heard(), {("a", "aa"): (3, ""), (ME, "mm"): (1, "")}
    hear(heard, Telling(1, 0, {ME: {"mm": 1}, "a": {"aa": 5}, "b": {"bb": 2}}), here)
    hear(heard, Telling(2, 1, {ME: {"mm": 1}}), here)
    came = here | {("a", "aa"): (5, ""), ("b", "bb"): (2, "")}

    assert heard.more(here)
    assert heard.more(here | {("a", "aa"): (5, "")})
    assert heard.more(here | {("b", "bb"): (2, "")})
    assert not heard.more(came)
    assert heard.more(came | {("a", "aa"): (4, "")})


def test_what_an_author_left_behind_is_not_asked_for_again_and_again():
    """Of each author the epoch counts that was told last: one that ended in a fork may stay longer there for ever."""
    heard, here = Heard(), {("a", "aa"): (3, ""), ("a", "ab"): (1, ""), (ME, "mm"): (1, "")}
    hear(heard, Telling(1, 0, {ME: {"mm": 1}, "a": {"aa": 5}}), here)
    hear(heard, Telling(2, 1, {ME: {"mm": 1}, "a": {"ab": 1}}), here)
    hear(heard, Telling(1, 0, {ME: {"mm": 1}, "a": {"aa": 5}}), here)

    assert not heard.more(here)
    assert heard.knew("a", "aa").count == 5


def test_names_of_strangers_are_kept_in_bounds_and_what_had_no_room_is_missed():
    """Nobody fills the memory with made-up feeds; what was left out is told again when there is room."""
    heard = Heard()
    many = Telling(1, 0, {ME: {"mm": 1}} | {f"author {n}": {"e": 1} for n in range(3 * STRANGE)})
    hear(heard, many, {(ME, "mm"): (1, "")})

    assert sum(heard.knew(f"author {n}", "e") is not None for n in range(3 * STRANGE)) == STRANGE
    assert heard.known == ("mm", 0)
    hear(heard, many, {(author, epoch): (1, "") for author, epochs in many.held.items() for epoch in epochs})
    assert heard.known == ("mm", 1)
