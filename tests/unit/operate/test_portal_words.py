"""The last words of a portal that did not come up."""

from __future__ import annotations

import pytest

from chorus_tui.engine.runtime.portals.service import LAST_WORDS, _last_words
from chorus_tui.engine.shhh.redactor import Redactor

SECRET = "wJa1rXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEkeyQ"
LINE = f"aws_secret_access_key = {SECRET}"


@pytest.mark.parametrize("offset", range(0, len(LINE) + 2, 3))
def test_the_last_words_hold_no_part_of_a_secret(tmp_path, offset):
    """The answer is redacted as it is given, and a line that has lost its name would not be known: it is left out."""
    log = tmp_path / "portal.log"
    log.write_text(f"began\n{LINE}\n" + "x" * (LAST_WORDS - len(LINE) + offset - 1))
    shown = Redactor([]).text(_last_words(log))

    assert shown.endswith("xxx")
    assert not [part for at in range(len(SECRET) - 7) if (part := SECRET[at : at + 8]) in shown]
