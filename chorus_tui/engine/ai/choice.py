"""Which model answers a question: what the question names, else what the settings name for its role and kind of task,
else the provider's own. Pure.

``CHORUS_MODELS`` is a JSON object. A key is ``role``, ``role/kind`` or ``*/kind``; the most exact one counts. A value is a
model of the first provider of the chain, or an object of provider and model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chorus_tui.engine.ai.interface import Ask

Table = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """``defaults`` by provider, in the order of the chain; ``table`` by role and kind, then by provider."""

    defaults: Mapping[str, str]
    table: Table = field(default_factory=dict)

    def model(self, ask: Ask, provider: str) -> str:
        """The model that ``provider`` should answer with."""
        if ask.model:
            return ask.model
        for key in (f"{ask.role}/{ask.kind}".lower(), f"*/{ask.kind}".lower(), ask.role.lower()):
            if provider in (found := self.table.get(key, {})):
                return found[provider]
        return self.defaults[provider]

    def names(self) -> tuple[str, ...]:
        """All models that may be chosen, the defaults first."""
        chosen = [model for models in self.table.values() for model in models.values()]
        return tuple(dict.fromkeys([*self.defaults.values(), *chosen]))


def table(given: Mapping[str, str | Mapping[str, str]], first: str) -> Table:
    """The setting, spelt out: a model without a provider is one of ``first``, the first of the chain."""
    return {key.lower(): {first: value} if isinstance(value, str) else dict(value) for key, value in given.items()}
