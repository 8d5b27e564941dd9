"""The person's own keys: what is wrong is named and left out, the rest holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.look import kept, themes
from chorus_tui.look.keymap import _split, check, live_together, read

BINDINGS = {
    "go.tasks": "t",
    "portal.copy": "y",
    "tasks.cancel": "x",
    "tasks.retry": "r",
    "decide.withdraw": "w",
    "decide.turn": "o",
}


def test_what_is_right_holds_and_what_is_wrong_is_named():
    """An unknown id, something that is no key, and a key that dialogs need are each told; the other lines hold."""
    found = check({"tasks.cancel": "ctrl+x", "task.cancel": "z", "decide.turn": 3, "go.tasks": "escape"}, BINDINGS)

    assert found.keys == {"tasks.cancel": "ctrl+x"}
    assert [fault.partition(":")[0] for fault in found.faults] == ["task.cancel", "decide.turn", "go.tasks"]
    assert "perhaps tasks.cancel" in found.faults[0]


def test_a_key_that_another_binding_has_is_refused():
    """On the same screen, and with what is live everywhere; two screens may use one key."""
    assert check({"tasks.cancel": "r"}, BINDINGS).keys == {}
    assert "tasks.retry" in check({"tasks.cancel": "r"}, BINDINGS).faults[0]
    assert check({"decide.withdraw": "t"}, BINDINGS).keys == {}
    assert check({"decide.withdraw": "x"}, BINDINGS).keys == {"decide.withdraw": "x"}


def test_a_key_has_one_name_and_some_are_kept():
    """A sign and its name are one key; what opens the palette or leaves at once is nobody else's."""
    bindings = BINDINGS | {"portal.filter": "slash", "ucxl.back": "tilde"}

    for wanted in ({"tasks.cancel": "/"}, {"tasks.cancel": "slash"}, {"ucxl.back": "x,/"}):
        assert check(wanted, bindings).keys == {}
        assert "portal.filter" in check(wanted, bindings).faults[0]
    assert check({"ucxl.back": "~"}, bindings).keys == {"ucxl.back": "~"}
    for key in ("ctrl+p", "ctrl+q"):
        assert check({"tasks.cancel": key}, bindings).keys == {}


def test_a_box_shares_its_keys_only_with_what_is_live_in_it():
    """Over a screen the keys of that screen do nothing, so they are free; where people type words, a letter is no key."""
    boxes = {
        "dialog.back": "escape", "confirm.yes": "y", "prompt.earlier": "up", "form.send": "ctrl+s", "content.both": "ctrl+b",
        "reader.save": "s", "lines.first": "g", "diff.next": "n", "log.follow": "end,G",
    }  # fmt: skip
    bindings = BINDINGS | boxes

    assert check({"confirm.yes": "t", "reader.save": "x", "diff.next": "t"}, bindings).faults == ()
    assert "lines.first" in check({"reader.save": "g"}, bindings).faults[0]
    assert "content.both" in check({"form.send": "ctrl+b"}, bindings).faults[0]
    assert "lines.first" in check({"diff.next": "g"}, bindings).faults[0]
    assert "go.tasks" in check({"log.follow": "t"}, bindings).faults[0]
    assert check({"prompt.earlier": "ctrl+b", "form.send": "f5", "dialog.back": "escape,f4"}, bindings).faults == ()
    for name, key in (("dialog.back", "q"), ("form.send", "s"), ("prompt.earlier", "slash"), ("form.send", "space")):
        assert "words are typed there" in check({name: key}, bindings).faults[0]


def test_two_bindings_may_change_places():
    """Their new keys are looked at together, not one after the other."""
    wanted = {"tasks.cancel": "r", "tasks.retry": "x"}

    assert check(wanted, BINDINGS) == check(dict(reversed(wanted.items())), BINDINGS)
    assert check(wanted, BINDINGS).keys == wanted


@given(st.dictionaries(st.sampled_from(sorted(BINDINGS)), st.sampled_from("txyrwoabc"), max_size=6))
def test_no_two_that_are_live_together_share_a_key(wanted):
    """Whatever is wished for, what holds has no clash, and every wish holds or is named."""
    found = check(wanted, BINDINGS)
    now = {**BINDINGS, **found.keys}

    for one, keys in now.items():
        for other, others in now.items():
            if one < other and live_together(one, other):
                assert not set(_split(keys)) & set(_split(others))
    assert len(found.faults) + len(found.keys) == len(wanted)


def test_the_file(tmp_path):
    """Tables and dotted names mean the same; no file is no keymap; a file that is none is named with how a line looks."""
    file = tmp_path / "keymap.toml"
    assert read(file, BINDINGS).keys == {}
    file.write_text('"go.tasks" = "f2"\n[tasks]\ncancel = "ctrl+x, f9"\n')
    assert read(file, BINDINGS).keys == {"go.tasks": "f2", "tasks.cancel": "ctrl+x,f9"}
    file.write_text("tasks.cancel: x\n")
    assert '"tasks.cancel" = "ctrl+x"' in read(file, BINDINGS).faults[0]


def test_which_theme_the_portal_begins_with():
    """NO_COLOR counts most, then the setting, then what was chosen; a theme that is none is named."""
    known = {"chorus-dark", "chorus-light", "chorus-mono", "nord"}

    assert themes.first({"NO_COLOR": "1", "CHORUS_THEME": "nord"}, "chorus-light", known) == ("chorus-mono", "")
    assert themes.first({"CHORUS_THEME": "nord"}, "chorus-light", known) == ("nord", "")
    assert themes.first({}, "chorus-light", known) == ("chorus-light", "")
    assert themes.first({}, "gone", known) == ("chorus-dark", "")
    assert "'pink'" in themes.first({"CHORUS_THEME": "pink"}, "", known)[1]


def test_what_was_chosen_is_kept(tmp_path):
    """The theme and the key are there next time, each beside the other; a file that is broken counts as none; a folder that cannot be written is no error."""
    assert kept.chosen(tmp_path, "theme") == ""
    kept.keep(tmp_path / "new", "theme", "nord")
    kept.keep(tmp_path / "new", "signing_key", "~/.ssh/id_ed25519")
    assert kept.chosen(tmp_path / "new", "theme") == "nord"
    assert kept.chosen(tmp_path / "new", "signing_key") == "~/.ssh/id_ed25519"
    (tmp_path / kept.FILE).write_text("[1]")
    assert kept.chosen(tmp_path, "theme") == ""
    kept.keep(tmp_path / kept.FILE, "theme", "nord")
