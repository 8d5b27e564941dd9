"""``chorus-tui patch apply``: whether a patch fits, where it does not, and applying it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chorus_tui.cli.session import Exit, Session, complain
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.client.git_run import Repository
    from chorus_tui.contract.diff_text import Misfit
    from chorus_tui.contract.models.patches import PatchView, Written
    from chorus_tui.contract.problem import Problem


async def in_work_tree(session: Session, view: PatchView, folder: Path, branch: str, *, dry_run: bool) -> int:
    """Try it, then do it, then tell the mesh."""
    from chorus_tui.client import applying
    from chorus_tui.client.git_run import GitError, Repository
    from chorus_tui.client.patches import read_diff
    from chorus_tui.contract.diff import BadDiff

    data = await read_diff(session.ask, view.patch_id)
    try:
        repository = Repository.at(folder)
        wrong = applying.misfits(repository, data, on_head=bool(branch))
    except BadDiff as error:
        raise failed("The diff of this patch is not taken", str(error)) from error
    except GitError as error:
        raise failed(str(error)) from error
    if wrong:
        _print_misfits(session, view, repository, wrong)
        return Exit.FAILED
    if dry_run:
        _print_done(session, view, f"It applies in {repository.top}: {many(view.files, 'file')}", {"applies": True})
        return Exit.OK
    try:
        made = applying.commit(repository, data, branch, applying.message_of(view)) if branch else ""
        onto = "" if branch else applying.apply(repository, data)
    except GitError as error:
        raise failed("Nothing was applied", str(error)) from error
    await _tell(
        session,
        view,
        {"repository": repository.name, "commit": made, "onto": onto, "branch": branch or repository.branch},
    )
    where = f"as commit {made[:12]} on {branch}" if branch else "to the work tree; nothing is committed"
    _print_done(
        session,
        view,
        f"Applied in {repository.top} {where}",
        {"applied": True, "commit": made, "onto": onto, "branch": branch},
    )
    return Exit.OK


def failed(title: str, detail: str = "") -> Problem:
    """What went wrong on this machine: told as what the engine refuses is, with exit code 1."""
    from chorus_tui.contract.problem import Problem

    return Problem(409, "git", title, detail)


async def _tell(session: Session, view: PatchView, where: dict[str, str]) -> None:
    """The work tree is changed by now: when the mesh cannot be told, that is said and no failure of the applying."""
    from chorus_tui.client import EngineGone
    from chorus_tui.contract.models.patches import PatchApplied
    from chorus_tui.contract.problem import Problem

    request = PatchApplied.model_validate({"patch_id": view.patch_id, "revision": view.revision, **where})
    try:
        await session.ask("patches.applied", request)
    except (Problem, EngineGone) as error:
        complain(f"the patch is applied, but the mesh was not told: {error}")


async def to_document(session: Session, view: PatchView, *, dry_run: bool) -> int:
    """As the next version."""
    from chorus_tui.contract.models.patches import WriteContext

    written: Written = await session.ask("patches.write", WriteContext(patch_id=view.patch_id, dry_run=dry_run))
    words = f"It applies as version {written.version}" if dry_run else f"Written as version {written.version}"
    said = {"applies" if dry_run else "applied": True, "address": written.address, "version": written.version}
    _print_done(session, view, f"{words} of {written.address}", said)
    return Exit.OK


def _print_done(session: Session, view: PatchView, text: str, said: dict[str, object]) -> None:
    from chorus_tui.cli.plain import clean, foreign, say

    if session.json:
        click.echo(json.dumps({"patch_id": view.patch_id, **said}))
    else:
        say(foreign(clean(text)))


def _print_misfits(session: Session, view: PatchView, repository: Repository, wrong: list[Misfit]) -> None:
    from chorus_tui.telling import patches as words

    if session.json:
        rows = [
            {"file": one.file, "line": one.line, "why": one.why, "expected": one.expected, "found": one.found} for one in wrong
        ]  # fmt: skip
        click.echo(json.dumps({"patch_id": view.patch_id, "applies": False, "misfits": rows}))
    lines = [line for one in wrong for line in words.misfit(one)]
    complain("\n".join([f"the patch does not apply in {repository.top}; nothing was changed", *lines]))
