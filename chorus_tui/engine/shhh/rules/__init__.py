"""The table of rules: every kind of secret that is known by its shape or by the words beside it. Pure.

Their order decides which name a finding gets where several rules find the same: the special ones stand before the general.
"""

from __future__ import annotations

from chorus_tui.engine.shhh.rules import assigned, cloud, forges, keys, services
from chorus_tui.engine.shhh.rules.rule import MEANING, SEVERITIES, Rule, Severity

RULES: tuple[Rule, ...] = (*keys.RULES, *cloud.RULES, *forges.RULES, *services.RULES, *assigned.RULES)

OWN = "own-secret"
"""The rule of exact values: what this node itself holds."""
FIELD = "field"
"""The rule of maps: a value under a key that says it is a secret."""

RULE_NAMES: tuple[str, ...] = (OWN, FIELD, *dict.fromkeys(rule.name for rule in RULES))
"""All that a finding can be named after, but for rules of an operator's own."""

__all__ = ["FIELD", "MEANING", "OWN", "RULES", "RULE_NAMES", "SEVERITIES", "Rule", "Severity"]
