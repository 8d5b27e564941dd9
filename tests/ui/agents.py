"""Tasks that agents work on, in the states a person wants to see."""

from __future__ import annotations

import json
from typing import Any

from chorus_tui.contract.models import task_result, task_spec, tasks
from tests.ui.fake_engine import IDS, NOW, FakeEngine

TASK = "01ARZ3NDEKTSV4RRFFQ69G5FA5"
PATCH = b'''diff --git a/shop/total.py b/shop/total.py
index 3f1c2aa..9d0e4b1 100644
--- a/shop/total.py
+++ b/shop/total.py
@@ -1,7 +1,5 @@
 def total(amounts):
-    result = 0
-    for amount in amounts[1:]:
-        result += amount
-    return result
+    """Sum of all amounts, the first among them."""
+    return sum(amounts)
 # end
 # of file
diff --git a/shop/share.py b/shop/share.py
index 77aa001..77aa002 100644
--- a/shop/share.py
+++ b/shop/share.py
@@ -3,3 +3,4 @@ def share(amount, people):
+    if not people:
+        raise ValueError("nobody to share with")
     return amount / people
--- a comment, removed
 # end
'''
STEPS = "\n".join(
    json.dumps({"at": NOW - 30 + step, "step": step, "kind": kind, "text": text, **facts})
    for step, kind, text, facts in (
        (0, "system", "You are a developer.", {}),
        (0, "goal", "Make the tests of the shop pass.", {}),
        (1, "answer", json.dumps({"thought": "See what fails first.", "action": "shell", "input": "python3 -m unittest"}), {"provider": "ollama", "model": "small", "prompt_tokens": 900, "answer_tokens": 40}),
        (1, "observation", "exit code 1\nFAILED (failures=1)", {}),
        (1, "word", "you: use the built-in sum", {}),
        (2, "answer", json.dumps({"thought": "", "action": "finish", "input": "The loop left the first amount out; it is a sum now."}), {"provider": "ollama", "model": "small", "prompt_tokens": 1200, "answer_tokens": 60}),
        (2, "end", "The loop left the first amount out; it is a sum now.", {"outcome": "completed", "reason": ""}),
    )
)  # fmt: skip
OUTPUT = (
    "── step 1 of 24 · shell: python3 -m unittest\n   See what fails first.\n"
    "F..\nFAIL: test_sum (test_total.Total.test_sum)\nAssertionError: 5 != 6\nFAILED (failures=1)\n"
    "── step 2 of 24 · shell: sed -n 1,9p shop/total.py\ndef total(amounts):\n    for amount in amounts[1:]:\n"
    "── step 3 of 24 · ask_help: May I use the built-in sum?\n"
)
ASKED = {
    "title": "Make the tests of the shop pass", "goal": "Make the tests of the shop pass.\nDo not change the tests.",
    "checks": ["python3 -m unittest -q", "python3 -m compileall -q shop"], "repository": "https://git.example/shop.git",
    "language": "python", "kind": "code", "deliver": "branch",
}  # fmt: skip
WORDS = [
    tasks.TaskWord(by=IDS[0], name="ada", at=NOW - 12, kind="help", text="May I use the built-in sum?", attempt=1),
    tasks.TaskWord(by=IDS[3], name="you", at=NOW - 6, kind="word", text="Yes, please do"),
]


def agents_task(state: Any, **fields: Any) -> FakeEngine:
    """An engine with one task in this state, ada's agent on it."""
    engine = FakeEngine()
    attempt = tasks.Attempt(
        attempt=1, worker=IDS[0], worker_name="ada", granted_at=NOW - 40, result=fields.get("result")
    )
    known: dict[str, Any] = {
        "task_id": TASK, "title": ASKED["title"], "state": state, "announcer": IDS[3], "announcer_name": "you",
        "announced_at": NOW - 45, "priority": "high", "holder": IDS[0], "holder_name": "ada", "attempt": 1, "seconds": 40.0,
        "spec": task_spec.TaskSpec.model_validate(ASKED), "mesh_id": "3efb9b9c" * 8, "attempts": [attempt], "result": None,
        "confirmed": state in ("completed", "failed"), "announced_delivery": {"stored": True, "sent": True, "held_by": 3},
        "words": WORDS,
    }  # fmt: skip
    engine.tasks = {TASK: tasks.TaskView.model_validate({**known, **fields})}
    engine.output = OUTPUT
    return engine


def under_way(**fields: Any) -> FakeEngine:
    """In its third step."""
    spent = task_result.Spent(seconds=35, steps=3, prompt_tokens=4000, answer_tokens=210, containers=1)
    figures = task_result.Figures(cpu_percent=12, memory_mb=61, disk_mb=3)
    return agents_task("running", **{"spent": spent, "figures": figures, **fields})


def reported(engine: FakeEngine) -> task_result.TaskResult:
    """What the agent said in the end, its change and steps among the engine's blobs."""
    change = task_result.Change(
        base="4e1d" * 10, patch=engine.keep(PATCH), size=len(PATCH), files=2, insertions=4, deletions=5,
        names=["shop/share.py", "shop/total.py"],
    )  # fmt: skip
    return task_result.TaskResult(
        outcome="completed", summary="The loop left the first amount out; it is a sum now.", change=change,
        spent=task_result.Spent(seconds=38, steps=5, prompt_tokens=9000, answer_tokens=412, containers=2), model="ollama/small",
        transcript=engine.keep(STEPS.encode()), phases={"running": 38.2}, held_by=2,
    )  # fmt: skip


def ended(state: str, shown: str, **fields: Any) -> FakeEngine:
    """With a change, and checks that another member ran."""
    blobs = FakeEngine()
    result = reported(blobs)
    code = 0 if shown == "passed" else 1
    checks = [task_result.CommandResult(command=ASKED["checks"][0], exit_code=code, seconds=0.4)]
    if code == 0:
        checks.append(task_result.CommandResult(command=ASKED["checks"][1], exit_code=0, seconds=0.1))
    verification = tasks.Verification(
        state=shown, by=IDS[1], by_name="grace", at=NOW - 3, checks=checks,  # type: ignore[arg-type]
        output_tail="" if code == 0 else "FAIL: test_share (test_share.Share)\nAssertionError: 2 != 3\n\nFAILED (failures=1)\n",
    )  # fmt: skip
    engine = agents_task(state, **{"result": result, "spent": result.spent, "verification": verification, **fields})
    engine.blobs = blobs.blobs
    return engine


def verified() -> FakeEngine:
    """Both checks passed, the branch was pushed."""
    place = tasks.Delivered(
        by=IDS[0], name="ada", at=NOW - 1, where="https://git.example/shop.git", ref="chorus/01ARZ3ND", commit="9f" * 20
    )
    return ended("completed", "passed", delivered=[place], subtasks=["01ARZ3NDEKTSV4RRFFQ69G5FA6"])


def refuted() -> FakeEngine:
    """The agent says it is done, the first check failed."""
    engine = ended("failed", "failed", detail="not verified: check 1 of 2 ended with exit code 1", result=None)
    result = reported(engine)
    view = engine.tasks[TASK]
    attempts = [view.attempts[0].model_copy(update={"result": result, "ended": "failed"})]
    engine.tasks[TASK] = view.model_copy(update={"attempts": attempts})
    return engine
