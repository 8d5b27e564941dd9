"""What others wrote, field by field: each taken as what it should be; what is something else, or of no known name, is left over. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

MOST_CHARACTERS: Final = 2_000
"""Of one value that is shown as it was written."""


class Given:
    """The fields of an object. Taking one never fails: what is not of its kind stays in :attr:`left`, for whoever shows the rest."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.left: dict[str, Any] = dict(fields)

    def text(self, name: str) -> str:
        """Words; empty where there are none."""
        return self.left.pop(name) if isinstance(self.left.get(name), str) else ""

    def flag(self, name: str) -> bool:
        """Yes or no; no where neither is said."""
        return self.left.pop(name) if isinstance(self.left.get(name), bool) else False

    def number(self, name: str) -> int | float | None:
        """A number, or None."""
        value = self.left.get(name)
        return self.left.pop(name) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def count(self, name: str) -> int:
        """A whole number; 0 where none is said."""
        value = self.left.get(name)
        return self.left.pop(name) if isinstance(value, int) and not isinstance(value, bool) else 0

    def words(self, name: str) -> list[str]:
        """Several texts."""
        value = self.left.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return []
        found: list[str] = self.left.pop(name)
        return found

    def inner(self, name: str) -> Given:
        """An object in it; an empty one where there is none."""
        value = self.left.get(name)
        return Given(self.left.pop(name) if isinstance(value, dict) else {})

    def rows(self, name: str) -> list[Given]:
        """Several objects."""
        value = self.left.get(name)
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            return [Given(one) for one in self.left.pop(name)]
        return []

    def nothing(self, *names: str) -> None:
        """Forget those of these that say nothing: no value, no words, an empty list."""
        for name in names:
            if name in self.left and self.left[name] in (None, "", [], {}):
                del self.left[name]


def written(value: Any) -> str:
    """A value as it was written, in one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
