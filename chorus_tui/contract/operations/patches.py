"""Patches: made, reviewed, submitted, applied."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O = Scope.READ, Scope.OPERATE

OPERATIONS: tuple[Operation, ...] = (
    Operation("patches.list", "GET", "/api/v1/patches", "patches.ListPatches", "patches.PatchList", _R, "Patches, open ones first"),
    Operation(
        "patches.show", "GET", "/api/v1/patches/{patch_id}", "patches.PatchRef", "patches.PatchView", _R,
        "One patch: files, reviews, vote, where it was applied",
    ),
    Operation(
        "patches.diff", "GET", "/api/v1/patches/{patch_id}/diff", "patches.ReadDiff", "patches.DiffChunk", _R,
        "A range of the diff of a patch",
    ),
    Operation("patches.create", "POST", "/api/v1/patches", "patches.CreatePatch", "patches.PatchView", _O, "Make a patch of a diff"),
    Operation(
        "patches.from_task", "POST", "/api/v1/patches/from-task", "patches.PatchFromTask", "patches.PatchView", _O,
        "Make a patch of what a task has changed",
    ),
    Operation(
        "patches.stage", "POST", "/api/v1/patches/stage", "patches.StagePiece", "patches.Staged", _O,
        "Bring a piece of a diff that is too long for one request",
    ),
    Operation(
        "patches.preview", "POST", "/api/v1/patches/preview", "patches.PreviewPatch", "patches.PatchPreview", _O,
        "What a patch of a diff would be, and which lines carry secrets",
    ),
    Operation(
        "patches.review", "POST", "/api/v1/patches/{patch_id}/review", "patches.ReviewPatch", "patches.PatchView", _O,
        "A word on a patch, with comments at its lines",
    ),
    Operation(
        "patches.submit", "POST", "/api/v1/patches/{patch_id}/submit", "patches.SubmitPatch", "patches.PatchView", _O,
        "Put a patch forward, to be voted on or applied",
    ),
    Operation(
        "patches.vote", "POST", "/api/v1/patches/{patch_id}/vote", "patches.VotePatch", "patches.PatchView", _O,
        "Put a submitted patch to the vote",
    ),
    Operation(
        "patches.withdraw", "POST", "/api/v1/patches/{patch_id}/withdraw", "patches.WithdrawPatch", "patches.PatchView", _O,
        "Take a patch back",
    ),
    Operation(
        "patches.applied", "POST", "/api/v1/patches/{patch_id}/applied", "patches.PatchApplied", "patches.PatchView", _O,
        "Tell that a patch was applied, and where",
    ),
    Operation(
        "patches.write", "POST", "/api/v1/patches/{patch_id}/write", "patches.WriteContext", "patches.Written", _O,
        "Apply a context patch: write the new version of its document",
    ),
)  # fmt: skip
