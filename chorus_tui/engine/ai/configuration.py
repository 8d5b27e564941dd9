"""The models of one engine, made from its settings."""

from __future__ import annotations

from collections.abc import Callable

from chorus_tui.engine.ai import choice, ollama
from chorus_tui.engine.ai.chain import BETWEEN_S, FIRST_S, ModelChain, Timeouts
from chorus_tui.engine.ai.ollama import OllamaProvider
from chorus_tui.engine.ai.openai_compatible import OpenAiCompatibleProvider
from chorus_tui.engine.ai.provider import Provider
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.settings import Settings

RESETDATA = "resetdata"


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
