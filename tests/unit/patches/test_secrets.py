"""A diff that carries a secret is told by file and line."""

from __future__ import annotations

from chorus_tui.contract.diff import parse
from chorus_tui.contract.diff_text import unified
from chorus_tui.engine.patches import secrets
from chorus_tui.engine.shhh.redactor import Redactor

KEY = "AKIA" + "ABCDEFGHIJKLMNOP"
BEFORE = "".join(f"line {n}\n" for n in range(1, 30))


def found(data: bytes, *own: str) -> list[tuple[str, int]]:
    return [(one.file, one.line) for one in secrets.found(data, parse(data), Redactor(own).text)]


def test_a_clean_diff_has_none():
    """Words that only look like it are left alone."""
    assert found(unified("a", BEFORE, BEFORE.replace("line 9\n", "the password is not here\n"))) == []


def test_each_line_is_named_with_its_number_in_its_file():
    """Added, removed and unchanged ones: whatever the diff would show to others. Of a removed one the number is the old one."""
    one = unified("conf/one", BEFORE, BEFORE.replace("line 9\n", f"new\nkey {KEY}\n"))
    two = unified("two", BEFORE.replace("line 20\n", f"{KEY}\n"), BEFORE)

    assert found(one + two) == [("conf/one", 10), ("two", 20)]


def test_a_key_over_many_lines_is_named_by_its_first():
    """And others besides are found all the same."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n"

    assert found(unified("pem", None, f"x\n{key}a {KEY}\n")) == [("pem", 2), ("pem", 5)]


def test_own_secrets_are_known_in_every_form():
    """What this peer's settings hold is found wherever it stands, in a name too: then no line has it."""
    assert found(unified("f", None, "x\ny s3cret-of-ours\n"), "s3cret-of-ours") == [("f", 2)]
    assert found(unified("s3cret-of-ours", None, "x\n"), "s3cret-of-ours")[0][1] == 0
