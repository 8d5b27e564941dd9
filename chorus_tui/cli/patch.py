"""``chorus-tui patch …``: make a change into a patch, review, submit, vote, apply."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Session, complain, engine_command, page_options

if TYPE_CHECKING:
    from chorus_tui.contract.models.patches import Comment, PatchView

KINDS = ("code", "config", "docs", "context")


@click.group()
def patch() -> None:
    """Make a change into a patch, review, submit, vote, apply. IDs may be shortened to their beginning."""


@patch.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--repo",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The work tree. Default: this folder.",
)
@click.option("--title", default="", help="What it is called, in a line.")
@click.option("--message", default="", help="What it does, and why.")
@click.option("--type", "kind", type=click.Choice(KINDS), default="code", show_default=True, help="What it changes.")
@click.option("--project", "project_id", default="", help="The project it belongs to.")
@click.option("--task", "task_id", metavar="TASK_ID", help="Of what this task has changed, instead of files.")
@click.option("--ucxl", "address", metavar="ADDRESS", help="Of this document; FILE holds its new text.")
@click.option("--revises", "supersedes", default="", metavar="ID", help="A new revision of this patch of your own.")
@engine_command
async def new(
    session: Session, files: tuple[Path, ...], repo: Path | None, task_id: str | None, address: str | None, supersedes: str,
    **words: str,
) -> None:  # fmt: skip
    """Make a patch of FILES of a work tree, of a task, or of a document; prints its id.

    Without FILES: of all tracked files that differ from HEAD. New files are named to be taken.
    """
    if task_id is not None:
        view = await _of_task(session, task_id, words, files)
    elif address is not None:
        view = await _of_document(session, address, words, files, supersedes)
    else:
        view = await _of_files(session, words, files, repo or Path(), supersedes)
    session.show(view, _print_id)


async def _of_task(session: Session, task_id: str, words: dict[str, str], files: tuple[Path, ...]) -> PatchView:
    from chorus_tui.contract.models.patches import PatchFromTask

    if files:
        raise click.UsageError("--task takes no FILES: what the task has changed is the patch.")
    request = {"task_id": task_id, **{name: words[name] for name in ("title", "message", "kind")}}
    view: PatchView = await session.ask("patches.from_task", PatchFromTask.model_validate(request))
    return view


async def _of_document(
    session: Session, address: str, words: dict[str, str], files: tuple[Path, ...], supersedes: str
) -> PatchView:  # fmt: skip
    from chorus_tui.contract.models.patches import CreatePatch

    if len(files) != 1:
        raise click.UsageError("--ucxl takes one FILE: the new text of the document.")
    try:
        content = files[0].read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"{files[0]} is no text (UTF-8).") from None
    given = {**words, "kind": "context", "address": address, "content": content, "supersedes": supersedes}
    view: PatchView = await session.ask("patches.create", CreatePatch.model_validate(given))
    return view


async def _of_files(
    session: Session, words: dict[str, str], files: tuple[Path, ...], folder: Path, supersedes: str
) -> PatchView:  # fmt: skip
    from chorus_tui.cli.patch_apply import failed
    from chorus_tui.client import worktree
    from chorus_tui.client.git_run import GitError, Repository
    from chorus_tui.client.patches import stage
    from chorus_tui.contract.models.patches import CreatePatch

    try:
        repository = Repository.at(folder)
        differ = worktree.changed(repository)
        paths = worktree.inside(repository, files) if files else [one.path for one in differ if one.tracked]
        data = worktree.diff(repository, paths)
        base, name = repository.head, repository.name
    except GitError as error:
        raise failed(str(error)) from error
    untracked = [one.path for one in differ if not one.tracked]
    if not files and untracked:
        complain(
            f"not in the patch, since git does not know them yet (name them to take them): {', '.join(untracked[:5])}"
        )
    if not data:
        raise failed("nothing differs from HEAD there, so there is no patch")
    staged = await stage(session.ask, data)
    given = {**words, "repository": name, "base": base, "staged": staged, "supersedes": supersedes}
    view: PatchView = await session.ask("patches.create", CreatePatch.model_validate(given))
    return view


@patch.command("list")
@click.option("--open", "which", flag_value="open", help="Only those that are under way.")
@click.option("--closed", "which", flag_value="closed", help="Only those that have ended.")
@click.option("--project", "project_id", default="", help="Only those of this project.")
@page_options(200, "Patches")
@engine_command
async def list_(session: Session, which: str | None, project_id: str, **page: Any) -> None:
    """Open ones first, then what changed last."""
    from chorus_tui.cli.patch_views import print_list
    from chorus_tui.contract.models.patches import ListPatches

    request = ListPatches.model_validate({"which": which or "all", "project_id": project_id, **page})
    session.show(await session.ask("patches.list", request), print_list)


@patch.command()
@click.argument("patch_id")
@click.option("--diff", "diff", is_flag=True, help="The diff alone, as 'git apply' takes it; on a terminal in colours.")
@click.option("--revision", type=click.IntRange(min=0), help="Of the diff: which one; default: the newest.")
@engine_command
async def show(session: Session, patch_id: str, diff: bool, revision: int | None) -> None:
    """State, files, reviews with their comments, the vote, where it was applied."""
    from chorus_tui.cli.patch_views import print_patch
    from chorus_tui.cli.results import put_patch
    from chorus_tui.client.patches import read_diff
    from chorus_tui.contract.models.patches import PatchRef

    if diff and session.json:
        raise click.UsageError("A diff is no JSON: take --diff, or --json for all that is known of the patch.")
    if diff:
        put_patch(await read_diff(session.ask, patch_id, revision))
    else:
        session.show(await session.ask("patches.show", PatchRef(patch_id=patch_id)), print_patch)


@patch.command()
@click.argument("patch_id")
@click.option("--approve", "verdict", flag_value="approve", help="It may be applied as it is.")
@click.option("--changes", "verdict", flag_value="changes", help="It needs changes first.")
@click.option("--comment", "text", default="", metavar="TEXT", help="What you think of it.")
@click.option(
    "--at", "at", multiple=True, nargs=2, metavar="FILE:HUNK[:LINE] TEXT",
    help="A comment at a place; hunks, and lines of a hunk, are counted from 1; repeat.",
)  # fmt: skip
@engine_command
async def review(
    session: Session, patch_id: str, verdict: str | None, text: str, at: tuple[tuple[str, str], ...]
) -> None:  # fmt: skip
    """Approve, ask for changes, or comment; your last verdict on a revision counts."""
    from chorus_tui.cli.patch_views import print_patch
    from chorus_tui.contract.models.patches import ReviewPatch

    comments = [_comment(place, words) for place, words in at]
    if not (verdict or text or comments):
        raise click.UsageError("Say --approve, --changes, --comment TEXT, or --at FILE:HUNK TEXT.")
    given = {"patch_id": patch_id, "verdict": verdict or "comment", "text": text, "comments": comments}
    session.show(await session.ask("patches.review", ReviewPatch.model_validate(given)), print_patch)


def _comment(place: str, text: str) -> Comment:
    from chorus_tui.contract.models.patches import Comment

    # A file's name may have colons itself: the numbers are at the end.
    parts = place.rsplit(":", 2)
    if len(parts) == 3 and not parts[1].isdigit():
        parts = [f"{parts[0]}:{parts[1]}", parts[2]]
    numbers = [int(part) for part in parts[1:] if part.isdigit() and int(part)]
    if len(parts) < 2 or len(numbers) != len(parts) - 1:
        raise click.UsageError(f"--at {place}: FILE:HUNK or FILE:HUNK:LINE, counted from 1, as calc.py:1:3")
    return Comment(file=parts[0], hunk=numbers[0] - 1, line=numbers[1] - 1 if len(numbers) == 2 else None, text=text)


@patch.command()
@click.argument("patch_id")
@engine_command
async def submit(session: Session, patch_id: str) -> None:
    """Put it forward, to be voted on or applied."""
    from chorus_tui.contract.models.patches import SubmitPatch

    session.show(await session.ask("patches.submit", SubmitPatch(patch_id=patch_id)), _print_state)


@patch.command()
@click.argument("patch_id")
@click.option(
    "--deadline", default="1d", show_default=True, metavar="TIME", help="From now (90s, 10m, 2h, 3d), or RFC 3339."
)
@click.option(
    "--threshold", type=click.Choice(["majority", "two_thirds", "unanimous"]), default="majority", show_default=True
)
@engine_command
async def vote(session: Session, patch_id: str, deadline: str, threshold: str) -> None:
    """Put a submitted patch to the vote; prints the decision's id. 'decide vote' votes on it."""
    from chorus_tui.cli.plain import say
    from chorus_tui.contract.models.patches import VotePatch

    given = {"patch_id": patch_id, "deadline": deadline, "threshold": threshold}
    view: PatchView = await session.ask("patches.vote", VotePatch.model_validate(given))
    session.show(view, lambda _: say(view.decision_id))


