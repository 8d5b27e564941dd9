"""Patches in a real terminal, on a real engine: the wizard on a real work tree, and applying in another one, at both sizes."""

from __future__ import annotations

import contextlib

import pytest

from tests.integration.patches.trees import OLD, clone, git, tree
from tests.integration.system.peers import eventually
from tests.integration.system.test_portal import person

__all__ = ["person"]

NEW = OLD.replace("line 10\n", "zeile 10\n")


def retyped(terminal, text: str, before: str = "") -> None:
    """In the place of what stands in the field. A field that has just got the keys has all of it chosen."""
    if before:
        # Letters overtake keys that are commands: so these are waited for.
        terminal.keys("C-a", "C-k")
        eventually("the field is empty", lambda: before[-20:] not in terminal.screen())
    terminal.type(text)
    terminal.sees(text[-20:])


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_a_patch_is_made_and_applied_by_keys(person, tmp_path, width, height):
    """Files with their diff, words, preview, made; submitted; tried where it does not fit, then applied where it does."""
    peer, open_portal = person
    here = tree(tmp_path / "calc")
    there, odd = clone(here, tmp_path / "there"), clone(here, tmp_path / "odd")
    (here / "calc.txt").write_text(NEW)
    (here / "neu.txt").write_text("n\n")
    (odd / "calc.txt").write_text(OLD.replace("line 10\n", "LINE 10\n"))
    terminal = open_portal(width=width, height=height)
    terminal.sees("one voter", 30)
    terminal.keys("6")
    terminal.sees("There are no patches")
    terminal.keys("n")
    terminal.sees("Work tree")
    eventually(
        "it has looked", lambda: any(word in terminal.screen() for word in ("chooses", "Nothing differs", "no git")), 20
    )
    terminal.keys("BTab")
    in_folder(terminal)
    retyped(terminal, str(here))
    terminal.keys("Enter")
    terminal.sees("untracked neu.txt")
    terminal.keys("Home", "Space")
    terminal.sees("+ zeile 10")
    terminal.keys("Down", "Space")
    terminal.sees("neu.txt  new file")
    terminal.keys("C-n")
    terminal.sees("What it does, and why")
    terminal.type("Say it in German")
    terminal.sees("Say it in German")
    row = terminal.cursor_row()
    terminal.keys("Enter")
    eventually("the keys are in the message", lambda: terminal.cursor_row() != row)
    terminal.type("Because.")
    terminal.sees("Because.")
    terminal.keys("C-s")
    terminal.sees("SHHH found no secret")
    terminal.keys("C-s")
    terminal.sees("Made the patch")
    (row,) = peer.json("patch", "list")["patches"]
    view = peer.json("patch", "show", row["patch_id"])

    assert (row["title"], row["files"], row["state"], view["message"]) == ("Say it in German", 2, "draft", "Because.")
    assert view["base"] == git(here, "rev-parse", "HEAD").strip()
    eventually("submitted by s and y", lambda: confirmed(terminal, "s", peer, row["patch_id"], "submitted"), 30)
    # The command line may know it before the screen does.
    terminal.sees("● submitted")
    terminal.keys("p")
    terminal.sees("It is tried first")
    retyped(terminal, str(odd))
    terminal.keys("C-s")
    terminal.sees("found:    LINE 10")
    retyped(terminal, str(there), str(odd))
    terminal.keys("C-s")
    terminal.sees("It applies")
    terminal.keys("C-s")
    terminal.sees("yes, do it")
    eventually("applied", lambda: terminal.keys("y") or (there / "calc.txt").read_text() == NEW, 20)
    eventually("told", lambda: peer.json("patch", "show", row["patch_id"])["state"] == "applied", 20)
    assert (odd / "calc.txt").read_text() == OLD.replace("line 10\n", "LINE 10\n")


def in_folder(terminal) -> None:
    """Until the keys are in the field below its label: letters overtake keys that are commands."""

    def there() -> bool:
        labels = [number for number, line in enumerate(terminal.screen().splitlines()) if "Work tree" in line]
        return bool(labels) and terminal.cursor_row() == str(labels[0] + 2)

    eventually("the keys are in the folder", there)


def confirmed(terminal, key: str, peer, patch_id: str, state: str) -> bool:
    """Press a key, then y, until the patch is so. Each key once: what is pressed too much reaches what comes next."""
    if "yes, do it" in terminal.screen():
        terminal.keys("y")
        # A question does not take what was typed before it could be read: then y is pressed again.
        with contextlib.suppress(AssertionError):
            eventually("the question is gone", lambda: "yes, do it" not in terminal.screen(), 2)
    else:
        terminal.keys(key)
        terminal.sees("yes, do it")
    return peer.json("patch", "show", patch_id)["state"] == state
