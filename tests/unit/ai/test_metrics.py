"""What is counted of models, as Prometheus reads it."""

from __future__ import annotations

from chorus_tui.engine.telemetry import metrics
from tests.unit.ai.test_chain import ASK, DOWN, InMemory, chain


def reading(models):
    """The figures of an engine that does nothing else."""
    return metrics.Reading(
        peers=0, members=0, sent=0, received=0, refused={}, feed_entries=0, control_commit=0, control_term=0, is_admin=False,
        tasks_running=0, tasks_by_state={}, findings={}, api_calls=0, models=models.health(), uptime_s=0.0,
    )  # fmt: skip


async def test_figures_move_with_each_question(autojump_clock):
    """Tries, those that failed, tokens, and whether the provider is well; by provider."""
    models = chain(InMemory([[DOWN], ["a", "b"]]))
    render = metrics.renderer(lambda: reading(models))
    before = render().decode()
    await models.ask(ASK)
    after = render().decode()

    for name, was, now in (
        ("requests_total", 0, 2),
        ("failures_total", 0, 1),
        ("tokens_total", 0, 7),
        ("provider_up", 0, 1),
    ):
        assert f'chorus_ai_{name}{{provider="first"}} {was}.0' in before
        assert f'chorus_ai_{name}{{provider="first"}} {now}.0' in after
