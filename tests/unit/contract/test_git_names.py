"""Names of a hostile archive on their way into a git tree."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.contract.git_names import link_target, member_path, quoted
from tests.integration.execution.trees import git

ODD = st.lists(
    st.sampled_from(["git", ".git", "GIT~1", ".", "..", " ", "/", "\\", "a", ":", "\u200c", "\ufeff", "\n", '"', ".gitmodules", "~1"]),
    min_size=1, max_size=6,
).map(lambda parts: "".join(parts).encode())  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [b".git", b"./.git/x", b"a/.Git", b".git.", b".git ", b".git . .", b".git:x", b"git~1", b"GIT~1 ", b"x\\.git\\y",
     ".g\u200cit".encode(), "\ufeff.git ".encode(), "\u202e.GIT".encode(), b"../x", b"x\\..\\y", b"/x", b"x\0y", b"n" * 256, b"a/" * 2049],
)  # fmt: skip
def test_what_git_or_a_file_system_may_take_for_something_else_is_refused(raw):
    """Git's own folder in any spelling, ways out, and names no file system has."""
    with pytest.raises(ValueError):
        member_path(raw)


@pytest.mark.parametrize(
    "raw", [b".gitignore", b".github/x", b"git", b"a.git", b"..a", b"\xff", b"a:b", b" ", b"back\\slash"]
)
def test_names_that_are_only_odd_are_kept(raw):
    """Nothing is refused for being unusual."""
    assert member_path(b"./" + raw) == raw


@settings(max_examples=60)
@given(st.lists(ODD, min_size=1, max_size=20), st.booleans())
def test_git_takes_every_name_that_is_let_through(tmp_path_factory, names, links):
    """Read from fast-import and put into an index by the real git, with all its protections on: no path is invalid."""
    taken = []
    for name in names:
        try:
            path = member_path(name)
            if path:
                taken.append(link_target(b"t", path) and path)
        except ValueError:
            continue
    store = tmp_path_factory.mktemp("store")
    git(store, "init", "-q", "--bare", ".")
    mode = b"120000" if links else b"100644"
    lines = [b"M %s inline %s\ndata 1\nx\n" % (mode, quoted(path)) for path in taken]
    commands = b"commit refs/heads/r\ncommitter c <> 0 +0000\ndata 0\n" + b"".join(lines) + b"done\n"
    git(store, "fast-import", "--quiet", "--done", stdin=commands)
    git(store, "-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "read-tree", "refs/heads/r")
    listed = os.fsencode(git(store, "ls-tree", "-r", "-z", "--name-only", "refs/heads/r")).split(b"\0")[:-1]

    assert set(listed) <= set(taken)
    assert not taken or taken[-1] in listed
