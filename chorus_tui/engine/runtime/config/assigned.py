"""What WHOOSH would assign to an engine with these settings, asked as it would ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from chorus_tui.engine import service_settings
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.settings import SettingsError, load
from chorus_tui.engine.whoosh import rules
from chorus_tui.engine.whoosh.rules import Unusable
from chorus_tui.engine.whoosh.service import asked


async def assigned(environ: Mapping[str, str], kind: Literal["agent", "human"]) -> tuple[dict[str, Any], list[str]]:
    """The values of the variables that the assignment sets, and what is wrong with it. Nobody is asked with settings that cannot be
    used, or when nobody assigns."""
    try:
        settings = load(environ, kind)
    except SettingsError:
        return {}, []
    url = service_settings.filled(
        settings.assign_url, service=settings.service_name, slot=settings.task_slot, agent=settings.agent_id
    )
    if not url:
        return {}, []
    try:
        found = await asked(url, settings.assign_timeout_s)
    except (NoAnswer, Unusable) as error:
        return {}, [f"ASSIGN_URL: {urlsplit(url).netloc}: {error}"]
    warnings = [f"ASSIGN_URL: {name} of the assignment has no effect" for name in found.unknown]
    return rules.assigned_variables(settings, found.assignment), warnings
