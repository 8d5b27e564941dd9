"""What others wrote, as a model is shown it: JSON in one line, out of which no text can break. Pure.

A line break, or a mark by which a model's own template tells one role from another, is what could make words look like those
of somebody else. None is left as it was; JSON reads them back unchanged.
"""

from __future__ import annotations

import json
import re
from typing import Any

_BREAKS = re.compile(r"[<\x7f-\x9f\u2028\u2029]|\[(?=/?[A-Z_]+\])")
"""What JSON leaves in a text and lines or templates are made of: ``<|im_start|>``, ``</s>``, ``[INST]``. Outside of texts JSON has none."""


def quoted(value: Any) -> str:
    """``value`` in one line."""
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
