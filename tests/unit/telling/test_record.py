"""A record as a person reads it: all that it holds, whatever that is, and nothing that a terminal would obey."""

from __future__ import annotations

import base64
import json
import unicodedata
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from chorus_tui.contract.models.ucxl import RECORD_TYPE, Content, VersionRow
from chorus_tui.contract.ssh_key import fingerprint_of
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.engine.records import record as made
from chorus_tui.screens.ucxl_text import in_words
from chorus_tui.telling import record

ME = Identity(bytes([1]) * 32)
WHERE = "ucxl://grace:developer@shop:decisions/*^/decisions/01ARZ3NDEKTSV4RRFFQ69G5FAV"
ADA, GRACE, LINUS = "12D3KooWAdaAdaAda", "12D3KooWGraceGrace", "12D3KooWLinusLinus"
NAMES = {ADA: "ada", GRACE: "grace"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
DECISION: dict[str, Any] = {
    "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "ucxl": WHERE, "title": "Use PostgreSQL", "body": "For its transactions.\nSQLite locks.",
    "kind": "decision", "made_by": GRACE, "made_at": "2030-01-31T12:00:00Z", "mesh_id": "3e" * 32, "proposal": "aa" * 32,
    "closing": "bb" * 32, "outcome": "passed", "chosen": "approve", "tally": {"approve": 2, "reject": 0, "abstain": 0},
    "eligible": [ADA, GRACE, LINUS], "persons": ["ana"], "threshold": "two_thirds", "quorum": "1/2",
    "votes": [
        {"by": ADA, "choice": "approve", "entry": "cc" * 32, "epoch": "dd" * 16, "seq": 7},
        {"by": LINUS, "choice": "approve", "entry": "ee" * 32, "epoch": "dd" * 16, "seq": 9, "person": "ana", "key": KEY,
         "text": "{}", "signature": "-----BEGIN SSH SIGNATURE-----"},
    ],
    "citations": [{"kind": "patch", "id": "ff" * 32}], "supersedes": None, "task_id": None,
}  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=12,
)
KNOWN = st.sampled_from(
    [*DECISION, "kind", "commands", "changed", "artifacts", "checked", "attempt", "exit_code", "sealed", "to_roles"]
)
RECORDS = st.dictionaries(KNOWN | st.text(max_size=8), JSON, max_size=8)
HOSTILE = st.text(st.sampled_from('a[]/\x1b\x07\x9b\u202e\u2066\u200b\n\r\t"{}\ud800'), max_size=20)


def text_of(said: dict[str, Any], **outer: Any) -> str:
    return json.dumps({"record": said, "signed_by": ADA, "sig": "00", **outer})


def told(said: dict[str, Any], **outer: Any) -> list[tuple[str, str]]:
    found = record.rows(text_of(said, **outer), WHERE, NAMES)
    assert found is not None
    return found


def drawn(text: str) -> str:
    """As the screen draws it: with the console's own controls, if any came through."""
    row = VersionRow(
        place=WHERE,
        address=WHERE,
        n=1,
        entry="aa" * 32,
        author=ADA,
        author_name="ada",
        at=1.0,
        media_type=RECORD_TYPE,
        size=len(text),
        settled=True,
    )
    data = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    table = in_words(Content(version=row, data=data), NAMES)
    assert table is not None
    out = StringIO()
    Console(file=out, width=200, color_system=None, force_terminal=False).print(table)
    return out.getvalue()


def test_a_decision_is_told_as_it_was_made():
    """The question, each option with its count, who voted how, what it took, who made it and what it rests on."""
    found = told(DECISION)

    assert found[:3] == [("question", "Use PostgreSQL"), ("", "For its transactions."), ("", "SQLite locks.")]
    assert ("result", "✓ passed: approve") in found
    assert [value for name, value in found if name == "option"] == ["approve: 2", "reject: 0", "abstain: 0"]
    assert ("passes with", "two thirds of the votes, abstentions aside") in found
    assert ("quorum", "1/2 of 4 had to vote: 2; 2 did") in found
    assert ("vote", "approve  ada (…daAdaAda)") in found
    assert ("no vote of", f"grace (…aceGrace), {LINUS}") in found
    assert ("evidence", f"vote: number 7 of the feed of ada (…daAdaAda), {'cc' * 32}") in found
    assert ("closed", "2030-01-31T12:00:00Z") in found
    assert ("rests on", f"patch {'ff' * 32}") in found
    assert ("signed by", f"ada (…daAdaAda), {record.UNCHECKED}") in found


