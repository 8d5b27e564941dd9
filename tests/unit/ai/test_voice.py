"""What a voice is told is redacted before its middle is left out."""

from __future__ import annotations

import pytest

from chorus_tui.engine.ai.voice import MATERIAL_BYTES, Voice
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.shhh.redactor import Redactor
from tests.unit.ai.scripted import Script

SECRET = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
LINE = f"\naws_secret_access_key = {SECRET}\n"


@pytest.mark.parametrize("offset", range(0, len(LINE) + 1, 3))
@pytest.mark.parametrize("edge", ["where the beginning ends", "where the end begins"])
async def test_of_its_material_a_model_sees_no_part_of_a_secret(edge, offset):
    """Wherever the edge of what is left out lies in it."""
    half = MATERIAL_BYTES // 2
    first = "x" * (half - offset) + LINE
    last = LINE + "x" * (half - len(LINE) + offset)
    models = Script(["{}"])
    material = first + "y" * MATERIAL_BYTES if edge == "where the beginning ends" else "y" * MATERIAL_BYTES + last
    await Voice(models, str, "", SystemClock(), Redactor([]).text).answer("say", material, {})
    shown = models.asked[0].messages[-1].content

    assert "bytes left out" in shown
    assert not [part for at in range(len(SECRET) - 7) if (part := SECRET[at : at + 8]) in shown]
