"""What is taken as a diff: everything that git writes of plain files, and nothing that leaves the tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.contract import diff_text
from chorus_tui.contract.diff import MOST_BYTES, BadDiff, parse
from chorus_tui.contract.diff_names import name_of

PLAIN = ("--binary", "--full-index", "-M", "-C", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")
GOOD = b"""diff --git a/calc.py b/calc.py
index 1111111..2222222 100644
--- a/calc.py
+++ b/calc.py
@@ -1,3 +1,3 @@ def add():
 one
-two
+zwei
 three
"""


def git(folder: Path, *arguments: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", *arguments], cwd=folder, input=data, capture_output=True, check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x", "--allow-empty")


def repository(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    git(folder, "init", "-q")
    write(folder, files)
    commit(folder)
    return folder


def write(folder: Path, files: dict[str, bytes | None]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)


def difference(folder: Path) -> bytes:
    git(folder, "add", "-A")
    return git(folder, "diff", "--cached", *PLAIN, "HEAD")


def numbers(folder: Path) -> dict[str, tuple[int, int]]:
    """Added and removed lines by new path, as git counts them."""
    records = git(folder, "diff", "--cached", "--numstat", "-z", "-M", "-C", "HEAD").split(b"\0")
    found, at = {}, 0
    while at < len(records) - 1:
        added, removed, path = records[at].split(b"\t", 2)
        if not path:  # a rename: its old and new name follow
            path, at = records[at + 2], at + 2
        found[path.decode()] = tuple(int(n) if n != b"-" else 0 for n in (added, removed))
        at += 1
    return found


BIG = b"".join(b"line %d\n" % n for n in range(60))
CHANGES = {
    "changed": ({"f": BIG}, {"f": BIG.replace(b"line 7\n", b"seven\n").replace(b"line 50\n", b"")}),
    "added": ({}, {"new/one": b"a\nb\n", "empty": b""}),
    "deleted": ({"f": b"a\n", "empty": b""}, {"f": None, "empty": None}),
    "renamed": ({"old name": BIG}, {"old name": None, "new name": BIG.replace(b"line 3\n", b"drei\n")}),
    "moved alone": ({"a/x": BIG}, {"a/x": None, "b/x": BIG}),
    "no newline at end": ({"f": b"a\nb"}, {"f": b"a\nb\nc"}),
    "newline lost": ({"f": b"a\nb\n"}, {"f": b"a\nb"}),
    "line ends": ({"f": b"a\r\nb\r\n"}, {"f": b"a\r\nc\r\n"}),
    "unicode": ({"grün/ä b": b"x\n"}, {"grün/ä b": "ß→\n".encode()}),
    "quoted": ({'say "hi"\t\\': b"x\n"}, {'say "hi"\t\\': b"y\n", "b/ b/x b/y": b"\n"}),
    "binary": ({"f": bytes(range(256))}, {"f": bytes(range(255, -1, -1)) * 3, "g": b"\0\1"}),
    "no text": ({"f": b"a\n\xff\n"}, {"f": b"a\n\xfe\xff\n"}),
    "looks like a head": ({"f": b"-- a/x\n++ b/x\nx\n"}, {"f": b"-- a/y\n@@ -1 +1 @@\ndiff --git a/x b/x\n"}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_git_writes_is_taken(tmp_path, what):
    """Names, lines and kinds are those that git tells; and what git writes, git takes elsewhere with the same result."""
    before, after = CHANGES[what]
    folder = repository(tmp_path / "here", before)
    write(folder, after)
    data = difference(folder)
    files = parse(data)

    assert {file.path: (file.added, file.removed) for file in files} == numbers(folder)
    other = repository(tmp_path / "there", before)
    git(other, "apply", "--index", "-", data=data)
    assert git(other, "write-tree") == git(folder, "write-tree")
    for file in files:
        for hunk in file.hunks:
            assert [line for _, line in hunk.numbered()] == list(hunk.lines)


def test_a_mode_is_told(tmp_path):
    """A file that becomes a program changes, though no line of it does."""
    folder = repository(tmp_path, {"run": b"x\n"})
    (folder / "run").chmod(0o755)

    (file,) = parse(difference(folder))

    assert (file.kind, file.path, file.mode, file.hunks) == ("changed", "run", "100755", ())


def test_kinds_are_told(tmp_path):
    """Added, deleted, renamed, copied, changed; binary is marked."""
    folder = repository(tmp_path, {"a": BIG, "b": b"b\n", "c": BIG[9:] + b"c\n", "d": b"\0"})
    write(
        folder,
        {"a": None, "a2": BIG, "b": None, "n": b"n\n", "c": BIG[9:] + b"d\n", "c2": BIG[9:] + b"c\n", "d": b"\1"},
    )

    found = {file.path: (file.kind, file.binary) for file in parse(difference(folder))}

    assert found == {
        "a2": ("renamed", False), "b": ("deleted", False), "n": ("added", False), "c": ("changed", False),
        "c2": ("copied", False), "d": ("changed", True),
    }  # fmt: skip


lines_ = st.lists(
    st.sampled_from(["", "a", "b", "-- x", "++ y", "@@ -1 +1 @@", "\\ No newline", "ü\r", "\x0cq\u2028"]), max_size=12
)
texts = st.builds(lambda lines, end: "\n".join(lines) + end, lines_, st.sampled_from(["", "\n"]))


@given(old=st.none() | texts, new=texts)
def test_the_diff_of_two_texts_makes_one_of_the_other(old, new):
    """Whatever the texts: what is written is read again, and makes the new text of the old one."""
    data = diff_text.unified("docs/a.md", old, new)
    if not data:
        assert old == new
        return
    (file,) = parse(data)

    assert diff_text.patched("docs/a.md", old or "", file) == new
    assert file.kind == ("added" if old is None else "changed")


@settings(max_examples=25, deadline=None)
@given(old=texts.filter(bool), new=texts.filter(bool))
def test_git_takes_the_diff_of_two_texts(tmp_path_factory, old, new):
    """Ours is as git's: git makes the same of it."""
    if old == new:
        return
    folder = repository(tmp_path_factory.mktemp("r"), {"f": old.encode()})
    git(folder, "apply", "--whitespace=nowarn", "-", data=diff_text.unified("f", old, new))

    assert (folder / "f").read_bytes() == new.encode()


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data):
    """Whatever comes: a list of files, or an error with its line."""
    said = 0
    try:
        parse(data)
    except BadDiff as error:
        said = error.line
    assert 0 <= said <= data.count(b"\n") + 1


