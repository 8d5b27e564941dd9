"""Where the settings come from: assignment over environment over default. Read at the start, and again on SIGHUP.

The environment of a process does not change while it runs, but the files that ``…_FILE`` variables name do, and so does the
assignment. What changed and can be taken up is taken up; what cannot is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chorus_tui.engine import service_settings
from chorus_tui.engine.ai.configuration import for_role
from chorus_tui.engine.ai.prompts import Prompts
from chorus_tui.engine.settings import Settings, load, variable_of
from chorus_tui.engine.whoosh import rules
from chorus_tui.engine.whoosh.service import Whoosh

RELOADED: Final = frozenset(
    {"role", "expertise", "reports_to", "specialization", "max_tasks", "bootstrap_peers", "log_level"}
)
"""Fields of the settings that an engine takes up while it runs."""
_ABOUT: Final = frozenset({"given", "warnings", "secrets"})
"""Fields that tell of the others."""


@dataclass(frozen=True, slots=True)
class Sources:
    """``environ`` as the process was started with it."""

    kind: Literal["agent", "human"]
    environ: Mapping[str, str]
    prompts: Prompts
    whoosh: Whoosh

    @classmethod
    def of(
        cls, kind: Literal["agent", "human"], environ: Mapping[str, str], settings: Settings, prompts: Prompts
    ) -> Sources:
        """Nothing is read yet."""
        url = service_settings.filled(
            settings.assign_url, service=settings.service_name, slot=settings.task_slot, agent=settings.agent_id
        )
        return cls(kind, environ, prompts, Whoosh(url, settings.assign_timeout_s))

    @property
    def stagger_s(self) -> float:
        """Seconds to wait before the first dial."""
        return rules.stagger_s(self.whoosh.assignment)

    async def settings(self) -> Settings:
        """As they are now. Raises :class:`chorus_tui.engine.settings.SettingsError`."""
        settings = load(self.environ, self.kind)
        await self.whoosh.read()
        return self._under_assignment(settings)

    def as_assigned(self) -> Settings:
        """The same with the assignment that was read last. Raises :class:`chorus_tui.engine.settings.SettingsError`."""
        return self._under_assignment(load(self.environ, self.kind))

    def _under_assignment(self, settings: Settings) -> Settings:
        return for_role(rules.over(settings, self.whoosh.assignment), self.prompts)


def taken_up(before: Settings, now: Settings) -> tuple[Settings, list[str]]:
    """The settings that are in force from now on, and the variables whose new values need a restart. Pure."""
    changed = [
        field.name for field in dataclasses.fields(Settings) if getattr(before, field.name) != getattr(now, field.name)
    ]
    fresh = {name: getattr(now, name) for name in changed if name in RELOADED | _ABOUT}
    later = [variable_of(name) for name in changed if name not in RELOADED | _ABOUT]
    return dataclasses.replace(before, **fresh), sorted(later)
