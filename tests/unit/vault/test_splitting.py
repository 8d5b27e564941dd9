"""Five word lists: any three are the key, any two are nothing, and a slip is told by its place."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.engine.protocol.age_recipient import secret_text
from chorus_tui.engine.vault.splitting import WrongWords, join, split

KEYS = st.binary(min_size=32, max_size=32).map(secret_text)


@settings(max_examples=15, deadline=None)
@given(KEYS)
def test_every_three_give_the_key_and_no_two_do(secret):
    """All ten threes, all ten pairs; what is missing is counted."""
    lists = split(secret).lists
    for three in itertools.combinations(lists, 3):
        assert join(three).secret == secret
    for pair in itertools.combinations(lists, 2):
        with pytest.raises(WrongWords, match="1 more is missing"):
            join(pair)
    with pytest.raises(WrongWords, match="2 more are missing"):
        join(lists[:1])


SECRET = secret_text(bytes(range(32)))
LISTS = split(SECRET).lists


@given(st.integers(0, 2), st.integers(0, 32), st.sampled_from(["academic", "acid", "zero", "nonsense"]))
def test_a_wrong_word_never_gives_another_key(which, place, word):
    """It is refused, by list; by place too when the word is not known; the words themselves are never said."""
    words = LISTS[which].split(" ")
    if words[place] == word:
        return
    wrong = [*words[:place], word, *words[place + 1 :]]
    lists = [" ".join(wrong) if n == which else LISTS[n] for n in range(3)]
    with pytest.raises(WrongWords) as caught:
        join(lists)
    assert "list" in str(caught.value)
    if word == "nonsense":
        assert f"list {which + 1}: word {place + 1} not known" in str(caught.value)
    assert not any(
        f" {one} " in str(caught.value) for one in set(words) - {"is", "more", "list", "word", "words", "another"}
    )


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ([LISTS[0], LISTS[1], LISTS[0]], "list 3 is list 1 once more"),
        ([LISTS[0], LISTS[1], split(SECRET).lists[2]], "list 3 is not of the same split"),
        ([LISTS[0], LISTS[1], LISTS[2].rsplit(" ", 1)[0]], "list 3 has 32 words"),
        ([LISTS[0], LISTS[1], " ".join(LISTS[2].split(" ")[::-1])], "list 3: every word is known"),
    ],
    ids=["twice", "of another", "short", "backwards"],
)
def test_what_does_not_go_together_is_told(lists, says):
    """By list."""
    with pytest.raises(WrongWords, match=says):
        join(lists)


def test_spaces_and_capitals_do_not_matter():
    """People type."""
    assert join([f"  {one.upper()} ".replace(" ", "  ") for one in LISTS[2:]]).secret == SECRET
