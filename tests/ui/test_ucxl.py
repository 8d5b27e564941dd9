"""Contents on the screen: tree, text, versions, travel, comparing, writing, by keys."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from textual.widgets import DataTable, Input, OptionList, Static, TextArea

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.ucxl.interface import Forbidden
from chorus_tui.widgets.diff import SideBySide, paired
from chorus_tui.widgets.reader import Lines
from tests.ui.contents import CODE, PLAN, RECORD, Contents, filled, kept, version
from tests.ui.fake_engine import FakeEngine
from tests.ui.playing import SIZES, play, settle, until
from tests.ui.test_look import text_of


def asked(engine: FakeEngine, operation: str) -> list[Any]:
    return [request for name, request in engine.calls if name == operation]


def text(pilot: Any) -> str:
    return str(pilot.app.screen.query_one("#text", Static).visual)


async def open_(pilot: Any, address: str) -> None:
    """As the prompt does."""
    await pilot.press("colon", *f"ucxl {address}", "enter")
    await settle(pilot)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("world", ["filled", "code", "sealed", "missing", "empty", "lost", "tree"])
def test_the_screen_looks_as_it_should(picture, size, world):
    """A version that was written at once with another, code in colours, sealed for others, no such thing; nothing yet; out of reach."""
    engine = FakeEngine() if world == "empty" else filled()
    if world == "empty":
        engine.contents = Contents()
    review = "ucxl://linus:reviewer@web:site/*^/review.md"
    places = {"filled": version(PLAN, 2), "code": CODE, "sealed": review, "missing": version(PLAN, 9), "lost": PLAN}

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        if world == "sealed":
            engine.contents.unreadable[review] = Forbidden(f"Version 1 of {review} is sealed to role:reviewer, master")
        if world in places:
            await open_(pilot, places[world])
        if world == "tree":
            await pilot.press("down", "enter")
        if world == "lost":
            engine.connect_state("lost")
        await settle(pilot)
        picture(pilot.app, f"ucxl/{world}-{size}")

    play(steps, engine=engine, first="ucxl", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_a_record_is_told_in_words_and_its_text_is_a_key_away(picture, size):
    """Who voted how, what it took and what it rests on; r shows the text as it is written, and r again the words. What is no record
    has no such key."""
    engine = filled()
    written = kept(engine.contents)

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await open_(pilot, RECORD)
        picture(pilot.app, f"ucxl/record-{size}")
        assert "Merge on [green] only" in text_of(pilot)
        assert "passes with" in text_of(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert text(pilot) == written
        await pilot.press("r")
        await settle(pilot)
        assert "passes with" in text_of(pilot)
        await open_(pilot, CODE)
        assert pilot.app.screen.offers("raw", ()) is False

    play(steps, engine=engine, first="ucxl", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_two_versions_side_by_side_look_as_they_should(picture, size):
    """d, the number of the other, enter."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        await open_(pilot, version(PLAN, 2))
        await pilot.press("d")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: bool(pilot.app.screen.query(SideBySide)), "compared")
        await settle(pilot)
        picture(pilot.app, f"ucxl/diff-{size}")

    play(steps, engine=filled(), first="ucxl", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_decision_hops_look_as_they_should(picture, size):
    """h: what the mesh remembers of it, what it builds on, what came of it; when nothing is remembered that is said."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, PLAN)
        await pilot.press("h")
        await until(pilot, lambda: bool(pilot.app.screen.query(Lines)), "told")
        await settle(pilot)
        picture(pilot.app, f"ucxl/hops-{size}")
        assert [request.node_id for request in asked(engine, "slurp.show")] == [PLAN]
        await pilot.press("escape")
        engine.problems["slurp.show"] = Problem(404, "not_found", "No context", "Nothing comes from it.")
        await pilot.press("h")
        await until(pilot, lambda: bool(pilot.app._notifications), "said")
        assert "Nothing comes from it." in next(iter(pilot.app._notifications)).message

    play(steps, engine=filled(), first="ucxl", size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
def test_the_form_after_a_conflict_looks_as_it_should(picture, size):
    """What was typed is still there; it says what happened, and offers to compare and to keep both."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, PLAN)
        await pilot.press("e")
        await settle(pilot)
        engine.problems["ucxl.put"] = Problem(
            409,
            "UCXL-409-CONFLICT",
            "It was written meanwhile (UCXL-409-CONFLICT)",
            f"{PLAN} was written meanwhile: 1 newer.",
        )
        await pilot.press(*"mine ", "ctrl+s")
        await until(pilot, lambda: bool(asked(engine, "ucxl.put")), "asked")
        await settle(pilot)
        picture(pilot.app, f"ucxl/conflict-{size}")

    play(steps, engine=filled(), first="ucxl", size=SIZES[size])


def test_steps_back_and_forward_stay_within_the_history():
    """~ and ^ lead from version to version, and nowhere beyond the first and the latest; l leads to the latest."""

    async def steps(pilot: Any, _engine: FakeEngine) -> None:
        screen = pilot.app.screen
        await open_(pilot, PLAN)
        assert "SQLite will do" in text(pilot)
        for key, expected in (
            ("tilde", "PostgreSQL, because"),
            ("tilde", "Which database?"),
            ("tilde", "Which database?"),
        ):
            await pilot.press(key)
            await settle(pilot)
            assert expected in text(pilot)
        await pilot.press("circumflex_accent")
        await settle(pilot)
        assert screen.query_one("#address", Input).value == version(PLAN, 2)
        await pilot.press("l")
        await settle(pilot)
        assert "SQLite will do" in text(pilot)

    play(steps, engine=filled(), first="ucxl")


def test_a_moment_and_a_version_of_the_list_are_opened():
    """@ asks for a moment; enter on a version shows it."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, version(PLAN, 1))
        await pilot.press("at")
        await settle(pilot)
        assert pilot.app.screen.query_one(Input).value.endswith("Z")
        await pilot.press("enter")
        await settle(pilot)
        assert "/@20" in asked(engine, "ucxl.get")[-1].address
        pilot.app.screen.query_one("#versions", DataTable).focus()
        await pilot.press("g", "enter")
        await settle(pilot)
        assert asked(engine, "ucxl.get")[-1].address == version(PLAN, 3)

    play(steps, engine=filled(), first="ucxl")


def test_the_tree_is_loaded_level_by_level_and_opens_what_is_chosen():
    """Only what is opened is asked for; a level with one way on goes on by itself."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        assert [request.under for request in asked(engine, "ucxl.tree")][:1] == [[]]
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        assert ["web", "linus", "reviewer", "site"] in [request.under for request in asked(engine, "ucxl.tree")]
        assert not any("shop" in request.under for request in asked(engine, "ucxl.tree"))
        await pilot.press("down", "down", "down", "down", "enter")
        await settle(pilot)
        assert asked(engine, "ucxl.get")[-1].address == "ucxl://linus:reviewer@web:site/*^/review.md"

    play(steps, engine=filled(), first="ucxl")


def test_a_wildcard_lets_one_choose():
    """Several fit: they are listed, and the chosen one is opened."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, "ucxl://any:developer@shop:any/*^/")
        assert pilot.app.screen.query_one(OptionList).option_count == 2
        await pilot.press("down", "enter")
        await settle(pilot)
        assert asked(engine, "ucxl.get")[-1].address == PLAN

    play(steps, engine=filled(), first="ucxl")


def test_what_was_found_is_opened():
    """/ words, enter, enter; what was left out is told."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("s")
        await settle(pilot)
        await pilot.press(*"transactions", "enter")
        await settle(pilot)
        assert "1 sealed to others" in str(pilot.app.screen.query_one("#told", Static).visual)
        await pilot.press("enter")
        await settle(pilot)
        assert asked(engine, "ucxl.search")[0].text == "transactions"
        assert asked(engine, "ucxl.get")[-1].address == PLAN

    play(steps, engine=filled(), first="ucxl")


def test_new_content_is_written_by_keys():
    """n, the address, the text; a wrong address is told at its field and nothing typed is lost."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("n")
        await settle(pilot)
        screen = pilot.app.screen
        screen.query_one(TextArea).text = "Hello\n"
        screen.query_one("#address", Input).value = "ucxl://you@shop:api/*^/hello.txt"
        screen.query_one("#tags", Input).value = "one, two"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "agent:role has no colon" in str(screen.query_one("#address", Input).border_subtitle)
        assert (screen.query_one(TextArea).text, asked(engine, "ucxl.put")) == ("Hello\n", [])
        screen.query_one("#address", Input).value = "ucxl://you:developer@shop:api/*^/hello.txt"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(asked(engine, "ucxl.put")), "written")
        await settle(pilot)

        (request,) = asked(engine, "ucxl.put")
        assert (base64.b64decode(request.data), request.tags, request.fresh) == (b"Hello\n", ["one", "two"], True)
        assert text(pilot) == "Hello"

    play(steps, engine=filled(), first="ucxl")


def test_an_edit_names_what_it_follows_and_a_conflict_can_be_kept_as_a_sibling():
    """The latest: all newest versions; refused because of a newer one, both are compared, and both kept."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, PLAN)
        newest = engine.contents.book.heads(PLAN)
        engine.problems["ucxl.put"] = Problem(409, "UCXL-409-CONFLICT", "It was written meanwhile", "")
        await pilot.press("e")
        await settle(pilot)
        pilot.app.screen.query_one(TextArea).text = "Mine.\n"
        await pilot.press("ctrl+s")
        await settle(pilot)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: bool(pilot.app.screen.query(SideBySide)), "compared")
        await pilot.press("escape")
        await settle(pilot)
        del engine.problems["ucxl.put"]
        await pilot.press("ctrl+b")
        await settle(pilot)

        refused, kept = asked(engine, "ucxl.put")
        assert (refused.parents, refused.sibling) == (newest, False)
        assert (kept.parents, kept.sibling, base64.b64decode(kept.data)) == (newest, True, b"Mine.\n")

    play(steps, engine=filled(), first="ucxl")


