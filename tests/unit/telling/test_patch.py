"""Lines of a patch are told apart by their hunks, whatever they hold."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.telling.patch import told_apart

# Lines that look like a patch themselves are the hard ones.
LINES = st.lists(
    st.sampled_from(["", "a", "b", "-- a/x", "++ b/x", "@@ -1 +1 @@", "diff --git", "\\ x", " y"]), max_size=20
)


@given(LINES, LINES)
def test_added_and_removed_lines_are_exactly_those(before, after):
    """Rebuilding both sides from the kinds gives both sides' changed lines, in order, and nothing else."""
    patch = [line.removesuffix("\n") for line in difflib.unified_diff(before, after, "a/x", "b/x", lineterm="", n=2)]
    told = list(told_apart(patch))

    assert [line for _, line in told] == patch
    matcher = difflib.SequenceMatcher(None, before, after).get_opcodes()
    removed = [line for tag, i, j, _, _ in matcher if tag in ("replace", "delete") for line in before[i:j]]
    added = [line for tag, _, _, i, j in matcher if tag in ("replace", "insert") for line in after[i:j]]
    assert [line[1:] for kind, line in told if kind == "removed"] == removed
    assert [line[1:] for kind, line in told if kind == "added"] == added


def test_heads_hunks_and_the_missing_newline():
    """As git writes it: two files, one without a newline at its end, one binary."""
    patch = (
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n--- was\n+++ is\n+more\n\\ No newline at end of file\n"
        "diff --git a/y b/y\nGIT binary patch\nliteral 3\n"
    )
    kinds = [kind for kind, _ in told_apart(patch.removesuffix("\n").split("\n"))]

    assert kinds == ["file", "file", "file", "hunk", "removed", "added", "added", "same", "file", "file", "file"]


@given(st.text())
def test_anything_is_told_whole(text):
    """No text is refused, no line lost."""
    lines = text.split("\n")

    assert [line for _, line in told_apart(lines)] == lines
