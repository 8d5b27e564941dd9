"""The models of one engine, made from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chorus_tui.engine.ai import choice, ollama
from chorus_tui.engine.ai.chain import BETWEEN_S, FIRST_S, ModelChain, Timeouts
from chorus_tui.engine.ai.ollama import OllamaProvider
from chorus_tui.engine.ai.openai_compatible import OpenAiCompatibleProvider
from chorus_tui.engine.ai.prompts import Prompts, RoleDefaults
from chorus_tui.engine.ai.provider import Provider
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.settings import Settings

RESETDATA = "resetdata"


def for_role(settings: Settings, prompts: Prompts) -> Settings:
    """With what the roles give where the environment says nothing: models by role; this agent's expertise and tasks."""
    models = {id_: role.defaults.models[0] for id_, role in prompts.roles.items() if role.defaults.models}
    mine = prompts.roles.get(settings.role.lower())
    defaults = mine.defaults if mine else RoleDefaults()
    return replace(
        settings,
        models={**models, **{key.lower(): value for key, value in settings.models.items()}},
        expertise=settings.expertise if "CHORUS_AGENT_EXPERTISE" in settings.given else defaults.expertise,
        max_tasks=settings.max_tasks
        if "CHORUS_AGENT_MAX_TASKS" in settings.given or defaults.max_tasks is None
        else defaults.max_tasks,
    )


def build_models(settings: Settings, redact: Callable[[str], str], clock: Clock, entropy: Entropy) -> ModelChain:
    """Nothing is contacted yet."""
    chain = settings.ai_providers
    models = {ollama.NAME: settings.ollama_model, RESETDATA: settings.resetdata_model}
    chosen = choice.Choice(
        {name: models[name] for name in chain}, choice.table(settings.models, chain[0]) if chain else {}
    )
    whole = settings.model_timeout_s
    timeouts = Timeouts(min(FIRST_S, whole), min(BETWEEN_S, whole), whole)
    return ModelChain(
        tuple(_provider(name, settings) for name in chain), chosen, redact, clock, entropy, timeouts
    )  # fmt: skip


def _provider(name: str, settings: Settings) -> Provider:
    if name == ollama.NAME:
        return OllamaProvider(settings.ollama_endpoint)
    return OpenAiCompatibleProvider(name, settings.resetdata_base_url, settings.resetdata_api_key, "RESETDATA")