def test_an_edit_of_an_older_version_follows_that_one():
    """So that the engine can tell that there are newer ones."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, version(PLAN, 1))
        await pilot.press("e")
        await settle(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert asked(engine, "ucxl.put")[0].parents == [engine.contents.book.order(PLAN)[0].entry]

    play(steps, engine=filled(), first="ucxl")


def test_a_removal_asks_first():
    """The key n leaves it, y removes it."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, CODE)
        await pilot.press("x")
        await settle(pilot)
        await pilot.press("n")
        await settle(pilot)
        assert not asked(engine, "ucxl.remove")
        await pilot.press("x")
        await settle(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(asked(engine, "ucxl.remove")), "removed")
        assert asked(engine, "ucxl.remove")[0].address == CODE

    play(steps, engine=filled(), first="ucxl")


def test_a_version_that_comes_shows_by_itself():
    """Of what is open at its latest; the tree gets what is new."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await open_(pilot, CODE)
        contents = engine.contents
        contents.write(CODE, "total = sum\n", 1, 10)
        contents.write("ucxl://you:developer@zoo:api/*^/a.txt", "a", 3, 5)
        for row in contents.views.places(100).places:
            engine.say("places", row.place, row.model_dump())
        await until(pilot, lambda: "total = sum" in text(pilot), "shown")
        await settle(pilot)
        tree = pilot.app.screen.query_one("#tree")
        assert [str(child.label) for child in tree.root.children] == ["shop", "web", "zoo"]

    play(steps, engine=filled(), first="ucxl")


def test_the_address_bar_completes_from_known_places():
    """The first that goes on as typed."""

    async def steps(pilot: Any, engine: FakeEngine) -> None:
        await pilot.press("a", *"ucxl://gr")
        await settle(pilot)
        await pilot.press("right", "enter")
        await settle(pilot)
        assert asked(engine, "ucxl.get")[-1].address == PLAN

    play(steps, engine=filled(), first="ucxl")


def test_lines_are_paired_and_long_equal_runs_folded():
    """Changed, added, removed, and what is left out said."""
    before = "\n".join(["a", "b", *(f"same {n}" for n in range(20)), "old"])
    after = "\n".join(["a", "c", *(f"same {n}" for n in range(20)), "new", "more"])
    found = paired(before, after)

    assert [pair.kind for pair in found if pair.kind != "same"] == ["changed", "folded", "changed", "added"]
    assert next(pair.left for pair in found if pair.kind == "folded") == "14 equal lines"
