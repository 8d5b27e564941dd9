"""What signed entries show of the end of a task, beside what the admin decided. Pure.

Results that lost: said by somebody, signed, kept, and not what the mesh accepted. They show that work was done twice, or too late, or by
somebody who had no grant. They never make a task done. And an acceptance that what it names does not bear: the admin's word alone.
"""

from __future__ import annotations

from chorus_tui.engine.tasks.task import Grant, Reported, Task


def lost(task: Task) -> list[tuple[Reported, str]]:
    """Each such result with the reason why it does not count, oldest first."""
    found = [(said, why) for said in task.said.values() if (why := _why(task, said))]
    return sorted(found, key=lambda item: (item[0].at_ms, item[0].cite["hash"]))


def _why(task: Task, said: Reported) -> str:
    """Empty for the result that counts, that waits to be accepted, or that ended its own attempt as it should."""
    if task.accepted_cite is not None and said.cite == task.accepted_cite:
        return ""
    grant = next((grant for grant in task.grants if grant.attempt == said.attempt), None)
    if grant is None:
        return f"attempt {said.attempt} was never granted"
    if grant.worker != said.author:
        return f"attempt {said.attempt} was granted to another"
    first = task.reports.get((said.attempt, said.author))
    if first is not None and first.cite != said.cite:
        return "its author had already reported on this attempt"
    return _too_late(task, grant, said)


def _too_late(task: Task, grant: Grant, said: Reported) -> str:
    if not grant.ended or (grant.ended == "released" and said.result.outcome == "error"):
        return ""
    if grant.ended == "expired":
        why = f"the lease of attempt {grant.attempt} had run out"
    elif grant.ended == "released":
        why = f"attempt {grant.attempt} had been given back"
    else:
        why = f"the task had ended: {task.terminal}"
    done = task.accepted
    return f"{why}; attempt {done.attempt} was accepted" if done and done.attempt != grant.attempt else why


def unproven(task: Task) -> str:
    """Why a task that was accepted is not shown to be done by what its acceptance names; empty when it is, or was not accepted.

    What has not reached this peer yet says nothing against it, but for a check that is not even named.
    """
    if task.terminal != "completed":
        return ""
    announced, accepted, check = task.announced, task.accepted, task.check
    grant = next((grant for grant in task.grants if grant.ended == "accepted"), None)
    if accepted is not None and accepted.result.outcome != "completed":
        return f"its worker says {accepted.result.outcome}"
    if accepted is not None and grant is not None and accepted.attempt != grant.attempt:
        return f"the result that was accepted is of attempt {accepted.attempt}"
    if announced is None or announced.erased or not announced.spec.checks:
        return ""
    if task.check_cite is None:
        return "its checks were not run"
    if check is not None and (check.said.verdict != "passed" or check.result != (task.accepted_cite or {}).get("hash")):
        return "its checks did not pass on this result"
    return ""
