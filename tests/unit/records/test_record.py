"""A record proves where it belongs, what it says and who stands for it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract import ucxl
from chorus_tui.engine.protocol import canonical, places
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.records import of_tasks, record

ME, OTHER = Identity(bytes([1]) * 32), Identity(bytes([2]) * 32)
WHERE = "ucxl://ada:member@shop:01ARZ3NDEKTSV4RRFFQ69G5FAV/*^/decisions/result"
SAYS = st.dictionaries(st.sampled_from(["title", "body", "kind", "id"]), st.text(max_size=40), min_size=1)


def content(says: dict[str, str], where: str = WHERE) -> bytes:
    return record.whole({**says, "ucxl": where})


@given(SAYS)
def test_what_was_signed_is_read_and_named_alike_by_all(says):
    """Whoever signs it, the content and its digest are the same; each signature names its signer."""
    for who in (ME, OTHER):
        found = record.read(record.sign(content(says), who), WHERE)
        assert found.signed_by == who.peer_id
        assert found.digest == record.digest_of(content(says))
        assert {name: found.content[name] for name in says} == says


@given(SAYS, st.data())
def test_no_changed_byte_is_believed(says, data):
    """Any one byte of the text that is another makes it no record, or one with a broken proof."""
    whole = record.sign(content(says), ME)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    with pytest.raises(WireError):
        record.read(changed, WHERE)


def test_a_record_that_was_moved_is_found_out():
    """A true record of one thing, put under the address of another."""
    with pytest.raises(WireError, match="belongs under"):
        record.read(record.sign(content({"title": "a"}), ME), WHERE.replace("shop", "bank"))


def test_nobody_signs_in_the_name_of_another():
    """The signature of one under the name of another; a signature given for something else."""
    value = json.loads(record.sign(content({"title": "a"}), OTHER))
    with pytest.raises(WireError, match="not signed by"):
        record.read(canonical.encode({**value, "signed_by": ME.peer_id}), WHERE)
    feed = ME.sign(b"chorus/feed/1\0", content({"title": "a"}))
    with pytest.raises(WireError, match="not signed by"):
        record.read(canonical.encode({**value, "signed_by": ME.peer_id, "sig": feed}), WHERE)


def test_a_hash_that_is_not_that_of_the_rest_is_found_out():
    """Signed, and yet not what its own hash says."""
    wrong = canonical.encode({"title": "a", "ucxl": WHERE, "content_hash": "0" * 64})
    with pytest.raises(WireError, match="hash"):
        record.read(record.sign(wrong, ME), WHERE)


def test_the_task_of_an_address():
    """Only the address of a task's record names a task."""
    assert of_tasks.task_of(WHERE) == "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert of_tasks.task_of(WHERE.replace("result", "other")) == ""
    assert of_tasks.task_of("no address") == ""


def test_names_that_people_chose_make_an_address_of_one_place():
    """Whatever a project, a role and a member are called, "any" too, the address has no wildcard and parses to itself."""
    for name in ("any", "ANY", "a.b", "Ünïcode", "*", "x" * 60, ""):
        where = ucxl.Address(
            places.agent(name, "12D3KooW"), places.role(name), places.project(name, "0f" * 32), "t", path="p"
        )
        assert where.concrete
        assert ucxl.parse(str(where)) == where
