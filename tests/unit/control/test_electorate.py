"""Who votes, and who stands first."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.control import candidacy
from chorus_tui.engine.control.candidacy import Observed
from chorus_tui.engine.control.electorate import Candidate, plan
from chorus_tui.engine.control.voters import Seat, Voters

CANDIDATES = st.lists(
    st.builds(
        Candidate, seat=st.builds(Seat, peer_id=st.sampled_from("abcdefghijkl"), incarnation=st.just("1")),
        agent=st.booleans(), joined_index=st.integers(1, 50), usable=st.booleans(), here=st.booleans(), leaving=st.booleans(),
    ),
    unique_by=lambda candidate: candidate.seat,
)  # fmt: skip


def agent(
    name: str, *, usable: bool = True, here: bool = True, leaving: bool = False, incarnation: str = "1"
) -> Candidate:
    return Candidate(Seat(name, incarnation), True, ord(name), usable, here, leaving)


def person(name: str) -> Candidate:
    return Candidate(Seat(name, "1"), False, ord(name), usable=True, here=True)


def voters(names: str) -> Voters:
    return Voters(tuple(Seat(name, "1") for name in names))


def planned(now: str, candidates: list[Candidate]) -> str | None:
    chosen = plan(voters(now), candidates, Seat(now[0], "1"))
    return None if chosen is None else "".join(seat.peer_id for seat in chosen)


@given(CANDIDATES, st.integers(1, 4))
def test_the_set_is_odd_live_and_holds_the_admin(candidates, size):
    """Whatever the members are: one, three, five or seven usable ones, the admin among them unless it leaves."""
    admin = agent("A")
    now = Voters((admin.seat, *[candidate.seat for candidate in candidates[: 2 * size - 2]]))
    chosen = plan(now, [admin, *candidates], admin.seat)

    if chosen is not None:
        usable = {c.seat for c in [admin, *candidates] if c.usable and not c.leaving}
        assert len(chosen) in (1, 3, 5, 7)
        assert set(chosen) <= usable
        assert admin.seat in chosen
        assert 2 * sum(c.seat in chosen for c in [admin, *candidates] if c.here) > len(chosen), "it can be decided"
        assert plan(Voters(chosen), [admin, *candidates], admin.seat) is None, "a plan that is carried out is at rest"


def to_spare(seats: Iterable[Seat], here: set[Seat]) -> int:
    """How many more than a majority of these are here."""
    whole = list(seats)
    return sum(seat in here for seat in whole) - (len(whole) // 2 + 1)


@given(CANDIDATES, st.integers(1, 4))
def test_a_new_set_bears_that_one_who_was_heard_is_dead(candidates, size):
    """Unless all of it are here: one of those here may have died since, and it bears no fewer than the old set does. Only where the old one
    would stand still without those who leave, a bare majority will do."""
    admin = agent("A")
    everyone = [admin, *candidates]
    now = Voters((admin.seat, *[candidate.seat for candidate in candidates[: 2 * size - 2]]))
    chosen = plan(now, everyone, admin.seat)
    here = {candidate.seat for candidate in everyone if candidate.here}

    if chosen is None:
        return
    assert to_spare(now.seats, here) >= 0, "the old set can decide it"
    assert to_spare(chosen, here) >= 0, "and the new one"
    without = to_spare(now.seats, {c.seat for c in everyone if c.here and not c.leaving})
    if without >= 0 and not here.issuperset(chosen):
        assert to_spare(chosen, here) >= max(1, without)


def test_who_votes_well_is_not_let_go_while_others_are_silent():
    """Seven voters of whom four are here, one a person: he stays, although there are agents enough, until the silent are back or given up."""
    here = [agent("a"), agent("b"), agent("c"), person("p")]

    assert planned("abcdefp", [*here, *(agent(name, here=False) for name in "def")]) is None
    assert planned("abcdefp", [*here, agent("d"), *(agent(name, here=False) for name in "ef")]) == "abcde"
    assert planned("abcdefp", [*here, *(agent(name, here=False, usable=False) for name in "def")]) == "abc"


def test_sets_grow_and_are_mended_by_rule():
    """Two members have one voter, three have three; a silent voter gives way to a standby, and is kept while there is none;
    five with two silent become three, but three never become one unless somebody leaves."""
    assert planned("a", [agent("a"), agent("b")]) is None
    assert planned("a", [agent("a"), agent("b"), agent("c")]) == "abc"
    assert planned("abc", [agent("a"), agent("b"), agent("c", usable=False), agent("d")]) == "abd"
    assert planned("abc", [agent("a"), agent("b"), agent("c", usable=False)]) is None
    assert planned("abc", [agent("a"), agent("b"), agent("c", leaving=True)]) == "a"
    assert planned("abcde", [agent(n, usable=n in "abc") for n in "abcde"]) == "abc"
    assert planned("abc", [agent("a"), agent("b"), agent("c"), agent("d")]) is None
    assert plan(Voters((Seat("a", "1"),), (Seat("b", "1"),)), [agent("a")], Seat("a", "1")) is None


def test_no_new_set_rests_on_who_is_silent():
    """Whoever is silent keeps its place while nothing else changes. When the set changes, who is here goes first, however
    young; where that makes nothing better nothing changes."""

    def silent(name: str) -> Candidate:
        return agent(name, here=False)

    assert planned("abc", [agent("a"), agent("b"), silent("c"), agent("d")]) is None
    assert planned("dabcp", [person("p"), silent("a"), silent("b"), agent("c"), agent("d")]) is None
    assert planned("dabcp", [person("p"), silent("a"), silent("b"), agent("c", incarnation="2"), agent("d")]) is None
    assert planned("dabcp", [person("p"), agent("a"), silent("b"), agent("c", incarnation="2"), agent("d")]) == "acd"
    assert planned("abcde", [agent("a"), silent("b"), silent("c"), agent("d"), agent("e", leaving=True)]) == "abd"
    leave = [agent("d", leaving=True), agent("e", leaving=True)]
    assert planned("abcde", [agent("a"), silent("b"), silent("c"), *leave, agent("f")]) == "abf"
    assert planned("abcde", [agent("a"), silent("b"), silent("c"), *leave]) is None


def test_people_vote_only_while_agents_are_few():
    """A person is the third voter beside two agents, and gives way to a third agent."""
    assert planned("a", [agent("a"), agent("b"), person("p")]) == "abp"
    assert planned("abp", [agent("a"), agent("b"), person("p"), agent("c")]) == "abc"
    assert planned("a", [agent("a"), person("p"), person("q")]) == "apq"


def test_a_voter_with_another_store_is_another_voter():
    """A lost or restored store is replaced by the new one of the same peer."""
    chosen = plan(voters("abc"), [agent("a"), agent("b"), agent("c", incarnation="2")], Seat("a", "1"))

    assert chosen == (Seat("a", "1"), Seat("b", "1"), Seat("c", "2"))


@given(
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 9), min_size=1),
    st.sets(st.integers(0, 9)),
    st.sets(st.integers(0, 9)),
)
def test_two_majorities_always_share_a_voter(before, seats, one, other):
    """Of one set, and of two joint ones, whatever they are."""

    def seat(numbers):
        return tuple(Seat(str(n), "1") for n in sorted(numbers))

    for in_force in (Voters(seat(seats)), Voters(seat(seats), seat(before))):
        if in_force.majority(seat(one)) and in_force.majority(seat(other)):
            assert set(seat(one)) & set(seat(other)) & set(in_force.everyone)


OBSERVED = st.builds(
    Observed, linked_s=st.floats(-10, 1e9), round_trip_s=st.none() | st.floats(0, 100), linked_share=st.floats(0, 3),
    agent=st.booleans(), docker=st.booleans(), free=st.floats(-1, 2), terms_led=st.integers(0, 1000),
)  # fmt: skip


@given(OBSERVED)
def test_scores_are_in_range(seen):
    """Each part and the whole lie between 0 and 1, whatever was measured."""
    by_part = candidacy.parts(seen)

    assert set(by_part) == set(candidacy.WEIGHTS)
    assert all(0 <= value <= 1 for value in by_part.values())
    assert 0 <= candidacy.score(by_part) <= 1


SCORES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.dictionaries(st.sampled_from(sorted(candidacy.WEIGHTS)), st.sampled_from([0.2, 0.21, 0.4, 0.9])),
    min_size=1,
)


@given(SCORES)
def test_candidates_stand_one_after_the_other(table):
    """Ranks are 0, 1, 2 … without a gap or a tie, and a better score, as far as it is shown, comes first (E10)."""
    in_order = sorted(table, key=lambda peer: candidacy.rank(peer, table))
    scores = [round(candidacy.score(table[peer]), 2) for peer in in_order]

    assert [candidacy.rank(peer, table) for peer in in_order] == list(range(len(table)))
    assert scores == sorted(scores, reverse=True)


@given(st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_the_next_stands_a_step_later(rank, one_chance, next_chance):
    """Chance never brings two ranks nearer than most of a step, and seven voters have all stood within the window and a bit."""
    one, following = (
        candidacy.delay(1.0, rank, one_chance), candidacy.delay(1.0, rank + 1, next_chance),
    )  # fmt: skip

    assert following - one >= 0.7 * candidacy.STEP
    assert candidacy.delay(1.0, 5, one_chance) <= 1.1
