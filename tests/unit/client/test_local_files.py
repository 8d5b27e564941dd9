"""Files of a server stay out of the reach of whoever is served."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chorus_tui.client import local_files
from chorus_tui.client.local_files import OutOfReach, Reach


def test_at_home_everything_is_within_reach(tmp_path: Path) -> None:
    """A portal in one's own terminal opens what its user may, and begins where it was started."""
    assert Reach().path("~/x") == Path("~/x").expanduser()
    assert Reach().path(tmp_path) == tmp_path
    assert Reach().start == Path.cwd()


@pytest.mark.parametrize("typed", ["", ".", "/etc/passwd", "~", "notes.txt"])
def test_a_served_portal_without_a_folder_opens_nothing(typed: str) -> None:
    """Whatever is typed."""
    with pytest.raises(OutOfReach, match="out of reach"):
        Reach.of_guests("").path(typed)


def test_a_served_portal_opens_what_lies_in_its_folder(tmp_path: Path) -> None:
    """By a relative or an absolute path; ~ is a name like others there."""
    reach = Reach.of_guests(str(tmp_path))
    for typed in ("", "a", "a/b.txt", "~", str(tmp_path / "a"), "a/../b"):
        assert reach.path(typed).is_relative_to(tmp_path)


@pytest.mark.parametrize("typed", ["..", "../x", "/etc/passwd", "a/../../x", "link/x", "link"])
def test_no_way_leads_out_of_the_folder(tmp_path: Path, typed: str) -> None:
    """Neither dots nor absolute paths nor links."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(OutOfReach, match="within reach"):
        Reach.of_guests(str(root)).path(typed)


@pytest.mark.parametrize("typed", [".git/config", "repo/.git/hooks/pre-commit", "repo/.GIT/config", ".git"])
def test_the_inside_of_a_repository_is_out_of_reach(tmp_path: Path, typed: str) -> None:
    """What stands there can name programs that the next git runs."""
    with pytest.raises(OutOfReach, match="repository"):
        Reach.of_guests(str(tmp_path)).path(typed)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """By the name of the variable."""
    with pytest.raises(ValueError, match="CHORUS_SERVE_ROOT"):
        Reach.of_guests(str(tmp_path / "missing"))


def test_a_process_that_serves_cannot_open_more_later() -> None:
    """In a process of its own, because it is said once for all of it."""
    program = """
from chorus_tui.client.local_files import OutOfReach, Reach, confine, local
confine(Reach.of_guests(""))
try:
    confine(Reach())
except ValueError:
    try:
        local("/etc/passwd")
    except OutOfReach:
        print("closed")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout == "closed\n"


def test_a_file_is_read_whole_or_refused_by_its_size(tmp_path: Path) -> None:
    """At the bound it is read; one byte more, a file that only says it is huge, and one that is none, are refused without being read."""
    (tmp_path / "fits").write_bytes(b"x" * 10)
    (tmp_path / "more").write_bytes(b"x" * 11)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(tmp_path / "pipe")

    assert local_files.read(tmp_path / "fits", 10) == b"x" * 10
    for name, why in (
        ("more", "11 bytes; 10 at most"),
        ("huge", f"{1 << 40} bytes; 10 at most"),
        ("pipe", "plain file"),
    ):
        with pytest.raises(OutOfReach, match=why):
            local_files.read(tmp_path / name, 10)
    with pytest.raises(OutOfReach, match="10 at most"):  # it says that it is empty
        local_files.read("/proc/self/maps", 10)


class Swapped(Reach):
    """A link takes the place of a folder just after it was looked at."""

    def path(self, typed: str | Path) -> Path:
        found = super().path(typed)
        found.parent.rename(found.parent.with_name("was"))
        found.parent.symlink_to(found.parents[2] / "beside")
        return found


def test_what_was_looked_at_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest who gets a link put into the path after the look is refused."""
    for name in ("root/a", "beside"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    monkeypatch.setattr(local_files, "_reach", [Swapped(served=True, root=tmp_path.resolve() / "root")])
    with pytest.raises(OutOfReach, match="moved"):
        local_files.read("a/file", 100)


def test_no_screen_takes_a_typed_path_past_the_rule() -> None:
    """A home folder or a working folder is looked up in one module alone; screens go through local() and here()."""
    package = Path(__file__).parents[3] / "chorus_tui"
    modules = [
        package / "app.py",
        *(one for room in ("screens", "widgets", "commands") for one in (package / room).rglob("*.py")),
    ]
    found = [
        f"{module.relative_to(package)}:{node.lineno} {node.attr}"
        for module in modules
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("expanduser", "cwd", "home")
    ]

    assert found == []


@pytest.mark.parametrize(
    ("typed", "served"), [("~nobody-of-this-name/x", False), ("a\0b", False), ("a\0b", True), ("circle/x", True)]
)
def test_what_cannot_be_a_path_is_out_of_reach(tmp_path: Path, typed: str, served: bool) -> None:
    """A home of nobody, a NUL, links in a circle: each is a refusal in words."""
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    reach = Reach(served, tmp_path) if served else Reach()

    with pytest.raises(OutOfReach, match=r"no such file|no file has"):
        reach.path(typed)
