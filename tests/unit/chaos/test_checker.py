"""Every check finds the lie that it is there for, and nothing in a true history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.chaos.checker import CHECKS, untrue
from tests.unit.chaos.story import TASK, Story, true_story

Lie = Callable[[Story], None]
OTHER = "01J00000000000000000000001"


def forged_feed(story: Story) -> None:
    story.exports["ada"] = [line.replace("task_announcement", "task_announcemenT") for line in story.exports["ada"]]


def forged_decision(story: Story) -> None:
    story.decide("task_failed", {"task_id": OTHER}, by="mallory")


def forked_log(story: Story) -> None:
    last = story._ends[story.mesh]
    story.decide("parameters_set", {"lease_s": 1}, among=("ada", "ben"))
    story._ends[story.mesh] = last
    story.decide("parameters_set", {"lease_s": 2}, among=("cleo",))


def short_log(story: Story) -> None:
    story.decide("parameters_set", {"lease_s": 1}, among=("ada", "ben"))


def unequal_feeds(story: Story) -> None:
    story.say("cleo", "goodbye", {}, among=("cleo", "ben"))


def two_leaders_on_screens(story: Story) -> None:
    story.status("cleo", admin="ben")


def two_leaders_in_logs(story: Story) -> None:
    story.decide("term_opened", {"admin": story.ids["ada"]}, term=2, by="ada")
    story.status("ben", admin="ben", term=2)


def accepted_again(story: Story) -> None:
    result = story.say("ben", "task_complete", {"mesh_id": story.mesh, "task_id": TASK, "attempt": 2})
    story.decide("task_accepted", {"task_id": TASK, "attempt": 2, "entry": {"hash": result}})


def accepted_elsewhere(story: Story) -> None:
    mesh = story.found("ben")
    story.decide("absorbed_by", {"mesh_id": story.mesh}, by="ben", mesh=mesh)
    said = {"mesh_id": mesh, "task_id": OTHER, "continues": TASK, "continues_mesh": story.mesh}
    story.say("ben", "task_announcement", said)
    result = story.say("ben", "task_complete", {"mesh_id": mesh, "task_id": OTHER, "attempt": 1})
    story.decide("task_accepted", {"task_id": OTHER, "attempt": 1, "entry": {"hash": result}}, by="ben", mesh=mesh)


def forgotten_task(story: Story) -> None:
    story.say("ben", "task_announcement", {"mesh_id": story.mesh, "task_id": OTHER})


def failed_on_a_screen(story: Story) -> None:
    story.show("cleo", "tasks", {"tasks": [{"task_id": TASK, "state": "failed"}]})


def completed_in_another_mesh(story: Story) -> None:
    story.task("cleo", "completed", mesh="f" * 64)
    story.record[-1]["said"]["attempts"] = []


def result_of_nothing(story: Story) -> None:
    story.decide("task_accepted", {"task_id": OTHER, "attempt": 1, "entry": {"hash": "e" * 64}})


def completed_then_running(story: Story) -> None:
    story.task("ben", "running")


def worker_without_grant(story: Story) -> None:
    story.task("ada", "running", worker="ben", attempt=2)


def index_too_high(story: Story) -> None:
    story.status("cleo", index=6)


def answer_too_high(story: Story) -> None:
    story.status("ada")
    story.show("ada", "cli", {"index": 9, "note": ""}, command=["members", "grant"], code=0)


def lost_announcement(story: Story) -> None:
    story.show("ben", "cli", {"task_id": OTHER}, command=["task", "announce"], code=0)


def lost_entry(story: Story) -> None:
    story.journal("ben", "d" * 64, 0)


def held_by_too_many(story: Story) -> None:
    digest = story.say("ben", "goodbye", {}, among=("ben", "ada"))
    story.journal("ben", digest, 2)


def received_by_none(story: Story) -> None:
    digest = story.say("ben", "goodbye", {}, among=("ben", "ada"))
    story.journal("ben", digest, 1, "cleo")


def announcement_held_by_too_many(story: Story) -> None:
    story.task("ben", "completed")
    story.record[-1]["said"]["announced_delivery"] = {"stored": True, "held_by": 3}


def connected_for_ever(story: Story) -> None:
    story.show("", "fault", {"fault": "cut one way", "who": ["ada", "|", "ben"]})
    story.show("ben", "peers", {"peers": [{"peer_id": story.ids["ada"], "state": "connected"}]})
    story.record[-1]["at"] += 60


LIES: list[tuple[str, Lie]] = [
    ("broken_export", forged_feed),
    ("broken_export", forged_decision),
    ("differing_logs", forked_log),
    ("differing_logs", short_log),
    ("differing_feeds", unequal_feeds),
    ("two_admins", two_leaders_on_screens),
    ("two_admins", two_leaders_in_logs),
    ("accepted_twice", accepted_again),
    ("accepted_twice", accepted_elsewhere),
    ("never_ended", forgotten_task),
    ("shown_ended", failed_on_a_screen),
    ("shown_ended", completed_in_another_mesh),
    ("result_unknown", result_of_nothing),
    ("changed_end", completed_then_running),
    ("shown_granted", worker_without_grant),
    ("shown_decided", index_too_high),
    ("shown_decided", answer_too_high),
    ("stored_and_lost", lost_announcement),
    ("stored_and_lost", lost_entry),
    ("shown_held", held_by_too_many),
    ("shown_held", received_by_none),
    ("shown_held", announcement_held_by_too_many),
    ("connected_across_a_cut", connected_for_ever),
]


@pytest.mark.parametrize(("check", "lie"), LIES, ids=[lie.__name__ for _, lie in LIES])
def test_a_planted_lie_is_found(check, lie):
    """One lie in a true history is found by the check that is there for it."""
    story = true_story()
    lie(story)

    assert check in {found.partition(":")[0] for found in untrue(story.history())}


@pytest.mark.parametrize("end", ["mend one way", "heal"])
def test_who_is_joined_again_may_be_shown_connected(end):
    """A cut counts from its begin to what ends it, whether that ends all cuts or this one."""
    story = true_story()
    story.show("", "fault", {"fault": "cut one way", "who": ["ada", "|", "ben"]})
    story.show("", "fault", {"fault": end, "who": [] if end == "heal" else ["ada", "|", "ben"]})
    story.show("ben", "peers", {"peers": [{"peer_id": story.ids["ada"], "state": "connected"}]})
    story.record[-1]["at"] += 60

    assert untrue(story.history()) == []


def test_every_check_has_a_planted_lie():
    """A check that nothing turned red proves nothing."""
    assert {check.__name__ for check in CHECKS} == {name for name, _ in LIES}


def test_a_true_history_has_no_lie():
    """Nothing is found where nothing is wrong."""
    assert untrue(true_story().history()) == []


def test_who_is_gone_may_hold_what_nobody_else_does():
    """A copy on a disk that is gone for good was held when it was shown so."""
    story = true_story()
    story.gone = {"cleo"}
    del story.exports["cleo"]

    assert untrue(story.history()) == []


def test_what_a_given_up_mesh_decided_afterwards_does_not_count():
    """A result accepted by the lost side of a mesh that was founded anew is not an acceptance of the new one."""
    story = true_story()
    known, head = story._ends[story.mesh]
    story.say("ben", "task_announcement", {"mesh_id": story.mesh, "task_id": OTHER})
    late = story.say("cleo", "task_complete", {"mesh_id": story.mesh, "task_id": OTHER, "attempt": 1})
    story.decide("task_accepted", {"task_id": OTHER, "attempt": 1, "entry": {"hash": late}}, among=("cleo",))
    mesh = story.found("ben", refounds={"mesh_id": story.mesh, "index": known, "head": head})
    goes_on = {"mesh_id": mesh, "task_id": OTHER[:-1] + "2", "continues": OTHER, "continues_mesh": story.mesh}
    story.say("ben", "task_announcement", goes_on)
    result = story.say("ben", "task_complete", {"mesh_id": mesh, "task_id": goes_on["task_id"], "attempt": 1})
    end = {"task_id": goes_on["task_id"], "attempt": 1, "entry": {"hash": result}}
    story.decide("task_accepted", end, by="ben", mesh=mesh)

    assert untrue(story.history()) == []


def test_a_mesh_of_one_that_dissolved_is_missed_by_nobody():
    """What a founder left alone, before it joined the others, need not be in their exports."""
    story = true_story()
    story.found("ben", among=("ben",))

    assert untrue(story.history()) == []
