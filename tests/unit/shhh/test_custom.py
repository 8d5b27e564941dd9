"""Rules of an operator's own: taken in our form and in gitleaks', refused with place and reason."""

from __future__ import annotations

import pytest

from chorus_tui.engine.shhh import custom
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.rules import RULES

OURS = """
[[rules]]
name = "acme-key"
severity = "critical"
keywords = ["ACME_"]
pattern = 'acme_([0-9a-f]{32})'
tags = ["payment"]
"""
GITLEAKS = """
title = "rules"
[[rules]]
id = "Acme_Key"
description = "Acme"
regex = '''(?i)acme_[0-9a-f]{32}'''
keywords = ["acme"]
entropy = 2.0
"""


@pytest.mark.parametrize(("text", "name", "left"), [(OURS, "acme-key", "acme_[R"), (GITLEAKS, "acme-key", "[R")])
def test_a_file_of_rules_is_used(tmp_path, text, name, left):
    """Both forms; severity and tags are kept; the first group is what goes."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    rules = custom.load(path)
    clean = Redactor((), (*rules, *RULES)).text("acme_0123456789abcdef0123456789abcdef")

    assert [rule.name for rule in rules] == [name]
    assert clean.startswith(left)
    assert rules[0].tags == (("payment",) if text is OURS else ())


@pytest.mark.parametrize(("rule", "told"), [
    ("name = 'X Y'\npattern = 'a{9}'", "name:"), ("name = 'x'\npattern = '('", "missing"), ("name = 'x'\npattern = 'a*'", "matches nothing"),
    ("name = 'x'\nseverity = 'bad'\npattern = 'a{9}'", "critical, high, medium, low"), ("name = 'x'\npattern = '[0-9a-f]{40}'", "no secret"),
    ("name = 'x'\npattern = '(?=a)b'", "pattern:"), ("name = 'jwt'\npattern = 'a{9}'", "another rule"), ("name = 'x'", "pattern:"),
    ("name = 'x'\npattern = 'a{9}'\nkeyword = 'a'", "keyword is not known"), ("name = 'x'\npattern = 'a{9}'\nentropy = 99", "0 to 8"),
])  # fmt: skip
def test_a_bad_rule_is_refused_with_its_line_name_and_reason(tmp_path, rule, told):
    """All faults at once, and no rule of the file is used."""
    path = tmp_path / "rules.toml"
    path.write_text(f"{OURS}\n[[rules]]\n{rule}\n")

    with pytest.raises(custom.RulesError) as error:
        custom.load(path)

    assert told in str(error.value)
    assert "line 9, rule 2" in str(error.value)


@pytest.mark.parametrize("text", ["", "rules = 3", "[[rules]", "\x00"])
def test_what_is_no_file_of_rules_is_told(tmp_path, text):
    """With the file's name."""
    path = tmp_path / "rules.toml"
    path.write_text(text)

    with pytest.raises(custom.RulesError, match=r"rules\.toml"):
        custom.load(path)
    with pytest.raises(custom.RulesError, match="cannot be read"):
        custom.load(tmp_path / "none.toml")