@patch.command()
@click.argument("patch_id")
@click.option("--reason", default="", help="Others read it.")
@engine_command
async def withdraw(session: Session, patch_id: str, reason: str) -> None:
    """Take a patch back."""
    from chorus_tui.contract.models.patches import WithdrawPatch

    session.show(await session.ask("patches.withdraw", WithdrawPatch(patch_id=patch_id, reason=reason)), _print_state)


@patch.command("apply")
@click.argument("patch_id")
@click.option(
    "--repo",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The work tree. Default: here.",
)
@click.option("--dry-run", is_flag=True, help="Only look whether it applies, and where it does not.")
@click.option(
    "--branch", default="", metavar="NAME", help="As a commit of yours on this new branch. Nothing is pushed."
)
@engine_command
async def apply_(session: Session, patch_id: str, repo: Path, dry_run: bool, branch: str) -> int:
    """Apply it: to a work tree, or, a context patch, as the next version of its document. Exit code 1: it does not apply."""
    from chorus_tui.cli.patch_apply import failed, in_work_tree, to_document
    from chorus_tui.contract.models.patches import PatchRef

    view: PatchView = await session.ask("patches.show", PatchRef(patch_id=patch_id))
    if "apply" not in view.may and not dry_run:
        first = (
            f"; 'chorus-tui patch submit {view.patch_id}' submits it" if view.state in ("draft", "in_review") else ""
        )
        raise failed(
            f"the patch is {view.state.replace('_', ' ')}: what is submitted or passed is applied, by who may work here{first}"
        )
    if view.kind == "context":
        return await to_document(session, view, dry_run=dry_run)
    return await in_work_tree(session, view, repo, branch, dry_run=dry_run)


def _print_id(view: PatchView) -> None:
    from chorus_tui.cli.plain import say

    say(view.patch_id)


def _print_state(view: PatchView) -> None:
    from chorus_tui.cli.plain import clean, say
    from chorus_tui.telling import patches as words

    say(clean(f"{view.patch_id}: {words.standing(view)}"))