@given(st.data())
def test_no_change_of_a_good_one_leaves_the_tree(data):
    """A line is replaced, repeated or lost: what is still taken names nothing outside of the tree."""
    lines = GOOD.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    odd = data.draw(
        st.sampled_from(
            [b"--- a/../x", b"+++ b/.git/config", b"rename to ../y", b"diff --git a/x b//etc/x", b"", lines[at] * 2]
        )
    )
    made = [*lines[:at], odd, *lines[at + data.draw(st.integers(0, 1)) :]]
    try:
        files = parse(b"\n".join(made))
    except BadDiff:
        return
    for file in files:
        assert file.path == "calc.py"


def hostile(old: bytes, new: bytes) -> bytes:
    return GOOD.replace(old, new)


HOSTILE = {
    "out of the tree": hostile(b"calc.py", b"../calc.py"),
    "out of the tree, in one line": hostile(b"+++ b/calc.py", b"+++ b/../../calc.py"),
    "out of the tree, quoted": hostile(b"+++ b/calc.py", b'+++ "b/\\056\\056/x"'),
    "absolute": hostile(b"b/calc.py", b"b//etc/passwd"),
    "git's own folder": hostile(b"calc.py", b".git/hooks/post-checkout"),
    "git's own folder, other case": hostile(b"calc.py", b"sub/.GiT/config"),
    "backslashes": hostile(b"calc.py", b"..\\calc.py"),
    "another name than its head": hostile(b"+++ b/calc.py", b"+++ b/other.py"),
    "no prefix": hostile(b"+++ b/calc.py", b"+++ calc.py"),
    "a link": GOOD.replace(b"index 1111111..2222222 100644", b"index 1111111..2222222 120000"),
    "a new link": b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n",
    "a submodule": b"diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit 1\n",
    "a rename out": b"diff --git a/x b/x\nsimilarity index 100%\nrename from x\nrename to ../y\n",
    "a rename whose lines name another": (
        b"diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\n" + GOOD.split(b"\n", 2)[2].replace(b"a/calc.py", b"a/x")
    ),
    "nothing before it, and no new file": GOOD.replace(b"--- a/calc.py", b"--- /dev/null"),
    "a rename of git's": b"diff --git a/.git/config b/x\nsimilarity index 100%\nrename from .git/config\nrename to x\n",
    "a set-uid file": GOOD.replace(b"index 1111111..2222222 100644", b"old mode 100644\nnew mode 104755"),
    "one file twice": GOOD + GOOD,
    "a file below a file": GOOD + GOOD.replace(b"calc.py", b"calc.py/x"),
    "words before": b"From 1 Mon\nSubject: x\n" + GOOD,
    "words between": GOOD + b"-- \n2.39\n" + GOOD.replace(b"calc", b"b"),
    "cut off": GOOD[:-8],
    "without its last newline": GOOD[:-1],
    "binary without content": b"diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n",
    "nothing": b"",
    "too large": GOOD + b"#" * MOST_BYTES + b"\n",
    "overlapping hunks": GOOD + b"@@ -2 +2 @@\n-two\n+due\n",
    "no plain diff": b"--- calc.py\n+++ calc.py\n@@ -1 +1 @@\n-a\n+b\n",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_must_not_be_applied_is_refused(what):
    """Before git sees it, with the line where there is one."""
    with pytest.raises(BadDiff) as refused:
        parse(HOSTILE[what])
    assert str(refused.value)


def test_the_good_one_is_taken():
    """So that what the hostile ones are refused for is what was changed in them."""
    (file,) = parse(GOOD)

    assert (file.added, file.removed, file.hunks[0].heading) == (1, 1, " def add():")
    assert file.hunks[0].numbered() == [(1, " one"), (2, "-two"), (2, "+zwei"), (3, " three")]


def test_where_it_does_not_fit_is_said():
    """File, line, what was expected and what is there."""
    (file,) = parse(GOOD)

    wrong = diff_text.misfit("calc.py", ["one\n", "deux\n", "three\n"], file.hunks[0])
    short = diff_text.misfit("calc.py", ["one\n"], file.hunks[0])

    assert wrong is not None and (wrong.line, wrong.expected, wrong.found) == (2, "two\n", "deux\n")
    assert short is not None and (short.line, short.expected, short.found) == (2, "two\n", None)
    with pytest.raises(diff_text.DoesNotFit, match=r"calc\.py:2"):
        diff_text.patched("calc.py", "one\ndeux\nthree\n", file)


@pytest.mark.parametrize(
    ("text", "name"), [('"a\\tb"', "a\tb"), ('"\\303\\244"', "ä"), ("a b", "a b"), ('"\\"\\\\"', '"\\')]
)
def test_quoted_names_are_read_as_git_writes_them(text, name):
    """Escapes and octal bytes."""
    assert name_of(text) == name


def test_a_wrong_quote_is_refused():
    """An escape that git does not write is not guessed."""
    with pytest.raises(ValueError, match="quoted"):
        name_of('"\\x41"')


def test_a_head_of_many_names_is_refused_before_it_is_tried():
    """Every blank may be where the first name ends; a head longer than two names can be is not looked through."""
    head = "diff --git a" + " b/" * 200_000
    with pytest.raises(BadDiff, match="longer than two names"):
        parse(f"{head}\nold mode 100644\nnew mode 100755\n".encode())
