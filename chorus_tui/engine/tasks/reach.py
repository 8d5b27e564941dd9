"""Which repositories of this machine a caller may name: what is named is read by the engine, with its user's rights, and its
commits come out with the task.

The engine's owner, at the Unix socket and without a token, names any. Whoever shows a token names those in the folder that was given with
the token, or none: a scope says what one may do in the mesh, never which files of this machine one may read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chorus_tui.contract.problem import Problem, invalid


def repository(named: str, caller: Any) -> Path:
    """The folder of the repository that ``caller`` names by an absolute path. Raises :class:`Problem` (403).

    Of one who may not, nothing tells what there is: the refusal is the same for every path.
    """
    if _owns(caller):
        return Path(named)
    given = str(getattr(caller, "folder", ""))
    if given:
        found = _resolved(named)
        # Its own .git, and a folder: git would also go up out of the folder, and follow a file of that name elsewhere.
        git = None if found is None else found / ".git"
        if (
            found is not None
            and _below(found, Path(given))
            and git is not None
            and git.is_dir()
            and not git.is_symlink()
        ):
            return found
    reach = f"Only repositories in {given} can be named" if given else "No path of the engine's machine can be named"
    raise Problem(
        403, "out-of-reach", f"{reach} with this token",
        "Give an https URL or the digest of a bundle; or let the engine's owner make a token with --folder.",
        {"spec.repository": "this path is out of reach"},
    )  # fmt: skip


def folder(named: str, caller: Any) -> str:
    """The folder that ``caller`` gives with a token: none of his own, or part of it. Raises :class:`Problem` (403, 422)."""
    if not named:
        return ""
    found = _resolved(named) if Path(named).is_absolute() else None
    own = str(getattr(caller, "folder", ""))
    if not _owns(caller) and not (own and found is not None and _below(found, Path(own))):
        raise Problem(
            403, "out-of-reach", "Nobody gives what is not his",
            "A folder of this machine is given by the engine's owner, on that machine: chorus-tui token new --folder.",
            {"folder": "this folder is out of reach"},
        )  # fmt: skip
    if found is None or not found.is_dir():
        raise invalid({"folder": "no absolute path of a folder on the engine's machine"})
    return str(found)


def _owns(caller: Any) -> bool:
    """Whoever is not known owns nothing."""
    return bool(getattr(caller, "owner", False))


def _below(found: Path, above: Path) -> bool:
    return found == above or above in found.parents


def _resolved(named: str) -> Path | None:
    """Without links; None for what can be no path."""
    try:
        return Path(named).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
