"""What is counted of models, as the metrics read it."""

from __future__ import annotations

from tests.unit.ai.test_chain import ASK, DOWN, InMemory, chain


async def test_figures_move_with_each_question(autojump_clock):
    """Tries, those that failed, tokens, the time of each try, and whether the provider is well."""
    models = chain(InMemory([[DOWN], ["a", "b"]]))
    before, began = models.health()[0], models.took()["first"].count
    await models.ask(ASK)
    after = models.health()[0]

    assert (before.asked, before.failed, before.tokens, before.state, began) == (0, 0, 0, "unknown", 0)
    assert (after.asked, after.failed, after.tokens, after.state) == (2, 1, 7, "ok")
    assert models.took()["first"].count == 2