def test_a_vote_is_told_as_signed_only_where_a_signature_is():
    """By the row's name: what somebody chose cannot pass for it. A person's name alone is told as that."""
    votes = [*DECISION["votes"], {"by": ADA, "choice": "approve  signed vote", "person": "ben"}]
    found = told({**DECISION, "votes": votes})

    (signed,) = [value for name, value in found if name == "signed vote"]
    assert signed == f"approve  ana with {fingerprint_of(KEY)}, brought by {LINUS}"
    assert (
        "vote",
        "approve  signed vote  in the name of ben, without their signature, brought by ada (…daAdaAda)",
    ) in found


def test_a_record_that_lies_elsewhere_says_so():
    """Its address and the one that it was found under are both told."""
    moved = record.rows(text_of(DECISION), WHERE.replace("shop", "bank"), NAMES)

    assert moved is not None
    assert [value for name, value in moved if name == "⚠ moved"] == [
        f"it was found under {WHERE.replace('shop', 'bank')}, where it does not belong"
    ]
    assert not [name for name, _ in told(DECISION) if "moved" in name]


def test_a_task_is_told_as_it_was_done():
    """The order, what came of it, which files, who checked it."""
    found = told(
        {
            "kind": "task", "title": "Add a sum", "body": "Done.", "made_by": ADA, "asked_by": GRACE, "goal": "sum of prices",
            "commands": ["make", "make test"], "attempt": 2, "outcome": "completed", "exit_code": 0, "votes": [],
            "changed": {"base": "1" * 40, "files": 1, "insertions": 3, "deletions": 0, "names": ["total.py"]},
            "artifacts": [{"path": "out.txt", "size": 5, "sha256": "ab"}], "checked": {"by": LINUS, "verdict": "passed"}, "ucxl": WHERE,
        }
    )  # fmt: skip

    assert found[:3] == [("task", "Add a sum"), ("", "Done."), ("result", "✓ completed, exit code 0")]
    assert [value for name, value in found if name == "$"] == ["make", "make test"]
    assert ("changed", "1 file, 3 lines added, 0 removed") in found
    assert ("", "total.py") in found
    assert ("file", "out.txt, 5 bytes, sha256 ab") in found
    assert ("checked", f"passed by {LINUS}") in found
    assert ("asked by", "grace (…aceGrace)") in found


def test_what_a_peer_signed_is_taken():
    """The very bytes that a keeper signs and stores are a record; anything else is none."""
    said = {name: value for name, value in DECISION.items() if name != "content_hash"}
    assert record.rows(made.sign(made.whole(said), ME).decode(), WHERE, NAMES) is not None
    for other in ("", "[]", "{}", '{"record": [], "signed_by": "", "sig": ""}', '{"record": {}}', "[" * 100_000, "no"):
        assert record.rows(other) is None


@given(RECORDS, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_whatever_a_record_holds_is_shown(said, outer):
    """No value of any kind in any place is an error; what is of no known name stands there by its name, as it was written."""
    found = told(said, **{name: value for name, value in outer.items() if name not in {"record", "signed_by", "sig"}})
    told_values = "\n".join(f"{name}: {value}" for name, value in found)

    for name, value in said.items():
        if name not in {*DECISION, "kind", "commands", "changed", "artifacts", "checked", "attempt", "exit_code", "sealed", "to_roles",
                        "ucxl", "goal", "model", "asked_by", "content_hash"}:  # fmt: skip
            as_written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            assert f"{name}: {as_written}" in told_values
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            assert str(value) in told_values


@given(
    st.dictionaries(st.sampled_from(list(DECISION)) | HOSTILE, HOSTILE | st.dictionaries(HOSTILE, HOSTILE), max_size=6)
)
def test_nothing_in_a_record_is_obeyed(said):
    """Controls and direction tricks are replaced in names and values alike, and brackets are brackets: no markup is made of them."""
    seen = drawn(text_of(said))

    assert not [sign for sign in seen if sign != "\n" and unicodedata.category(sign) in {"Cc", "Cf", "Cs"}]
    for name, value in said.items():
        if name not in DECISION and isinstance(value, str) and set(value) <= set("a[]/"):
            assert value in seen.replace("\n", "")
