"""What is not proven, or does not count, is said on the screen and by the command line alike."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from chorus_tui.cli.decide import print_decision
from chorus_tui.cli.hmmm import _print_line
from chorus_tui.cli.patch_views import print_patch
from chorus_tui.screens import decision_view, hmmm_lines, patch_view
from tests.ui import patches, rooms, votes
from tests.ui.fake_engine import NOW, FakeEngine


def drawn(*shown) -> str:
    """As text, without breaks that a narrow terminal makes."""
    console = Console(file=StringIO(), width=400)
    for one in shown:
        console.print(one)
    return console.file.getvalue()


def test_what_counts_by_the_admins_word_is_not_called_proven(capsys):
    """Beside the tally, apart from what is proven against it."""
    word = "ada is counted with 'approve' as the admin states: its text was erased"
    view = votes.one(0, "passed", [], (3, 0, 0), unproven=[word])
    print_decision(view)

    assert f"Unproven: {word}" in capsys.readouterr().out
    assert word in drawn(decision_view.detail(view, NOW))
    assert "against the admin" not in drawn(decision_view.detail(view, NOW))


def test_a_vote_that_does_not_count_for_a_patch_stands_beside_it_with_why(capsys):
    """Its id leads to it; how the patch stands is told without it."""
    idle = {"decision_id": "01J", "entry": "0" * 64, "state": "rejected", "why": "it names 1 of the 3 that may vote"}
    view = patches.one(FakeEngine(), 0, "submitted", idle_votes=[idle])
    print_patch(view)
    said = "01J (rejected) does not count for it: it names 1 of the 3 that may vote"

    assert f"Vote {said}" in capsys.readouterr().out
    assert said in drawn(*patch_view.about(view, NOW))


def test_what_is_said_of_ones_silence_is_the_proposers_word(capsys):
    """And where one knows better, that stands there too."""
    for silence, said in (
        ("stated", "says that you agreed by silence"),
        ("late", "says that you agreed by silence; it had not reached you in time"),
    ):
        line = rooms.line(6, 1, "update", "Agreed: held by you", intent="closing", silence=silence)
        _print_line(line, NOW)

        assert said in capsys.readouterr().out
        assert said in drawn(hmmm_lines.message(line, NOW))
