"""What the plain portal hears while an engine comes and goes."""

from __future__ import annotations

from chorus_tui.cli.following import Following
from chorus_tui.cli.session import Target
from tests.integration.doors.served import serve
from tests.support.patience import PATIENCE


def test_who_watches_is_told_when_the_engine_goes_and_when_it_is_back(tmp_path):
    """Nothing happens, says a silence. So an engine that is gone is told, once, and its return."""
    data = tmp_path / "data"
    with serve(data):
        following = Following(Target(data_dir=str(data)))
        following.start()
        assert following.ready() == ""
    gone = following.next(20 * PATIENCE) or ""
    with serve(data):
        back = following.next(20 * PATIENCE)

    assert "It is looked for" in gone
    assert back == "The engine is there again"
