"""Tasks, and what is done to them by hand."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
    Operation("tasks.announce", "POST", "/api/v1/tasks", "tasks.AnnounceTask", "tasks.TaskRef", _O, "Announce a task to the mesh"),
    Operation("tasks.list", "GET", "/api/v1/tasks", "tasks.ListTasks", "tasks.TaskList", _R, "Tasks, newest first"),
    Operation(
        "tasks.show", "GET", "/api/v1/tasks/{task_id}", "tasks.TaskRef", "tasks.TaskView", _R,
        "One task: state, attempts, result, evidence",
    ),
    Operation(
        "tasks.wait", "GET", "/api/v1/tasks/{task_id}/wait", "tasks.WaitTask", "tasks.TaskView", _R,
        "Wait until a task has ended, or the time is over",
    ),
    Operation(
        "tasks.output", "GET", "/api/v1/tasks/{task_id}/output", "tasks.ReadOutput", "tasks.OutputChunk", _R,
        "Output of a task as received here",
    ),
    Operation(
        "tasks.cancel", "POST", "/api/v1/tasks/{task_id}/cancel", "tasks.CancelTask", "tasks.TaskView", _O,
        "Cancel a task; its container is gone within 5 s",
    ),
    Operation(
        "tasks.say", "POST", "/api/v1/tasks/{task_id}/say", "tasks.SayToTask", "tasks.TaskView", _O,
        "A word in a task's thread; its agent reads it before its next step",
    ),
    Operation(
        "tasks.pause", "POST", "/api/v1/tasks/{task_id}/pause", "tasks.SteerTask", "tasks.TaskView", _O,
        "Let the agent on a task wait before its next step",
    ),
    Operation(
        "tasks.resume", "POST", "/api/v1/tasks/{task_id}/resume", "tasks.SteerTask", "tasks.TaskView", _O,
        "Let a paused agent go on",
    ),
    Operation(
        "tasks.stop", "POST", "/api/v1/tasks/{task_id}/stop", "tasks.SteerTask", "tasks.TaskView", _O,
        "End the work of an agent; what it has done is its result",
    ),
    Operation("tasks.claim", "POST", "/api/v1/tasks/{task_id}/claim", "tasks.ClaimTask", "tasks.TaskView", _O, "Take a task by hand"),
    Operation(
        "tasks.submit", "POST", "/api/v1/tasks/{task_id}/submit", "tasks.SubmitTask", "tasks.TaskView", _O,
        "The result of a task that was taken by hand",
    ),
    Operation(
        "tasks.release", "POST", "/api/v1/tasks/{task_id}/release", "tasks.ReleaseTask", "tasks.TaskView", _O,
        "Give back a task that was taken by hand",
    ),
    Operation(
        "tasks.retry", "POST", "/api/v1/tasks/{task_id}/retry", "tasks.RetryTask", "tasks.TaskRef", _O,
        "Announce an ended task again, as a new attempt",
    ),
    Operation(
        "tasks.approve", "POST", "/api/v1/tasks/{task_id}/approve", "tasks.JudgeTask", "tasks.TaskView", _O,
        "Agree to a task that waits for approval",
    ),
    Operation(
        "tasks.deny", "POST", "/api/v1/tasks/{task_id}/deny", "tasks.JudgeTask", "tasks.TaskView", _O,
        "Refuse a task that waits for approval",
    ),
)  # fmt: skip
