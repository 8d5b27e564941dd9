"""The only voter is gone for good: everything says what that means, and a person mends it."""

from __future__ import annotations

import pytest

from tests.chaos.record import watched
from tests.integration.system.peers import eventually


@pytest.mark.slow
def test_a_mesh_of_two_whose_only_voter_is_gone(hurt):
    """Status, election status and task list of the other say that nothing is decided and why; refounding makes a mesh that
    decides again, the open task goes on in it, and nothing shown was untrue."""
    hurt.grow("ada", "ben", CHORUS_ELECTION_PROFILE="fast")
    ben = hurt.peers["ben"]
    with watched(hurt.record, hurt.peers, hurt.ids):
        early = announce(hurt)
        eventually("it is done", lambda: ben.task(early)["state"] == "completed", 40)
        hurt.kill("ada")
        late = announce(hurt)
        eventually("no admin is heard", lambda: ben.status()["mesh_state"] == "no_admin", 40)

        status, election = hurt.ask("ben", "status"), hurt.ask("ben", "election", "status")
        row = next(row for row in hurt.ask("ben", "task", "list")["tasks"] if row["task_id"] == late)
        assert "ada is the only voter and has not been heard" in status["mesh_detail"]
        assert not status["admin"]["reachable"]
        assert "nothing is decided" in election["meaning"]
        assert "chorus-tui election refound" in election["meaning"]
        assert (row["state"], row["detail"]) == (
            "waiting",
            "no admin is in reach: it is stored and will be granted when there is one",
        )

        old = status["mesh_id"]
        made = hurt.ask("ben", "election", "refound", "--confirm", old[:8])
        assert made["old"] == old
        eventually("it leads", lambda: hurt.admin("ben"))
        hurt.quiet()

    following = hurt.ask("ben", "task", "show", hurt.ask("ben", "task", "show", late)["continued_as"] or late)
    assert (following["state"], following["mesh_id"]) == ("completed", made["mesh_id"])
    assert hurt.ask("ben", "task", "show", early)["state"] == "completed"
    assert hurt.verdict("ada") == []


def announce(mesh):
    """A tiny task; its id."""
    return mesh.ask("ben", "task", "announce", "--title", "tiny", "--command", "true")["task_id"]
