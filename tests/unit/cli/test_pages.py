"""What the pages point to is there: other pages and their chapters, files of the code, tests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from chorus_tui.cli.main import cli
from tests.unit.cli.test_commands_of_the_docs import PAGES, ROOT

LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_TEST = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")
NAMED_FILE = re.compile(r"`((?:chorus_tui|tests|docs|deploy|scripts|benchmarks)/[\w./-]+)`")
MADE = {"deploy/.env"}
"""Written by a script of ours, on the machine of whoever runs it."""
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Of its headings, as they are made from them: lower case, no punctuation, a dash for each space."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in HEADING.findall(page.read_text(encoding="utf-8"))
    }


@cache
def functions_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def dangling(page: Path) -> list[str]:
    """What ``page`` points to and is not there."""
    text, missing = page.read_text(encoding="utf-8"), []
    for target in LINK.findall(text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        other = page.parent / name if name else page
        if not other.exists() or (anchor and anchor not in anchors(other)):
            missing.append(target)
    missing += [name for name in NAMED_FILE.findall(text) if name not in MADE and not (ROOT / name).exists()]
    for path, test in NAMED_TEST.findall(text):
        file = ROOT / "tests" / path
        if not file.exists() or test not in functions_in(file):
            missing.append(f"{path}::{test}")
    return missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page):
    """Pages with their chapters, files and folders, tests by file and name."""
    assert dangling(page) == []


def test_every_page_is_reached_from_the_readme():
    """By links and names, over other pages: a page that nobody points to is not read."""
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        text = page.read_text(encoding="utf-8")
        todo += [(page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(text) if ".md" in target]
        todo += [ROOT / name for name in re.findall(r"`((?:docs/)?[\w-]+\.md)`", text)]

    assert [page.name for page in PAGES if page not in reached] == []


def test_what_is_not_there_is_seen(tmp_path):
    """A page, a chapter, a file, a test."""
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](b.md) [c](page.md#two) [d](#one) `tests/nothing.py` `unit/cli/test_pages.py::test_nothing`\n"
    )

    assert dangling(page) == ["b.md", "page.md#two", "tests/nothing.py", "unit/cli/test_pages.py::test_nothing"]


def without_json(command: click.Command, name: str = "") -> Iterator[str]:
    """Commands that print no JSON, by what is typed."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            within = command.get_command(context, word)
            assert within is not None
            yield from without_json(within, f"{name} {word}".strip())
        if not command.invoke_without_command or not name:
            return
    if not any("--json" in parameter.opts for parameter in command.params):
        yield name


def test_the_readme_names_the_commands_without_json():
    """All of them, and no other."""
    sentence = re.search(r"with `--json`; (.*) have none", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert sentence is not None
    assert sorted(re.findall(r"`([^`]+)`", sentence[1])) == sorted(without_json(cli))
