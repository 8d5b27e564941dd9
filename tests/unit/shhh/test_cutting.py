"""A text that is cut before a door leaves no part of a secret that the door would not know."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chorus_tui.engine
from chorus_tui.engine.shhh.cutting import ALL_OF_IT, BEFORE, beginning, ending
from chorus_tui.engine.shhh.redactor import Redactor
from tests.support.secrets import samples

REDACTOR = Redactor(["a secret of ours"])
KEY = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
PEM_LINE = "MIIEpAIBAAKCAQEA7bq2vX0Zk3pTnWq8LsRfYh4JdGc1MvKe9UoBtNiCaDxSzQwP"
SECRETS = {
    "assigned": (f"aws_secret_access_key={KEY}", KEY),
    "assigned in JSON": (f'{{"secret_access_key":"{KEY}"}}', KEY),
    "with white space": (f"aws_secret_access_key = {KEY}", KEY),
    "in an address": (f"https://deploy:{KEY}@example.org/repository.git", KEY),
    "a private key": (f"-----BEGIN RSA PRIVATE KEY-----\n{PEM_LINE}\n{PEM_LINE}\n-----END RSA PRIVATE KEY-----", PEM_LINE),
}  # fmt: skip
ARGON = "$argon2id$v=19$m=65536,t=3,p="
A_TEXT = 100
"""Characters from which on something counts as a text; names and ids are shorter."""
BY_HAND = {
    "backbeat/claims.py: _OTHER.sub('_', agent_id)[:128]",
    "coordination/plans.py: made_by[:128]",
    "coordination/rules.py: (task.holder or task.announcer)[:128]",
    "coordination/rules.py: task.project_id[:128]",
    "coordination/rules.py: task.repository[:1024]",
    "execution/tar_reader.py: block[:100]",
    "execution/tar_reader.py: block[:148]",
    "runtime/joining.py: name[:200]",
    "shhh/redactor.py: place[:200]",
    "slurp/rules.py: '/'.join((part for part in named if part))[:512]",
    "tasks/agent_at_work.py: ', '.join(end.models)[:200]",
    "tasks/agent_at_work.py: self.mind.redact(goal).strip().splitlines()[0][:200]",
    "vault/header.py: ', '.join(sorted(kinds))[:200]",
}
"""Names and ids, bytes that are no text, and what was redacted before."""
AROUND = "words before and behind\n" * 30


def parts(secret: str) -> list[str]:
    """What would be of use of it."""
    return [secret[at : at + 6] for at in range(len(secret) - 5)]


@pytest.mark.parametrize("name", SECRETS)
@given(cut=st.integers(-5, 260))
def test_a_beginning_holds_no_part_of_a_secret(name, cut):
    """Wherever it ends, what it leaves is known for what it is when it comes to a door."""
    text, secret = SECRETS[name]
    most = len(AROUND) + cut
    shown = REDACTOR.text(beginning(f"{AROUND}{text}\n{AROUND}", most))

    assert len(beginning(f"{AROUND}{text}\n{AROUND}", most)) <= most
    assert not [part for part in parts(secret) if part in shown]


@pytest.mark.parametrize("name", SECRETS)
@given(cut=st.integers(-5, 260))
def test_an_end_holds_no_part_of_a_secret(name, cut):
    """Also where it begins right behind the name that tells what follows, and behind far more than is looked through."""
    text, secret = SECRETS[name]
    for before in (AROUND, AROUND * (BEFORE // len(AROUND) + 2)):
        shown = ending(f"{before}{text}\n{AROUND}", len(AROUND) + cut, REDACTOR.text)

        assert len(shown) <= len(AROUND) + cut
        assert not [part for part in parts(secret) if part in shown]


def test_an_end_of_many_keys_does_not_begin_inside_one():
    """Each is a few words when it is redacted, so that what is kept reaches back to where the looking began."""
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{PEM_LINE}\n" * 30 + "-----END RSA PRIVATE KEY-----\n"
    for keys in range(30, 40):
        assert PEM_LINE[:12] not in ending(key * keys + "x" * keys * 13, 4_000, REDACTOR.text)


@given(st.text(), st.integers(0, 40))
def test_what_is_short_stays_whole_and_the_rest_is_a_part_of_it(text, most):
    """A beginning is one, an end is one, and neither is longer than was asked for."""
    first = beginning(text, most)

    assert text.startswith(first) or first == ALL_OF_IT
    assert len(first) <= most
    assert text.endswith(ending(text, most, str))
    assert (beginning(text, len(text)), ending(text, len(text), str)) == (text, text)


def test_what_has_no_white_space_is_still_shown():
    """Text of alphabets that know no spaces, and compact JSON: cut where nothing that could be a secret is parted."""
    assert beginning("部署失败请检查配置" * 20, 50) == ("部署失败请检查配置" * 20)[:50]
    assert beginning('{"error":{"code":17,"message":"no"}}', 22) == '{"error":{"code":17,"'
    assert beginning("x" * 100, 50) == ALL_OF_IT


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in samples(Random(0))}))
def test_of_no_shape_a_part_is_left(rule):
    """Every shape of every rule, cut at every character. What a shape is known by, which is no secret, may stay at a beginning."""
    for shape, text, secret in samples(Random(1)):
        whole = f"words before it\n{text}\nwords behind it"
        if shape != rule or secret not in whole:
            continue
        # What tells that it is a private key, or which hash of a password, is no secret.
        told = "\n".join(secret.split("\n")[1:-1]) if secret.startswith("-----") else secret.removeprefix(ARGON)
        use = [told[at : at + 12] for at in range(len(told) - 11)]
        for most in range(1, len(whole)):
            first = REDACTOR.text(beginning(whole, most))
            last = ending(whole, most, REDACTOR.text)

            assert not [part for part in use if part in first]
            assert not [part for part in use if part in last]


def test_texts_are_cut_here_and_nowhere_else():
    """In the engine no text is cut by hand to a number of characters; what is no text, or a name of ours, stands in the list."""
    engine = Path(chorus_tui.engine.__file__).parent
    found = {
        f"{path.relative_to(engine)}: {ast.unparse(node)}"
        for path in engine.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and _characters(node.slice) >= A_TEXT
    }

    assert found == BY_HAND


def _characters(part: ast.Slice) -> int:
    """How much of a text is kept, where that is a number."""
    bound = part.upper if part.lower is None else part.lower.operand if isinstance(part.lower, ast.UnaryOp) else None
    return bound.value if isinstance(bound, ast.Constant) and isinstance(bound.value, int) else 0
