"""Decisions on the screen: how they stand, voting and proposing by keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Input, TextArea

from chorus_tui.client import local_files
from chorus_tui.client.local_files import Reach
from chorus_tui.client.signing import CannotSign
from chorus_tui.commands import twins
from chorus_tui.contract.models.decisions import VoteDecision
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.screens import vote
from chorus_tui.widgets.answer import AnswerBox
from tests.support.ssh_signing import made_by_openssh
from tests.ui.fake_engine import NOW, FakeEngine
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_look import text_of
from tests.ui.votes import IDENTIFIERS, filled


def asked(engine: FakeEngine, operation: str) -> list[Any]:
    return [request for name, request in engine.calls if name == operation]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("world", "down"), [
    ("open", 0), ("sealed", 1), ("passed", 2), ("flagged", 3), ("empty", 0), ("lost", 0),
])  # fmt: skip
def test_the_screen_looks_as_it_should(picture, size, world, down):
    """Open, sealed for others, ended with its record and a late vote, flagged; empty with what to do; out of reach."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press(*["down"] * down)
        if world == "lost":
            engine.connect_state("lost")
        await settle(pilot)
        picture(pilot.app, f"decide/{world}-{size}")

    play(steps, engine=FakeEngine() if world == "empty" else filled(), first="decide", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_the_form_looks_as_it_should(picture, size):
    """With what the engine does not take at its field."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["decisions.propose"] = invalid({"deadline": "'soon' is neither a time from now nor RFC 3339"})
        await pilot.press("n", *"Use PostgreSQL", "ctrl+s")
        await until(pilot, lambda: bool(asked(engine, "decisions.propose")), "asked")
        await settle(pilot)
        picture(pilot.app, f"decide/form-{size}")

    play(steps, engine=filled(), first="decide", size=SIZES[size])


def test_a_vote_with_a_reason_is_given_by_keys():
    """v, a number, the reason, enter: one vote leaves for what was under the cursor."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("v")
        await settle(pilot)
        await pilot.press("2", "tab", *"too big", "enter")
        await until(pilot, lambda: bool(asked(engine, "decisions.vote")), "voted")

        (vote,) = asked(engine, "decisions.vote")
        assert (vote.decision_id, vote.choice, vote.reason, vote.final) == (IDENTIFIERS[0], "reject", "too big", False)

    play(steps, engine=filled(), first="decide")


@pytest.mark.parametrize("size", SIZES)
def test_a_vote_is_given_for_good_only_where_that_is_marked(picture, size):
    """The box says what it means; marked with the space bar it is in the request, in what is told and in the command's line."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("v")
        await settle(pilot)
        await pilot.press("1", "tab", "tab", "space")
        await settle(pilot)
        picture(pilot.app, f"decide/vote-{size}")
        await pilot.press("shift+tab", "enter")
        await until(pilot, lambda: bool(asked(engine, "decisions.vote")), "voted")

        (vote,) = asked(engine, "decisions.vote")
        assert (vote.choice, vote.final) == ("approve", True)
        assert twins.line("decisions.vote", vote).endswith("approve --final")

    play(steps, engine=filled(), first="decide", size=SIZES[size])


@pytest.mark.parametrize("down", [1, 2])
def test_where_no_vote_is_possible_none_is_offered(down):
    """One that is not for this peer, and one that has ended: the key says why, and opens nothing."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press(*["down"] * down)
        await settle(pilot)
        await pilot.press("v")
        await settle(pilot)

        assert not asked(engine, "decisions.vote")
        assert pilot.app.screen.query("#decisions")

    play(steps, engine=filled(), first="decide")


def test_what_the_engine_refuses_is_told():
    """A vote that came too late says so in its box, where it can be given again, and the screen goes on once that is left."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        engine.problems["decisions.vote"] = Problem(409, "closed", "The decision is not open: passed", "")
        await pilot.press("v")
        await settle(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: "The decision is not open: passed" in text_of(pilot), "told")
        await pilot.press("enter")
        await until(pilot, lambda: len(asked(engine, "decisions.vote")) == 2, "given again")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, AnswerBox), "left")

    play(steps, engine=filled(), first="decide")


def test_the_form_proposes_what_was_typed():
    """Lists by commas; the prompt's “decide new” opens it from anywhere."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("colon", *"decide new", "enter")
        await until(pilot, lambda: bool(pilot.app.screen.query("#decision-title")), "the form is open")
        screen = pilot.app.screen
        screen.query_one("#decision-title", Input).value = "Which store"
        screen.query_one(TextArea).text = "We need one."
        screen.query_one("#options", Input).value = "postgres, sqlite"
        screen.query_one("#deadline", Input).value = "10m"
        screen.query_one("#to-roles", Input).value = "developer"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(asked(engine, "decisions.propose")), "proposed")

        (request,) = asked(engine, "decisions.propose")
        assert (request.title, request.description, request.deadline) == ("Which store", "We need one.", "10m")
        assert (request.options, request.to_roles, request.eligible) == (["postgres", "sqlite"], ["developer"], [])

    play(steps, engine=filled(), first="peers")


