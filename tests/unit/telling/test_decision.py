"""Whose vote it is, in words."""

from __future__ import annotations

from chorus_tui.contract.models.decisions import VoteView
from chorus_tui.telling import decision as words

VOTE = VoteView(by="12D3", by_name="grace", kind="agent", choice="approve", at=1.0, mark="counted", entry="0" * 64)


def test_what_a_persons_name_rests_on_is_said():
    """A signature of the person, a peer's word, or nothing; who brought it is named besides."""
    signed = VOTE.model_copy(update={"person": "ana", "key": "SHA256:x"})
    forged = VOTE.model_copy(update={"person": "ana"})
    asserted = VOTE.model_copy(update={"kind": "human", "on_behalf_of": "ana"})

    assert words.signer(VOTE) == "grace (agent)"
    assert words.signer(signed) == "signed by ana, brought by grace (agent)"
    assert words.signer(forged) == "in the name of ana, without their signature, brought by grace (agent)"
    assert words.signer(asserted) == "ana, asserted by grace (person)"
