"""Which language a task is about: four tiers, each with its reason in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.images import FAMILIES
from chorus_tui.engine.execution.language import MARKERS, PROGRAMS, SUFFIXES, choices


def first(said: str = "", files: tuple[str, ...] = (), commands: tuple[str, ...] = ("true",), text: str = "") -> str:
    """The best choice in words."""
    return str(choices(said, files, commands, text)[0])


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("Cargo.toml", "src/main.rs"), "rust, since Cargo.toml is there"),
        (("go.mod", "package.json"), "go, since go.mod is there"),
        (("package.json",), "node, since package.json is there"),
        (("pyproject.toml",), "python, since pyproject.toml is there"),
        (("pom.xml",), "java, since pom.xml is there"),
        (("build.gradle.kts",), "java, since build.gradle.kts is there"),
        (("CMakeLists.txt", "tools/setup.py"), "cpp, since CMakeLists.txt is there"),
        (("Makefile", "src/a.c"), "cpp, since src/a.c is there"),
        (("Makefile", "a.py", "b.py", "c.js"), "python, since a.py is there"),
        (("Makefile", ".py", "README"), "base, by default"),
    ],
)
def test_files_name_the_language(files, expected):
    """The marker nearest to the top, else what most files are; a Makefile alone says nothing."""
    assert expected == first(files=files)


@pytest.mark.parametrize(
    ("commands", "text", "expected"),
    [
        (("python3 -m unittest",), "", "python, since a command calls python3"),
        (("cd src && X=1 /usr/bin/cargo test",), "", "rust, since a command calls cargo"),
        (("true",), "mend the C++ parser", 'cpp, since the task says "C++"'),
        (("true",), "write it in Go, please", 'go, since the task says "in Go"'),
        (("true",), "Let a script go over each node and see", "base, by default"),
        (("echo go build; echo python",), "", "base, by default"),
        (("true",), "a JavaScript page, not Java", 'node, since the task says "JavaScript"'),
        (("true",), "fix src/parse.rs", 'rust, since the task says "src/parse.rs"'),
        (("make test",), "", "base, by default"),
    ],
)
def test_words_name_the_language_where_files_do_not(commands, text, expected):
    """Programs at the place of a command, then words that can mean nothing else."""
    assert expected == first(commands=commands, text=text)


def test_what_the_task_says_wins_and_stands_alone():
    """There is no guess beside it: the task gets that image or an error."""
    got = choices("go", ["Cargo.toml"], ["python3 x.py"], "in Java")

    assert [(choice.language, choice.tier) for choice in got] == [("go", "task")]


def test_of_several_markers_the_one_the_commands_use_wins():
    """A package.json beside a pyproject.toml is no Node task when python is called."""
    assert first(files=("package.json", "pyproject.toml"), commands=("pytest -q",)).startswith("python,")
    assert first(files=("package.json", "pyproject.toml")).startswith("node,")


names = st.sampled_from([*MARKERS, "a.py", "b.rs", "README.md", "x", ".c", "d/e.go", "d/Cargo.toml"])


@given(st.lists(names, max_size=8), st.lists(st.text(max_size=30), max_size=4), st.text(max_size=60))
def test_every_guess_has_an_image_and_the_last_is_base(files, commands, text):
    """Whatever is there: each language once, each with an image of ours, the base image in the end, files before words."""
    got = choices("", files, commands, text)
    order = ["files", "words", "default"]

    assert {choice.language for choice in got} <= set(FAMILIES)
    assert len({choice.language for choice in got}) == len(got)
    assert got[-1].language == "base"
    assert sorted(order.index(choice.tier) for choice in got) == [order.index(choice.tier) for choice in got]


@given(st.permutations(["Cargo.toml", "go.mod", "a/pyproject.toml", "x.c", "y.py"]))
def test_the_order_of_files_does_not_matter(files):
    """The same repository gives the same image on every machine."""
    assert first(files=tuple(files)) == "rust, since Cargo.toml is there"


def test_the_tables_name_families_only():
    """No marker, suffix or program leads to a language without an image."""
    assert {*MARKERS.values(), *SUFFIXES.values(), *PROGRAMS.values()} <= set(FAMILIES)