def test_a_withdrawal_needs_a_reason():
    """An empty answer withdraws nothing; a reason does."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("w")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert not asked(engine, "decisions.withdraw")
        await pilot.press("w")
        await settle(pilot)
        await pilot.press(*"no need", "enter")
        await until(pilot, lambda: bool(asked(engine, "decisions.withdraw")), "withdrawn")

        assert asked(engine, "decisions.withdraw")[0].reason == "no need"

    play(steps, engine=filled(), first="decide")


def test_a_change_shows_by_itself():
    """A row that changed is drawn anew under the same cursor, and its detail is asked for again."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        first, before = engine.decisions[0], len(asked(engine, "decisions.show"))
        engine.decisions[0] = first.model_copy(update={"title": "Use SQLite", "closes_at": NOW + 50})
        row = {**engine.decisions[0].model_dump(), "voted": 3}
        engine.say("decisions", first.entry, row)
        await until(pilot, lambda: len(asked(engine, "decisions.show")) > before, "asked again")
        await settle(pilot)
        table = pilot.app.screen.query_one(DataTable)

        assert str(table.get_cell(first.entry, "decision")) == "✉ Use SQLite"
        assert table.cursor_row == 0

    play(steps, engine=filled(), first="decide")


def test_the_buttons_of_a_form_do_what_its_keys_do():
    """Propose without a title shows what is missing and asks the engine for nothing; Back closes the form."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("n")
        await settle(pilot)
        form = pilot.app.screen
        await pilot.click("#send")
        await settle(pilot)
        assert "title" in str(form.query_one("#problem").render()).lower()
        assert not [name for name, _ in engine.calls if name == "decisions.propose"]
        await pilot.click("#back")
        await settle(pilot)
        assert pilot.app.screen is not form

    play(steps, first="decide")


# ── votes that persons sign ────────────────────────────────────────────────────────────────────────────────────────────────


def signable(**fields: Any) -> FakeEngine:
    """The first decision is one that ana may vote on with her key."""
    engine = filled()
    engine.decisions[0] = engine.decisions[0].model_copy(update={"persons": ["ana"], "revisions": {"ana": 0}, **fields})
    return engine


@pytest.mark.parametrize("size", SIZES)
def test_a_key_is_asked_for_where_a_person_may_sign(picture, size, tmp_path):
    """Who may is named. A key that nobody is enrolled with is told in the box, and no vote leaves; without a key it is this peer's own."""
    made_by_openssh(tmp_path / "eve")

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("v")
        await settle(pilot)
        picture(pilot.app, f"decide/vote-signed-{size}")
        await pilot.press("1")
        pilot.app.screen.query_one("#key", Input).value = str(tmp_path / "eve")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "nobody is enrolled with this key" in text_of(pilot), "told")
        assert not asked(engine, "decisions.vote")
        pilot.app.screen.query_one("#key", Input).value = ""
        await pilot.press("enter")
        await until(pilot, lambda: bool(asked(engine, "decisions.vote")), "voted")

        (given,) = asked(engine, "decisions.vote")
        assert (given.choice, given.person, given.signature) == ("approve", "", "")

    play(steps, engine=signable(), first="decide", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_where_the_portal_is_served_nothing_is_signed(picture, size, monkeypatch):
    """The key is not on that machine: the box says so, and what does it; no file is asked for, and none would be opened."""
    monkeypatch.setattr(local_files, "_reach", [Reach(served=True)])

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("v")
        await settle(pilot)
        assert not pilot.app.screen.query("#key")
        assert "--sign-with KEY" in text_of(pilot)
        picture(pilot.app, f"decide/vote-served-{size}")
        with pytest.raises(CannotSign, match="not on the machine"):
            await vote._signed(pilot.app, VoteDecision(decision_id=IDENTIFIERS[0], choice="approve"), tmp_key)

    tmp_key = Path("/nonexistent/key")
    play(steps, engine=signable(), first="decide", size=SIZES[size])


def test_a_person_may_vote_where_this_peer_has_no_vote():
    """Only signed: without a key the box says so and stays."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("v")
        await settle(pilot)
        await pilot.press("1", "enter")
        await until(pilot, lambda: "This peer has no vote on it" in text_of(pilot), "told")
        assert not asked(engine, "decisions.vote")

    play(steps, engine=signable(may_vote=False, why_not="the proposal does not name this member"), first="decide")
