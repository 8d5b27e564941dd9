"""Decisions: proposals and votes."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "decisions.list", "GET", "/api/v1/decisions", "decisions.ListDecisions", "decisions.DecisionList", _R,
        "What is put to the vote, and what came of it",
    ),
    Operation(
        "decisions.show", "GET", "/api/v1/decisions/{decision_id}", "decisions.DecisionRef", "decisions.DecisionView", _R,
        "One decision: votes, tally, outcome, record",
    ),
    Operation(
        "decisions.propose", "POST", "/api/v1/decisions", "decisions.ProposeDecision", "decisions.Proposed", _O,
        "Put something to the vote",
    ),
    Operation(
        "decisions.vote", "POST", "/api/v1/decisions/{decision_id}/vote", "decisions.VoteDecision", "decisions.VoteCast", _O,
        "Vote, with a reason, or vote anew",
    ),
    Operation(
        "decisions.withdraw", "POST", "/api/v1/decisions/{decision_id}/withdraw", "decisions.WithdrawDecision",
        "decisions.DecisionView", _O,
        "End a proposal of one's own before it is closed",
    ),
)  # fmt: skip
