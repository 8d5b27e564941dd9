"""Members whose client was changed announce something else under the id of a task: what was approved runs, or nothing does."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.contract.models.inbox import AnswerItem
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import CancelTask, JudgeTask
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.control.interface import Refused
from chorus_tui.engine.inbox.service import InboxService
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.protocol import envelope
from chorus_tui.engine.tasks import ids
from chorus_tui.engine.tasks.inbox import TaskInbox
from chorus_tui.engine.tasks.task import Task
from tests.simulation.engines import Peer, until
from tests.simulation.shop import Shop, decisions, shop
from tests.simulation.test_hands import with_people

EVIL = TaskSpec(title="evil", commands=["sleep 7"], allowed_hosts=["example.com"], approval="always", approvals=2)
HARMLESS = TaskSpec(title="harmless", commands=["sleep 5"], approval="always", approvals=2)
TASK = ids.ulid(1_700_000_000.0, b"\1" * 10)
SWAPS = {
    "same author, an epoch before": ("a", "a", "0" * 32),
    "same author, an epoch after": ("a", "a", "f" * 32),
    "another author": ("a", "b", "0" * 32),
    "and the other way round": ("b", "a", "0" * 32),
}
"""Who announces what is harmless; who announces something else under its id, and in which epoch."""


def forged(who: Peer, spec: TaskSpec, epoch: str) -> Heard:
    """A well-signed announcement of this peer, in an epoch of its choice."""
    data = {"task_id": TASK, "mesh_id": who.control.mesh_id, "spec": spec.model_dump(), "on_behalf_of": ""}
    now = SystemClock().wall()
    letter, hlc = envelope.make("task_announcement", who.peer_id, data, now), f"{int(now * 1000)}:0:x"
    return readable(
        envelope.seal(letter, "CHORUS/coordination/v1", who.identity, epoch=epoch, seq=0, prev=None, hlc=hlc)
    )


async def say(made: Shop, announcement: Heard) -> None:
    """Everybody hears it."""
    for peer in made.at.peers.values():
        await peer.journal.accept([announcement], peer.peer_id)
    hash_ = announcement.entry.hash
    await until("all have it", lambda: all(hash_ in task.announcements for task in boards(made)))


def boards(made: Shop) -> list[Task]:
    return [service.board.task((service.parts.control.mesh_id, TASK)) for service in made.services.values()]


def ran(made: Shop) -> list[str]:
    return [title for executor in made.executors.values() for title in executor.ran]


async def agree(made: Shop, *people: str) -> None:
    for name in people:
        await made.services[name].approving.approve(JudgeTask(task_id=TASK), None)


def refused_as(caught: pytest.ExceptionInfo[Problem], words: str) -> bool:
    return words in f"{caught.value.title} {caught.value.detail}"


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("when", ["between two approvals", "after the grant", "after the end"])
async def test_what_people_agreed_to_is_what_runs_and_what_is_told(autojump_clock, swap, when):
    """However another announcement comes under its id once somebody agreed: that one runs, once; every board tells of it and
    of the other; a word on the other is refused by the own engine and by the admin."""
    honest, liar, epoch = SWAPS[swap]
    async with shop(44, "a", "b") as made:
        await with_people(made, "p", "q")
        await say(made, forged(made.at.peers[honest], HARMLESS, "8" * 32))
        evil = forged(made.at.peers[liar], EVIL, epoch)
        await agree(made, "p")
        if when == "between two approvals":
            await say(made, evil)
            control, approving = made.at.peers["q"].control, made.services["q"].approving
            about_evil = {"task_id": TASK, "announcement": evil.entry.hash, "reason": ""}
            with pytest.raises(Problem) as looked_at_another:
                await approving.approve(JudgeTask(task_id=TASK, announcement=evil.entry.hash), None)
            for word in (about_evil, {"task_id": TASK, "reason": ""}):
                with pytest.raises(Refused, match="another announcement"):
                    await control.request("task_approved", word)
            assert refused_as(looked_at_another, "not the one you looked at")
        await agree(made, "q")
        if when == "after the grant":
            await until("it is granted", lambda: all(task.grants for task in boards(made)))
            await say(made, evil)
        view = await made.ended("a", TASK)
        if when == "after the end":
            await say(made, evil)
        await trio.sleep(30)

        assert (ran(made), view.state) == (["harmless"], "completed")
        for name in made.services:
            seen = await made.state(name, TASK)
            assert (seen.title, len(seen.attempts), [word.name for word in seen.approvals]) == (
                "harmless",
                1,
                ["p", "q"],
            )
            assert [(one.title, one.author) for one in seen.other_announcements] == [
                ("evil", made.at.peers[liar].peer_id)
            ]


@pytest.mark.parametrize("swap", SWAPS)
async def test_announced_twice_before_anybody_agreed_nothing_runs_and_all_say_why(autojump_clock, swap):
    """Nobody can agree to it, not in the inbox either; every board says why, and that the other was seen; whoever announced it
    can end it, and what ended stays what it was."""
    honest, liar, epoch = SWAPS[swap]
    async with shop(45, "a", "b") as made:
        await with_people(made, "p", "q")
        await say(made, forged(made.at.peers[honest], HARMLESS, "8" * 32))
        service = made.services["p"]
        inbox = InboxService([TaskInbox(service)], EventBus(), service.parts.clock).handlers()
        (item,) = (await inbox["inbox.list"](None, None)).inbox
        await say(made, forged(made.at.peers[liar], EVIL, epoch))
        with pytest.raises(Problem):
            await inbox["inbox.answer"](AnswerItem(item_id=item.item_id, choice="approve", version=item.version), None)
        with pytest.raises(Problem) as unknown:
            await agree(made, "p")
        await trio.sleep(60)
        seen = [await made.state(name, TASK) for name in made.services]
        ended = await made.services[honest].announcing.cancel(CancelTask(task_id=TASK), None)
        await say(made, forged(made.at.peers[liar], EVIL, "1" * 32))
        await trio.sleep(10)

        assert refused_as(unknown, "two different announcements")
        assert (await inbox["inbox.list"](None, None)).inbox == []
        assert {view.state for view in seen} == {"waiting"}
        assert all("two different announcements" in view.detail for view in seen)
        assert all(len(view.other_announcements) == 1 for view in seen)
        assert ended.state == "cancelled"
        assert {(await made.state(name, TASK)).announcement for name in made.services} == {ended.announcement}
        assert ran(made) == []
        assert [type_ for type_, _ in decisions(made.at.peers["a"])] == ["task_cancelled"]


async def test_an_auto_task_announced_twice_is_what_was_granted_first(autojump_clock):
    """Nobody has to agree to it: what the admin granted stays what it is, whatever is announced under its id."""
    async with shop(46, "a", "b") as made:
        auto = {"approval": "auto", "allowed_hosts": []}
        await say(made, forged(made.at.peers["a"], HARMLESS.model_copy(update=auto), "8" * 32))
        await until("it is granted", lambda: all(task.grants for task in boards(made)))
        await say(made, forged(made.at.peers["a"], EVIL.model_copy(update=auto), "0" * 32))
        view = await made.ended("b", TASK)

        assert (ran(made), view.title, view.state) == (["harmless"], "harmless", "completed")
